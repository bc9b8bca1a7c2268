"""Walking Ollama's library: its names, each described by its registry, a few at a time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import msgspec

from tui_hub.domain.errors import (
    AbsentError,
    HubError,
    NoConnectionError,
    RateLimitedError,
    UnauthorizedError,
    UnreachableError,
    UnreadableError,
)
from tui_hub.domain.feeds import Feed, Query
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Model
from tui_hub.sources.base import SourcePage
from tui_hub.sources.ollama_library import Listed
from tui_hub.sources.ollama_names import PREFIX, Name
from tui_hub.text import clean

_PAGE = 16
"""Names to a page."""
_PARALLEL = 4
"""Models that are asked for at the same time; the registry is a guest's to use."""
_MOST_LEFT = 10_000


class Told(msgspec.Struct, frozen=True):
    """A model as its registry describes it, and what asking took."""

    model: Model
    requests: int
    bytes: int


Describe = Callable[[Name], Awaitable[Told]]
"""Asks the registry for one model."""
ListNames = Callable[[], Awaitable[Listed]]
"""Asks the library for its names."""


class _Place(msgspec.Struct, frozen=True):
    """Where a walk stands: what a cursor holds."""

    feed: str
    """A digest of the feed's queries: a cursor of other queries says nothing."""
    left: tuple[str, ...]
    """The names that are still to be described."""


_PLACE = msgspec.json.Decoder(_Place)


class Walk:
    """One walk over one feed."""

    def __init__(self, feed: Feed, list_names: ListNames, describe: Describe) -> None:
        self._feed = feed
        self._list_names = list_names
        self._describe = describe
        self._digest = hashlib.sha256(repr((feed.queries, feed.limit)).encode()).hexdigest()[:16]

    async def pages(self, cursor: str | None) -> AsyncIterator[SourcePage]:
        """The pages after `cursor`.

        A name that cannot be described is skipped, with the reason. Where nothing answers at all,
        the walk ends: before its first page as one whose source is not there.

        Raises:
            AbsentError: nothing answers from the start.
            UnreachableError: nothing answers any more, or no name is known there.
        """
        left = self._read_cursor(cursor)
        listed = Listed(()) if left is not None else await self._list_names()
        skipped = [f"the page of Ollama's library: {listed.problem}"] if listed.problem else []
        requests, transferred = listed.requests, listed.bytes
        names = self._wanted(listed.names) if left is None else left
        begun = left is not None
        found = begun or not names
        refusal: HubError | None = None
        while names or not begun:
            answers = await self._describe_all(names[:_PAGE])
            _check_reach(answers, begun=begun)
            told = [answer for answer in answers if isinstance(answer, Told)]
            for name, answer in zip(names, answers, strict=False):
                if isinstance(answer, HubError):
                    refusal = refusal or answer
                    skipped.append(f"{clean(name, 100)}: {clean(answer.message, 300)}")
            names = names[_PAGE:]
            found = found or bool(told)
            place = _Place(self._digest, tuple(names))
            yield SourcePage(
                models=tuple(one.model for one in told),
                skipped=tuple(skipped),
                cursor=msgspec.json.encode(place).decode() if names else None,
                requests=requests + sum(one.requests for one in told),
                bytes=transferred + sum(one.bytes for one in told),
            )
            begun, skipped, requests, transferred = True, [], 0, 0
        if isinstance(refusal, UnauthorizedError) and not found:
            raise refusal
        if not found:
            raise UnreachableError(
                "Ollama's registry has not one of the models that its library names",
                hint="Is ollama.registry right?",
            )

    async def _describe_all(self, names: Sequence[str]) -> list[Told | HubError]:
        """What the registry says of each; once nothing answers, the others are not tried."""
        gate = asyncio.Semaphore(_PARALLEL)
        dead: list[HubError] = []

        async def one(name: str) -> Told | HubError:
            async with gate:
                if dead:
                    return dead[0]
                try:
                    return await self._describe(Name.of(ModelId.parse(f"{PREFIX}:{name}")))
                except NoConnectionError as error:
                    dead.append(error)
                    return error
                except HubError as error:
                    return error

        return list(await asyncio.gather(*map(one, names)))

    def _wanted(self, names: Sequence[str]) -> list[str]:
        """The names that the feed's queries ask for, each query up to the feed's limit."""
        chosen: dict[str, None] = {}
        for query in self._feed.queries:
            found = [name for name in names if _matches(query, name)]
            chosen.update(dict.fromkeys(found[: self._feed.limit]))
        return list(chosen)

    def _read_cursor(self, cursor: str | None) -> list[str] | None:
        """The names that a stored place leaves; `None` where it is not this feed's."""
        try:
            place = _PLACE.decode(cursor or "null")
        except msgspec.DecodeError:
            return None
        return list(place.left[:_MOST_LEFT]) if place.feed == self._digest else None


def _matches(query: Query, name: str) -> bool:
    return query.search is None or query.search.casefold() in name.casefold()


def _check_reach(answers: Sequence[Told | HubError], *, begun: bool) -> None:
    """End a walk whose page brings nothing, and not because all its names are gone.

    Raises:
        AbsentError: nothing answers at all, from the start.
        HubError: nothing answers any more, or nothing that can be used.
    """
    errors = [answer for answer in answers if isinstance(answer, HubError)]
    for error in errors:
        if isinstance(error, AbsentError):
            raise error
        if isinstance(error, NoConnectionError):
            raise error if begun else AbsentError(error.message, hint=error.hint) from None
    trouble = [error for error in errors if _is_of_the_place(error)]
    if trouble and len(errors) == len(answers):
        raise trouble[0]


def _is_of_the_place(error: HubError) -> bool:
    """Whether an error says something of the registry, and not of one of its names."""
    if isinstance(error, UnreadableError):
        return False
    return isinstance(error, (UnreachableError, RateLimitedError))
