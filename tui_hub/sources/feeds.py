"""The feeds that ship with the program, and the user's own."""

from __future__ import annotations

import re
from dataclasses import replace

from tui_hub.domain.errors import UsageError
from tui_hub.domain.feeds import Feed, Query, Rules
from tui_hub.domain.identifiers import SOURCES
from tui_hub.domain.types import ModelType, tasks_of
from tui_hub.settings import FeedSettings, QuerySettings, RuleSettings, Settings

_NAME = re.compile(r"([a-z]+):[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_LITERT_TAGS = ("litert", "litert-lm", "tflite", "LiteRT")
"""Tags are case-sensitive on the Hub, and no single one of these means all of LiteRT."""
_TASKS = (
    *tasks_of(ModelType.IMAGE_GEN),
    *tasks_of(ModelType.VIDEO_GEN),
    *tasks_of(ModelType.TTS),
    *tasks_of(ModelType.MUSIC),
    *tasks_of(ModelType.AUDIO),
    *tasks_of(ModelType.THREE_D),
    "text-generation",
)
_TASK_LIMIT = 2000

SHIPPED: tuple[Feed, ...] = (
    Feed(
        name="hf:litert",
        source="hf",
        queries=tuple(Query(filter=(tag,)) for tag in _LITERT_TAGS),
        schedule="0 2 * * *",
    ),
    *(
        Feed(
            name=f"hf:{task}",
            source="hf",
            queries=(Query(pipeline_tag=task, sort="downloads"),),
            limit=_TASK_LIMIT,
        )
        for task in _TASKS
    ),
    Feed(name="hf:all", source="hf", enabled=False),
    Feed(name="ollama:local", source="ollama", queries=(Query(filter=("daemon",)),)),
    Feed(name="ollama:library", source="ollama", schedule="0 3 * * *"),
    Feed(name="curated:models", source="curated", networked=False),
)
"""`hf:all` is the whole Hub, millions of models: the user turns it on.

Ollama's library takes three requests for each model, so it has its turn once a day.
"""


def feeds_from(settings: Settings) -> tuple[Feed, ...]:
    """The shipped feeds as the settings change them, then the user's own by name.

    Raises:
        UsageError: for a feed whose name or source is none.
    """
    feeds = {feed.name: feed for feed in SHIPPED}
    for name, given in sorted(settings.feeds.items()):
        feeds[name] = _changed(feeds[name], given) if name in feeds else _own(name, given)
    return tuple(feeds.values())


def _changed(feed: Feed, given: FeedSettings) -> Feed:
    """A shipped feed with what the user wrote put in its place; what is not written stays."""
    return replace(
        feed,
        queries=tuple(map(_query, given.queries)) or feed.queries,
        limit=feed.limit if given.limit is None else _limit(feed.name, given.limit),
        rules=_rules(given.rules),
        enabled=given.enabled,
        schedule=_schedule(given.schedule or feed.schedule),
    )


def _own(name: str, given: FeedSettings) -> Feed:
    match = _NAME.fullmatch(name)
    if match is None or match[1] not in SOURCES or match[1] != given.source:
        raise UsageError(
            f"{name[:80]!r} cannot be the name of a feed of {given.source[:40]!r}",
            hint='A feed is named by its source and a word, for example "hf:my-models".',
        )
    return Feed(
        name=name,
        source=given.source,
        queries=tuple(map(_query, given.queries)) or (Query(),),
        limit=None if given.limit is None else _limit(name, given.limit),
        rules=_rules(given.rules),
        enabled=given.enabled,
        schedule=_schedule(given.schedule),
        networked=given.source not in ("curated", "local"),
    )


def _schedule(given: str) -> str:
    """A cron expression, or nothing for the random interval."""
    return "" if given.strip() == "random" else given.strip()


def _limit(name: str, limit: int) -> int:
    if limit < 1:
        raise UsageError(f"the limit of the feed {name} is {limit}; it must be 1 or more")
    return limit


def _query(given: QuerySettings) -> Query:
    return Query(
        filter=tuple(given.filter),
        pipeline_tag=given.pipeline_tag or None,
        author=given.author or None,
        library=given.library or None,
        search=given.search or None,
        sort=given.sort or "lastModified",
    )


def _rules(given: RuleSettings) -> Rules:
    return Rules(
        libraries=tuple(given.libraries),
        tasks=tuple(given.tasks),
        licenses=tuple(given.licenses),
        authors=tuple(given.authors),
        min_downloads=given.min_downloads,
        max_size=given.max_size,
        gated=given.gated,
    )
