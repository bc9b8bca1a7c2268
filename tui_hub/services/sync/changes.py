"""The feed of changes: what syncs found new, changed, ended or gone, and what was read of it."""

from __future__ import annotations

from dataclasses import replace

from tui_hub.domain.changes import ChangeEntry, ChangeKind, ChangeQuery
from tui_hub.events import ChangesSeen
from tui_hub.services.context import Context
from tui_hub.services.fit.service import Fit

_MARK = "changes"


class ChangeFeed:
    """What became of the catalogue's models since feeds were first synced."""

    def __init__(self, context: Context, fit: Fit) -> None:
        self._context = context
        self._fit = fit
        self._table = context.catalogue.changes

    async def list(
        self,
        query: ChangeQuery | None = None,
        limit: int = 100,
        *,
        unseen: bool = False,
        fits: bool = False,
    ) -> tuple[ChangeEntry, ...]:
        """The newest changes, newest first.

        Args:
            query: which ones.
            limit: how many at most.
            unseen: only what came since a person last looked; see `mark_seen`.
            fits: only models whose known need is no more than the memory of this box's largest
                GPU, or of the box itself where it has none.
        """
        query = query or ChangeQuery()
        if unseen:
            query = replace(query, beyond=max(query.beyond, await self.seen()))
        if fits:
            query = replace(query, memory=await self.capacity())
        return tuple(await self._table.list(query, limit))

    async def count(self, query: ChangeQuery) -> int:
        """How many changes a query asks for."""
        return await self._table.count(query)

    async def unseen(self) -> int:
        """How many models are new since a person last looked."""
        query = ChangeQuery(kinds=(ChangeKind.NEW,), beyond=await self.seen())
        return await self._table.count(query)

    async def last(self) -> int:
        """The number of the newest change."""
        return await self._table.last()

    async def mark_seen(self) -> None:
        """A person has looked: nothing is new any more, on no screen of this home."""
        last = await self._table.last()
        if last != await self._context.hub.marks.get(_MARK):
            await self._context.hub.marks.put(_MARK, last)
            self._context.bus.publish(ChangesSeen())

    async def capacity(self) -> int:
        """Bytes of the memory that a model may take on this box, nothing else being there."""
        return (await self._fit.capacity()).largest

    async def seen(self) -> int:
        """The number of the last change that was read; 0 where the catalogue is newer."""
        seen = await self._context.hub.marks.get(_MARK) or 0
        return seen if seen <= await self._table.last() else 0
