"""The feeds that ship with the program, and the user's own."""

from __future__ import annotations

import re
from dataclasses import replace

from tui_hub.domain.cron import Cron
from tui_hub.domain.errors import UsageError
from tui_hub.domain.feeds import Feed, Query, Rules
from tui_hub.domain.identifiers import SOURCES
from tui_hub.domain.types import ModelType, tasks_of
from tui_hub.settings import FeedSettings, QuerySettings, RuleSettings, Settings
from tui_hub.text import clean

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
_REPLICATE_LIMIT = 2000
"""Its whole listing is a firehose; the newest and the collections are what people look for."""

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
    Feed(name="replicate:models", source="replicate", limit=_REPLICATE_LIMIT),
    Feed(name="replicate:collections", source="replicate", queries=(Query(filter=("*",)),)),
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


def settings_of(feed: Feed) -> FeedSettings:
    """What has to stand in the settings for a feed to be as it is: only what is not so anyway."""
    shipped = shipped_feed(feed.name)
    same = shipped or Feed(name=feed.name, source=feed.source)
    return FeedSettings(
        source=feed.source,
        queries=[] if feed.queries == same.queries else list(map(_query_settings, feed.queries)),
        rules=_rule_settings(feed.rules),
        limit=None if feed.limit == same.limit else feed.limit or 0,
        enabled=feed.enabled,
        schedule="" if feed.schedule == same.schedule else feed.schedule or "random",
    )


def shipped_feed(name: str) -> Feed | None:
    """The feed of that name as it ships with the program, if it does."""
    return next((feed for feed in SHIPPED if feed.name == name), None)


def check_feed(feed: Feed) -> None:
    """Make sure that a feed could stand in the settings.

    Raises:
        UsageError: saying what is wrong with it.
    """
    given = settings_of(feed)
    if shipped_feed(feed.name) is None:
        _own(feed.name, given)
    if feed.limit is not None:
        _limit(feed.name, feed.limit)
    if feed.schedule:
        try:
            Cron.parse(feed.schedule)
        except UsageError as error:
            words = f"the schedule {clean(feed.schedule, 60)!r} is wrong: {error.message}"
            raise UsageError(words, hint=error.hint) from None
    values = [value for query in feed.queries for value in (*query.filter, *_texts(query))]
    rules = feed.rules
    values += [*rules.libraries, *rules.tasks, *rules.licenses, *rules.authors]
    for value in values:
        if not value or not value.isprintable():
            raise UsageError(f"{clean(value, 40)!r} cannot be asked for", hint="Type it as text.")


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
        limit=_limit(name, given.limit or 0),
        rules=_rules(given.rules),
        enabled=given.enabled,
        schedule=_schedule(given.schedule),
        networked=given.source not in ("curated", "local"),
    )


def _schedule(given: str) -> str:
    """A cron expression, or nothing for the random interval."""
    return "" if given.strip() == "random" else given.strip()


def _limit(name: str, limit: int) -> int | None:
    if limit < 0:
        raise UsageError(f"the limit of the feed {name} is {limit}; 0 takes all")
    return limit or None


def _query(given: QuerySettings) -> Query:
    return Query(
        filter=tuple(given.filter),
        pipeline_tag=given.pipeline_tag or None,
        author=given.author or None,
        library=given.library or None,
        search=given.search or None,
        sort=given.sort or "lastModified",
    )


def _texts(query: Query) -> list[str]:
    given = (query.pipeline_tag, query.author, query.library, query.search, query.sort)
    return [text for text in given if text is not None]


def _query_settings(query: Query) -> QuerySettings:
    return QuerySettings(
        filter=list(query.filter),
        pipeline_tag=query.pipeline_tag or "",
        author=query.author or "",
        library=query.library or "",
        search=query.search or "",
        sort="" if query.sort == Query().sort else query.sort,
    )


def _rule_settings(rules: Rules) -> RuleSettings:
    return RuleSettings(
        libraries=list(rules.libraries),
        tasks=list(rules.tasks),
        licenses=list(rules.licenses),
        authors=list(rules.authors),
        min_downloads=rules.min_downloads,
        max_size=rules.max_size,
        gated=rules.gated,
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
