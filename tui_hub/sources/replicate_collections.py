"""Replicate's collections: which there are, and which models stand in which of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from urllib.parse import quote

from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.models import Model
from tui_hub.sources.base import SourcePage
from tui_hub.sources.exchange import Answer
from tui_hub.sources.limits import answer_moment, quota_of
from tui_hub.sources.links import own_page
from tui_hub.sources.replicate_records import (
    BadRecordError,
    collected,
    read_collection,
    read_model,
    read_page,
    read_slug,
)

Fetch = Callable[[str, str | None], Awaitable[Answer]]
"""Asks an address, or searches it for a text; what comes back has status 200."""

ALL = "*"
"""In the place of a collection's name: every collection."""
_MOST = 1000
"""Collections; there are some hundred."""
_PAGE = 500


class _Gathering:
    """Models by id, and the collections that each was found in."""

    def __init__(self, latest: str) -> None:
        self._latest = latest
        self._models: dict[str, Model] = {}
        self._slugs: dict[str, set[str]] = {}

    def add(self, slug: str, answer: Answer) -> list[str]:
        """Take a collection in; why some of its records are left out."""
        skipped: list[str] = []
        try:
            rows = read_collection(answer).models
        except BadRecordError as error:
            return [f"collection {slug}: {error}"]
        for number, row in enumerate(rows, start=1):
            try:
                model = read_model(row, self._latest)
            except BadRecordError as error:
                skipped.append(f"record {number} of the collection {slug}: {error}")
                continue
            self._models[model.id] = model
            self._slugs.setdefault(model.id, set()).add(slug)
        return skipped

    def models(self) -> list[Model]:
        """All models, each with the collections that it is in."""
        return [collected(model, self._slugs[key]) for key, model in self._models.items()]


async def gather(
    fetch: Fetch, endpoint: str, names: Sequence[str], latest: str
) -> AsyncIterator[tuple[SourcePage, bool]]:
    """The models of some collections, and whether a page is the last.

    A model may stand in many, and its row tells of all of them at once. So the pages with models
    come after all collections were asked for; the pages before tell only what that cost.
    """
    slugs = [name for name in names if name != ALL]
    if ALL in names:
        url: str | None = f"{endpoint}/collections"
        visited: set[str] = set()
        while url is not None and url not in visited:
            visited.add(url)
            answer = await fetch(url, None)
            listed = read_page(answer)
            skipped: list[str] = []
            for row in listed.results:
                try:
                    slugs.append(read_slug(row))
                except BadRecordError as error:
                    skipped.append(f"a collection: {error}")
            yield cost_of(answer, skipped), False
            if len(slugs) > _MOST:
                raise RefusedError(f"more than {_MOST} collections are listed")
            url = None if listed.next is None else own_page(listed.next, url)
    gathering = _Gathering(latest)
    for slug in dict.fromkeys(slugs):
        try:
            answer = await fetch(f"{endpoint}/collections/{quote(slug, safe='')}", None)
        except NotFoundError as error:
            yield SourcePage(models=(), skipped=(error.message,), requests=1), False
            continue
        yield cost_of(answer, await asyncio.to_thread(gathering.add, slug, answer)), False
    models = gathering.models()
    for start in range(0, max(len(models), 1), _PAGE):
        page = SourcePage(models=tuple(models[start : start + _PAGE]))
        yield page, start + _PAGE >= len(models)


def cost_of(answer: Answer, skipped: Sequence[str]) -> SourcePage:
    """A page without models yet: what an answer cost, and why records of it are left out."""
    return SourcePage(
        models=(),
        skipped=tuple(skipped),
        requests=answer.requests,
        bytes=answer.transferred,
        at=answer_moment(answer.headers),
        quota=quota_of(answer.headers),
    )
