"""The fields of a feed as a person fills them in, and the feed that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.errors import UsageError
from tui_hub.domain.feeds import Feed, Rules
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.queries import parse_queries, query_text

_GATED = {"": None, "any": None, "yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the form."""

    key: str
    label: str
    hint: str
    """What to type, shown while the field is empty."""


NAME = Field("name", "name", "hf:my-models")
FIELDS = (
    Field("queries", "asks for", "tag:gguf task:text-to-image author:acme words; another query"),
    Field("limit", "at most", "all of it; a number takes so many of each query"),
    Field("schedule", "schedule", "random; or minute hour day month weekday, in UTC"),
    Field("libraries", "only library", "all; names with commas between them"),
    Field("tasks", "only task", "all"),
    Field("licenses", "only licence", "all; apache-2.0, mit for example"),
    Field("authors", "only author", "all"),
    Field("downloads", "downloads", "any number; at least so many a month"),
    Field("size", "size at most", "any; 10G for example"),
    Field("gated", "gated", "any; yes takes gated ones only, no takes none"),
)


def texts_of(feed: Feed) -> dict[str, str]:
    """What stands in the fields of a feed."""
    rules = feed.rules
    gated = {None: "", True: "yes", False: "no"}[rules.gated]
    return {
        "name": feed.name,
        "queries": query_text(feed.queries),
        "limit": "" if feed.limit is None else str(feed.limit),
        "schedule": feed.schedule,
        "libraries": ", ".join(rules.libraries),
        "tasks": ", ".join(rules.tasks),
        "licenses": ", ".join(rules.licenses),
        "authors": ", ".join(rules.authors),
        "downloads": str(rules.min_downloads or ""),
        "size": _size_text(rules.max_size),
        "gated": gated,
    }


def feed_of(texts: Mapping[str, str], before: Feed | None) -> Feed:
    """The feed that the fields make; of one that is changed, what has no field stays.

    Raises:
        UsageError: saying which field is wrong.
    """
    name = before.name if before else _name(texts["name"].strip())
    feed = before or Feed(name=name, source=name.partition(":")[0])
    schedule = " ".join(texts["schedule"].split())
    queries = feed.queries
    if before is None or texts["queries"].strip() != query_text(queries):
        queries = parse_queries(texts["queries"])
    return replace(
        feed,
        queries=queries,
        limit=_number(texts["limit"], "at most") or None,
        schedule="" if schedule == "random" else schedule,
        rules=Rules(
            libraries=_names(texts["libraries"]),
            tasks=_names(texts["tasks"]),
            licenses=_names(texts["licenses"]),
            authors=_names(texts["authors"]),
            min_downloads=_number(texts["downloads"], "downloads"),
            max_size=text.parse_size(texts["size"]) or None if texts["size"].strip() else None,
            gated=_gated(texts["gated"]),
        ),
    )


def _name(given: str) -> str:
    if not given:
        raise UsageError("the feed has no name yet", hint="For example hf:my-models.")
    return given if ":" in given else f"hf:{given}"


def _names(given: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, re.split(r"[,\s]+", given))))


def _number(given: str, label: str) -> int:
    digits = re.sub(r"[\s_]", "", given)
    if digits and not (digits.isascii() and digits.isdecimal() and len(digits) < 16):
        raise UsageError(f"{label}: {given[:40]!r} is no number", hint="Leave it empty for any.")
    return int(digits or 0)


def _gated(given: str) -> bool | None:
    word = given.strip().lower()
    if word not in _GATED:
        raise UsageError(f"gated: {given[:40]!r} is none of yes, no, any")
    return _GATED[word]


def _size_text(size: int | None) -> str:
    """A size as it can be typed, without a byte lost."""
    if size is None:
        return ""
    for unit, power in (("G", 3), ("M", 2), ("K", 1)):
        if size % 1024**power == 0:
            return f"{size // 1024**power}{unit}"
    return str(size)
