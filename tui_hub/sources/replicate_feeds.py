"""Walking Replicate: its models page by page, and its collections with what is in them.

What a feed's query means here: `filter` names collections, `*` all of them; `search` asks the
search; without either all models are listed, those with the newest version first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from tui_hub.domain.errors import NotFoundError, UnreachableError, UsageError
from tui_hub.domain.feeds import Feed, Query
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model
from tui_hub.sources.base import SourcePage
from tui_hub.sources.exchange import Answer
from tui_hub.sources.links import own_page
from tui_hub.sources.network import host_of
from tui_hub.sources.places import Place, cut_of, digest_of, read_place, write_place
from tui_hub.sources.replicate_collections import Fetch, cost_of, gather
from tui_hub.sources.replicate_records import BadRecordError, read_model, read_page

_SORTS = {"created": "model_created_at", "createdAt": "model_created_at"}
"""Orders that are not the listing's own."""
_MOST_BARREN_PAGES = 50
"""Pages in a row that bring nothing new before the listing counts as running in circles."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A page, and where to go on after it."""

    page: SourcePage
    place: Place | None


class Walk:
    """One walk over one feed."""

    def __init__(
        self, fetch: Fetch, endpoint: str, feed: Feed, *, latest: str, since: str | None = None
    ) -> None:
        """Made for one walk.

        Args:
            fetch: asks for a page.
            endpoint: the API's address.
            feed: the queries.
            latest: the last moment that a date may name; see `read_model`.
            since: a watermark, to walk only what changed after it. Collections do not tell when
                they changed, and neither does a search: those are walked whole.
        """
        self._fetch = fetch
        self._endpoint = endpoint
        self._feed = feed
        self._limit = feed.limit if since is None else None
        self._latest = latest
        self._oldest = cut_of(since)
        self._digest = digest_of(feed, self._limit, since)
        self._seen: set[str] = set()
        self._visited: set[str] = set()
        self._barren = 0

    async def pages(self, cursor: str | None) -> AsyncIterator[SourcePage]:
        """The pages after `cursor`; a listing ends early where the rest is known."""
        place: Place | None = read_place(cursor, self._feed, self._digest, self._endpoint) or Place(
            self._digest
        )
        while place is not None:
            collected = self._feed.queries[place.query].filter
            async for step in self._collections(place) if collected else self._listing(place):
                place = step.place
                yield self._shown(step)

    async def _listing(self, place: Place) -> AsyncIterator[_Step]:
        """A query's pages of models, from a place on to the next query."""
        query, first = self._feed.queries[place.query], place
        while True:
            url = place.next or self._first_page(query)
            try:
                answer = await self._fetch(url, query.search)
            except (UsageError, NotFoundError):
                if place is not first or place.next is None:
                    raise
                # A server forgets its cursors; the query then starts over.
                place = Place(self._digest, place.query)
                continue
            self._visited.add(url)
            models, skipped, link = await asyncio.to_thread(self._read, answer, place)
            following = None if link is None else own_page(link, url)
            if following in self._visited:
                raise UnreachableError(f"{host_of(url)} lists its models in a circle")
            taken = place.taken + len(models) + len(skipped)
            enough = self._limit is not None and taken >= self._limit
            oldest = None if query.search else self._oldest
            over = following is None or enough or _all_known(models, oldest)
            fresh = self._fresh(models, url)
            changed = [model for model in fresh if not _all_known([model], oldest)]
            page = replace(
                cost_of(answer, skipped), models=tuple(changed), known=len(fresh) - len(changed)
            )
            if over:
                yield _Step(page, self._after(place))
                return
            place = Place(self._digest, place.query, following, taken)
            yield _Step(page, place)

    async def _collections(self, place: Place) -> AsyncIterator[_Step]:
        """The models of a query's collections; an interrupted walk gathers them anew."""
        query, taken = self._feed.queries[place.query], 0
        async for page, last in gather(self._fetch, self._endpoint, query.filter, self._latest):
            left = None if self._limit is None else max(self._limit - taken, 0)
            models = self._fresh(page.models[:left], self._endpoint) if page.models else []
            taken += len(page.models)
            following = self._after(place) if last else place
            yield _Step(replace(page, models=tuple(models)), following)

    def _shown(self, step: _Step) -> SourcePage:
        """A page with its cursor."""
        cursor = write_place(step.place)
        return replace(step.page, cursor=cursor)

    def _read(self, answer: Answer, place: Place) -> tuple[list[Model], list[str], str | None]:
        """The models of a page up to the feed's limit, why others are none, and the next page."""
        page = read_page(answer)
        left = None if self._limit is None else max(self._limit - place.taken, 0)
        models: list[Model] = []
        skipped: list[str] = []
        for number, row in enumerate(page.results[:left], start=1):
            try:
                models.append(read_model(row, self._latest))
            except BadRecordError as error:
                skipped.append(f"record {number} of the page: {error}")
        return models, skipped, page.next

    def _fresh(self, models: Sequence[Model], url: str) -> list[Model]:
        """The models that this walk has not listed yet: pages shift, and queries overlap."""
        fresh = [model for model in models if model.id not in self._seen]
        self._seen.update(model.id for model in fresh)
        self._barren = 0 if fresh else self._barren + 1
        if self._barren > _MOST_BARREN_PAGES:
            raise UnreachableError(f"{host_of(url)} lists the same models over and over")
        return fresh

    def _after(self, place: Place) -> Place | None:
        """The next query, if there is one."""
        following = place.query + 1
        return Place(self._digest, following) if following < len(self._feed.queries) else None

    def _first_page(self, query: Query) -> str:
        sort = None if self._oldest is not None else _SORTS.get(query.sort)
        chosen = f"?{urlencode({'sort_by': sort})}" if sort else ""
        return f"{self._endpoint}/models{chosen}"


def _all_known(models: Sequence[Model], oldest: str | None) -> bool:
    """Whether models did not change since the last sync; those without a date tell nothing."""
    times = [model.last_modified for model in models if model.last_modified]
    return oldest is not None and bool(times) and max(times) < oldest
