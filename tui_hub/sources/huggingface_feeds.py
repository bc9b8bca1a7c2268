"""Walking the Hub's listing: queries, pages, cursors, and models that turn up twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import pairwise
from urllib.parse import urlencode

from tui_hub.domain.errors import UnreachableError, UsageError
from tui_hub.domain.feeds import NO_MODEL, Feed, Query, Reach
from tui_hub.domain.models import Model
from tui_hub.sources.base import SourcePage
from tui_hub.sources.exchange import Answer
from tui_hub.sources.huggingface_records import read_models
from tui_hub.sources.limits import answer_moment, quota_of
from tui_hub.sources.links import next_link
from tui_hub.sources.network import host_of
from tui_hub.sources.places import Place, cut_of, digest_of, read_place, write_place

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
_GLANCE = 10
"""Entries to each of the first two pages of a walk that expects to find nothing new."""
_REMEMBERED = 100_000
"""Ids in each of the two sets, the later and the earlier, that are kept to notice a model that
turns up again; the whole Hub's would cost 300 MB."""
_MOST_BARREN_PAGES = 200
"""Pages in a row that bring nothing new before the listing counts as running in circles."""


class Walk:
    """One walk over one feed."""

    def __init__(
        self,
        fetch: Fetch,
        endpoint: str,
        page_size: int,
        feed: Feed,
        *,
        latest: str,
        since: str | None = None,
    ) -> None:
        """Made for one walk.

        Args:
            fetch: asks for a page.
            endpoint: the Hub's address.
            page_size: entries to a page.
            feed: the queries.
            latest: the last moment that a date may name; see `read_model`.
            since: a watermark, to walk only what changed after it.
        """
        self._fetch = fetch
        self._endpoint = endpoint
        self._page_size = page_size
        self._feed = feed
        self._limit = feed.limit if since is None else None
        self._latest = latest
        self._oldest = cut_of(since)
        self._digest = digest_of(feed, self._limit, since)
        self._seen: set[str] = set()
        self._before: set[str] = set()
        self._visited: set[str] = set()
        self._barren = 0

    async def pages(self, cursor: str | None) -> AsyncIterator[SourcePage]:
        """The pages after `cursor`; each query ends early where the rest is known."""
        resumed = read_place(cursor, self._feed, self._digest, self._endpoint)
        place: Place | None = resumed or Place(self._digest)
        while place is not None:
            url = place.next or self._first_page(place)
            try:
                answer = await self._fetch(url)
            except UsageError:
                if place is not resumed or place.next is None:
                    raise
                # A server forgets its cursors; the query then starts over.
                place = Place(self._digest, place.query)
                continue
            self._visited.add(url)
            # A page costs some 20 ms to take apart, which nobody who waits for a key should notice.
            models, skipped = await asyncio.to_thread(self._read, answer, place)
            times = [model.last_modified for model in models if model.last_modified]
            here = place
            place = self._after(here, url, answer, models, len(skipped))
            fresh = [model for model in models if self._new(model)]
            self._check_progress(url, fresh)
            changed = [model for model in fresh if not self._known(model)]
            yield SourcePage(
                models=tuple(changed),
                skipped=tuple(skipped),
                newest=max(times, default=None),
                query=here.query,
                reach=self._reach(here, url, answer, models, len(skipped)),
                known=len(fresh) - len(changed),
                cursor=write_place(place),
                requests=answer.requests,
                bytes=answer.transferred,
                at=answer_moment(answer.headers),
                quota=quota_of(answer.headers),
            )

    def _read(self, answer: Answer, place: Place) -> tuple[list[Model], list[str]]:
        """The models of a page up to the feed's limit, and why the others are none."""
        left = None if self._limit is None else max(self._limit - place.taken, 0)
        return read_models(answer.json_body(), host_of(answer.url), self._latest, left)

    def _after(
        self, place: Place, url: str, answer: Answer, models: Sequence[Model], skipped: int
    ) -> Place | None:
        """Where to go on after a page: its successor, the next query, or nowhere."""
        taken = place.taken + len(models) + skipped
        following = next_link(answer.headers, url)
        if following in self._visited:
            raise UnreachableError(f"{host_of(url)} lists its models in a circle")
        enough = self._limit is not None and taken >= self._limit
        if following and not enough and not self._rest_is_known(models):
            glanced = self._oldest is not None and not place.wide and self._page_size > _GLANCE
            if glanced and place.next is not None:
                return Place(self._digest, place.query, wide=True)
            return Place(self._digest, place.query, following, taken, place.wide)
        if place.query + 1 < len(self._feed.queries):
            return Place(self._digest, place.query + 1)
        return None

    def _reach(
        self, place: Place, url: str, answer: Answer, models: Sequence[Model], skipped: int
    ) -> Reach | None:
        """How far down a query was walked that the limit cuts off behind this page."""
        if self._limit is None or place.taken + len(models) + skipped < self._limit:
            return None
        if next_link(answer.headers, url) is None:
            return None
        sort = _sort(self._feed.queries[place.query])
        if sort == "downloads":
            lowest = min((model.downloads for model in models), default=0)
            return Reach(floor=lowest, certain=2 * lowest + 1)
        # What changed belongs to the newest by itself; to the most liked only a full walk can tell.
        return Reach(floor=0 if sort == _NEWEST_FIRST else NO_MODEL, certain=NO_MODEL)

    def _rest_is_known(self, models: Sequence[Model]) -> bool:
        """Whether a page, newest first, reaches down to what did not change since the last sync.

        A server that does not order by time is walked on while any page brings something newer.
        """
        times = [model.last_modified for model in models if model.last_modified]
        if self._oldest is None or not times or len(times) < len(models):
            return False
        ordered = all(first >= second for first, second in pairwise(times))
        return (times[-1] if ordered else max(times)) < self._oldest

    def _known(self, model: Model) -> bool:
        """Whether a model did not change since the last sync."""
        return (
            self._oldest is not None
            and model.last_modified is not None
            and model.last_modified < self._oldest
        )

    def _new(self, model: Model) -> bool:
        """Whether this walk has not listed a model yet: pages shift, and queries overlap."""
        name, key = model.id.casefold(), model.upstream_id or model.id
        seen, before = self._seen, self._before
        new = not (name in seen or key in seen or name in before or key in before)
        if len(seen) >= _REMEMBERED:
            self._before, self._seen = seen, set()
        self._seen.add(name)
        self._seen.add(key)
        return new

    def _check_progress(self, url: str, fresh: Sequence[Model]) -> None:
        self._barren = 0 if fresh else self._barren + 1
        if self._barren > _MOST_BARREN_PAGES:
            raise UnreachableError(f"{host_of(url)} lists the same models over and over")

    def _first_page(self, place: Place) -> str:
        query = self._feed.queries[place.query]
        limit = min(self._page_size, self._limit or self._page_size)
        if self._oldest is not None and not place.wide:
            limit = min(limit, _GLANCE)
        tags = (*query.filter, *((query.library,) if query.library else ()))
        parameters = [("filter", tag) for tag in tags]
        for name in ("pipeline_tag", "author", "search"):
            if value := getattr(query, name):
                parameters.append((name, value))
        sort = _NEWEST_FIRST if self._oldest is not None else _sort(query)
        parameters += [("sort", sort), ("limit", str(limit))]
        parameters += [("expand", name) for name in EXPAND]
        return f"{self._endpoint}/api/models?{urlencode(parameters)}"


def _sort(query: Query) -> str:
    return _SORTS.get(query.sort, query.sort)
