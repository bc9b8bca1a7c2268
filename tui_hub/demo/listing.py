"""`GET /api/models`: which models a query finds, in which order, page by page."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from starlette.datastructures import QueryParams

from tui_hub.demo import problems
from tui_hub.demo.registry import Entry
from tui_hub.demo.shapes import EXPANDABLE, FULL, LISTED
from tui_hub.domain.frozen import dataclass

_SIZES = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_APPS = {"ollama": "gguf", "llama.cpp": "gguf", "vllm": "safetensors"}


def _parameters(entry: Entry) -> int:
    repository = entry.head.repository
    total = repository.gguf.get("total")
    return sum(repository.parameters.values()) or (total if isinstance(total, int) else 0)


_SORTS: dict[str, Callable[[Entry], Any]] = {
    "trendingScore": lambda entry: entry.head.repository.trending,
    "lastModified": lambda entry: entry.head.date,
    "createdAt": lambda entry: entry.head.repository.created_at,
    "downloads": lambda entry: entry.head.repository.downloads,
    "likes": lambda entry: entry.head.repository.likes,
    "likes30d": lambda entry: entry.head.repository.likes,
    "num_parameters": _parameters,
    "mainSize": lambda entry: entry.head.repository.stored,
    "id": lambda entry: entry.head.id,
}


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a listing."""

    entries: tuple[Entry, ...]
    keys: tuple[str, ...]
    cursor: str | None
    """Where the next page begins; `None` on the last."""


def list_models(entries: Iterable[Entry], query: QueryParams, page_size: int) -> Listing:
    """Answer a query.

    Raises:
        Problem: 400 for a sort, an expansion, a limit or a cursor that the Hub does not know.
    """
    sort = query.get("sort", "trendingScore")
    if sort not in _SORTS:
        raise problems.bad_option("sort", tuple(_SORTS))
    keys = _keys(query)
    limit = min(_limit(query), page_size)
    value = _SORTS[sort]
    found = sorted(
        (entry for entry in entries if _matches(entry, query)), key=lambda entry: entry.key
    )
    found.sort(key=value, reverse=True)
    if query.get("cursor"):
        found = _after(found, value, sort, query["cursor"])
    page = tuple(found[:limit])
    cursor = _cursor(sort, value(page[-1]), page[-1].key) if len(found) > limit else None
    return Listing(page, keys, cursor)


def _keys(query: QueryParams) -> tuple[str, ...]:
    asked = query.getlist("expand")
    if any(name not in EXPANDABLE for name in asked):
        raise problems.bad_option("expand", EXPANDABLE)
    if asked:
        return ("_id", "id", *asked)
    keys = FULL if _true(query, "full") else LISTED
    return keys + tuple(name for name in ("config", "cardData") if _true(query, name))


def _limit(query: QueryParams) -> int:
    text = query.get("limit", "1000")
    if not text.isdecimal() or int(text) < 1:
        raise problems.bad_value("limit", "a positive number")
    return int(text)


def _true(query: QueryParams, name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")


def _matches(entry: Entry, query: QueryParams) -> bool:
    repository = entry.head.repository
    if query.get("search", "").lower() not in repository.id.lower():
        return False
    if query.get("author") not in (None, "", repository.author):
        return False
    if query.get("pipeline_tag") not in (None, "", repository.task):
        return False
    if query.get("gated") and _true(query, "gated") != bool(repository.gated):
        return False
    wanted = [tag for value in query.getlist("filter") for tag in value.split(",")]
    wanted += [_APPS.get(app, app) for app in query.getlist("apps")]
    return all(tag in repository.tags for tag in wanted) and _in_range(entry, query)


def _in_range(entry: Entry, query: QueryParams) -> bool:
    """Whether the number of parameters lies in `min:6B,max:128B`."""
    bounds = dict(re.findall(r"(min|max):(\d+(?:\.\d+)?[KMBT]?)", query.get("num_parameters", "")))
    parameters = _parameters(entry)
    return _count(bounds.get("min", "0")) <= parameters and (
        "max" not in bounds or parameters <= _count(bounds["max"])
    )


def _count(text: str) -> float:
    number = text.rstrip("KMBT")
    return float(number) * _SIZES[text[len(number) :]]


def _cursor(sort: str, value: Any, key: str) -> str:
    """The form of the Hub's own: a range query over the sorted field, in base64."""
    query = {"$or": [{sort: value, "_id": {"$gt": key}}, {sort: {"$lt": value}}]}
    return base64.b64encode(json.dumps(query).encode()).decode()


def _after(
    found: Sequence[Entry], value: Callable[[Entry], Any], sort: str, cursor: str
) -> list[Entry]:
    try:
        first, second = json.loads(base64.b64decode(cursor, validate=True))["$or"]
        last, key = first[sort], first["_id"]["$gt"]
        return [
            entry
            for entry in found
            if value(entry) < second[sort]["$lt"] or (value(entry) == last and entry.key > key)
        ]
    except (ValueError, KeyError, TypeError):
        raise problems.bad_value("cursor", "a cursor of this query") from None
