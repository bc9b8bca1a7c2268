"""Walking the Hub's listing: queries, pages, cursors, and models that turn up twice."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from urllib.parse import urlencode

import msgspec

from tui_hub.domain.errors import UnreachableError, UnsafeError, UsageError
from tui_hub.domain.feeds import Feed, Query
from tui_hub.domain.models import Model
from tui_hub.sources.base import SourcePage
from tui_hub.sources.exchange import Answer
from tui_hub.sources.huggingface_records import BadRecordError, read_model
from tui_hub.sources.links import next_link
from tui_hub.sources.network import host_of, origin_of
from tui_hub.sources.records import split_list
from tui_hub.text import parse_time, stamp

Fetch = Callable[[str], Awaitable[Answer]]
"""Asks for one page of the listing; what comes back has status 200."""

EXPAND = (
    "lastModified",
    "sha",
    "downloads",
    "likes",
    "tags",
    "pipeline_tag",
    "library_name",
    "gated",
    "private",
    "disabled",
    "createdAt",
    "author",
    "trendingScore",
    "usedStorage",
    "safetensors",
    "gguf",
    "cardData",
)
"""The keys of a record that are read; a server that is not asked for any chooses others."""
_NEWEST_FIRST = "lastModified"
_SORTS = {
    "updated": _NEWEST_FIRST,
    "last_modified": _NEWEST_FIRST,
    "created": "createdAt",
    "created_at": "createdAt",
    "trending": "trendingScore",
    "trending_score": "trendingScore",
}
"""Other spellings of the Hub's orders; any other word goes to the server as it stands."""
_OVERLAP = timedelta(hours=1)
"""A walk goes on this far behind the watermark: the listing may lag, and times have ties."""
_REMEMBERED = 200_000
"""Ids kept to notice a model that turns up again; the whole Hub's would cost 300 MB."""
_MOST_BARREN_PAGES = 200
"""Pages in a row that bring nothing new before the listing counts as running in circles."""


class _Place(msgspec.Struct, frozen=True):
    """Where a walk stands: what a cursor holds."""

    feed: str
    """A digest of the feed's queries: a cursor of other queries says nothing."""
    query: int = 0
    next: str | None = None
    """The address of the page to fetch; `None` for a query's first."""
    taken: int = 0
    """Records that this query has brought so far."""


_PLACE = msgspec.json.Decoder(_Place)


class Walk:
    """One walk over one feed."""

    def __init__(
        self, fetch: Fetch, endpoint: str, page_size: int, feed: Feed, *, latest: str
    ) -> None:
        self._fetch = fetch
        self._endpoint = endpoint
        self._page_size = page_size
        self._feed = feed
        self._latest = latest
        self._digest = hashlib.sha256(repr((feed.queries, feed.limit)).encode()).hexdigest()[:16]
        self._seen: dict[str, None] = {}
        self._visited: set[str] = set()
        self._barren = 0

    async def pages(self, cursor: str | None, since: str | None) -> AsyncIterator[SourcePage]:
        """The pages after `cursor`; each query ends early where all is older than `since`."""
        resumed = self._read_cursor(cursor)
        place: _Place | None = resumed or _Place(self._digest)
        oldest = _cut(since)
        while place is not None:
            url = place.next or self._first_page(self._feed.queries[place.query])
            try:
                answer = await self._fetch(url)
            except UsageError:
                if place is not resumed or place.next is None:
                    raise
                # A server forgets its cursors; the query then starts over.
                place = _Place(self._digest, place.query)
                continue
            self._visited.add(url)
            # A page costs some 20 ms to take apart, which nobody who waits for a key should notice.
            models, skipped = await asyncio.to_thread(self._read, answer, place)
            place = self._after(place, url, answer, models, len(skipped), oldest)
            fresh = [model for model in models if self._new(model)]
            self._check_progress(url, fresh)
            yield SourcePage(
                models=tuple(filter(self._feed.rules.take, fresh)),
                skipped=tuple(skipped),
                cursor=msgspec.json.encode(place).decode() if place else None,
                requests=answer.requests,
                bytes=answer.transferred,
            )

    def _read(self, answer: Answer, place: _Place) -> tuple[list[Model], list[str]]:
        """The models of a page up to the feed's limit, and why the others are none."""
        rows = split_list(answer.json_body(), host_of(answer.url))
        left = len(rows) if self._feed.limit is None else max(self._feed.limit - place.taken, 0)
        models: list[Model] = []
        skipped: list[str] = []
        for number, row in enumerate(rows[:left], start=1):
            try:
                models.append(read_model(row, self._latest))
            except BadRecordError as error:
                skipped.append(f"record {number} of the page: {error}")
        return models, skipped

    def _after(
        self,
        place: _Place,
        url: str,
        answer: Answer,
        models: Sequence[Model],
        skipped: int,
        oldest: str | None,
    ) -> _Place | None:
        """Where to go on after a page: its successor, the next query, or nowhere."""
        taken = place.taken + len(models) + skipped
        following = next_link(answer.headers, url)
        if following in self._visited:
            raise UnreachableError(f"{host_of(url)} lists its models in a circle")
        enough = self._feed.limit is not None and taken >= self._feed.limit
        if following and not enough and not self._all_known(place.query, models, oldest):
            return _Place(self._digest, place.query, following, taken)
        if place.query + 1 < len(self._feed.queries):
            return _Place(self._digest, place.query + 1)
        return None

    def _all_known(self, query: int, models: Sequence[Model], oldest: str | None) -> bool:
        """Whether a page, newest first, holds nothing that changed since the last sync."""
        if oldest is None or not models or _sort(self._feed.queries[query]) != _NEWEST_FIRST:
            return False
        return all(model.last_modified and model.last_modified < oldest for model in models)

    def _new(self, model: Model) -> bool:
        """Whether this walk has not listed a model yet: pages shift, and queries overlap."""
        keys = {model.id.casefold(), model.upstream_id or model.id}
        known = any(key in self._seen for key in keys)
        for key in keys:
            self._seen[key] = None
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return not known

    def _check_progress(self, url: str, fresh: Sequence[Model]) -> None:
        self._barren = 0 if fresh else self._barren + 1
        if self._barren > _MOST_BARREN_PAGES:
            raise UnreachableError(f"{host_of(url)} lists the same models over and over")

    def _first_page(self, query: Query) -> str:
        limit = min(self._page_size, self._feed.limit or self._page_size)
        tags = (*query.filter, *((query.library,) if query.library else ()))
        parameters = [("filter", tag) for tag in tags]
        for name in ("pipeline_tag", "author", "search"):
            if value := getattr(query, name):
                parameters.append((name, value))
        parameters += [("sort", _sort(query)), ("limit", str(limit))]
        parameters += [("expand", name) for name in EXPAND]
        return f"{self._endpoint}/api/models?{urlencode(parameters)}"

    def _read_cursor(self, cursor: str | None) -> _Place | None:
        """A stored place, if it belongs to this feed and leads to the endpoint's own origin."""
        try:
            place = _PLACE.decode(cursor or "null")
            own = place.next is None or origin_of(place.next) == origin_of(self._endpoint)
        except (msgspec.DecodeError, UnsafeError):
            return None
        if not own or place.feed != self._digest or place.query >= len(self._feed.queries):
            return None
        return place if place.query >= 0 <= place.taken else None


def _sort(query: Query) -> str:
    return _SORTS.get(query.sort, query.sort)


def _cut(since: str | None) -> str | None:
    moment = parse_time(since)
    return stamp(moment - _OVERLAP) if moment else None
