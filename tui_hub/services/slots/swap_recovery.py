"""What a crash left of the change of a slot, ended or undone by its journal."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from tui_hub import processes
from tui_hub.blobs import BlobStore, clear_active, read_active, set_active
from tui_hub.domain.errors import HubError, LostLeaseError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.slots import Slot
from tui_hub.domain.swaps import Swap
from tui_hub.domain.types import ModelType
from tui_hub.services.context import Context
from tui_hub.services.holders.children import Children
from tui_hub.services.holders.holders import Holders

_log = logging.getLogger(__name__)

Restore = Callable[[Slot, int], Awaitable[Slot]]
"""Loads a slot's model into memory again, and gives the slot as it is then."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a change ended that was interrupted."""

    done: bool
    """Whether it was carried out, and not undone."""
    words: str


class SwapRecovery:
    """Settles what the journal holds; each slot under its lease."""

    def __init__(
        self, context: Context, children: Children, holders: Holders, restore: Restore
    ) -> None:
        self._context = context
        self._children = children
        self._holders = holders
        self._restore = restore

    async def settle(self, swap: Swap, fence: int) -> Settled:
        """End or undo one change, and say which.

        The new model stays if the link leads to it and its process holds its weights: then all
        that lasts was done. Otherwise the old one is put back, loaded again if it must be.

        Args:
            swap: what the journal holds.
            fence: the number of the slot's lease, which the caller holds.

        Raises:
            HubError: when a process does not end, or the store cannot be written.
            LostLeaseError: when another process settles it by now.
        """
        swaps, store = self._context.hub.swaps, self._context.store
        if swap.committed:
            await self._end(swap.previous, keeping=swap.wanted)
            await swaps.end(swap.type, fence)
            return Settled(True, "ended")
        if swap.wanted is None:
            await self._end(swap.previous)
            await self._context.on_disk(clear_active, store, swap.type)
            await swaps.commit(replace(swap, committed=True), fence)
            await swaps.end(swap.type, fence)
            return Settled(True, "emptied")
        if await self._stands(swap.wanted):
            await swaps.commit(replace(swap, committed=True), fence)
            await self._end(swap.previous, keeping=swap.wanted)
            await swaps.end(swap.type, fence)
            return Settled(True, f"ended: {swap.wanted.model} is active")
        await self._end(swap.wanted, keeping=swap.previous)
        previous = swap.previous
        await self._context.on_disk(point_back, store, swap.wanted, previous)
        if previous is not None and (_lost(previous) or not await self._back(previous)):
            previous = await self._again(previous, fence)
        await swaps.end(swap.type, fence, previous)
        return Settled(False, "undone" if previous is None else f"undone: {previous.model} is back")

    async def strays(self) -> set[ModelType]:
        """The slots of which this home holds what nobody wants any more.

        A row whose link leads to another model, which another home of the store put there, or a
        process that neither a row nor the journal names.
        """
        named = await self._named()
        found = {kind for kind, name in self._children.sockets() if name not in named}
        return found | {slot.type for slot in await self._replaced()}

    async def sweep(self, kind: ModelType, fence: int) -> None:
        """End what nobody wants any more of one slot.

        Args:
            kind: the slot.
            fence: the number of its lease, which the caller holds.

        Raises:
            HubError: when a process does not end.
            LostLeaseError: when another process changes the slot by now.
        """
        for slot in await self._replaced():
            if slot.type is kind:
                _log.warning("%s is no longer published; its memory is freed", slot.model)
                await self._holders.end(slot)
                await self._context.hub.swaps.drop(slot, fence)
        named = await self._named()
        for other, name in self._children.sockets():
            if other is kind and name not in named:
                _log.warning("the process behind %s holds what nobody knows; it is ended", name)
                await self._children.end_named(name)

    async def _named(self) -> set[str | None]:
        """The sockets that the rows and the journal name."""
        hub = self._context.hub
        slots: list[Slot | None] = list(await hub.slots.list())
        for swap in await hub.swaps.list():
            slots += [swap.wanted, swap.previous]
        return {slot.child for slot in slots if slot is not None}

    async def _replaced(self) -> list[Slot]:
        """The slots with weights in memory that the store publishes no more."""
        if not self._context.store_is_there():
            return []
        found = []
        busy = {swap.type for swap in await self._context.hub.swaps.list()}
        for slot in await self._context.hub.slots.list():
            if slot.child is None or slot.type in busy:
                continue
            now = await self._context.on_disk(read_active, self._context.store, slot.type)
            if now is not None and now != folder_of(slot):
                found.append(slot)
        return found

    async def _stands(self, wanted: Slot) -> bool:
        """Whether all that lasts of the new model is there."""
        now = await self._context.on_disk(read_active, self._context.store, wanted.type)
        if now != folder_of(wanted):
            return False
        if wanted.child is None:
            return True
        # The device is known once the weights are on it.
        if wanted.device is None:
            return False
        return wanted.holder is None or processes.alive(wanted.holder)

    async def _again(self, previous: Slot, fence: int) -> Slot:
        try:
            return await self._restore(previous, fence)
        except LostLeaseError:
            raise
        except HubError as error:
            _log.warning("%s could not be loaded again: %s", previous.model, error.message)
            return replace(
                previous,
                holder=None,
                child=None,
                error=f"it could not be loaded again: {error.message}",
            )

    async def _back(self, previous: Slot) -> bool:
        """Have an old model back on its GPU that waits beside it; else it is ended."""
        try:
            await self._holders.unpark(previous)
        except HubError as error:
            _log.warning("%s does not come back: %s", previous.model, error.message)
            await self._end(previous)
            return False
        return True

    async def _end(self, slot: Slot | None, *, keeping: Slot | None = None) -> None:
        if slot is not None and (keeping is None or keeping.child != slot.child):
            await self._holders.end(slot)


def point_back(store: BlobStore, wanted: Slot, previous: Slot | None) -> None:
    """Let the link of a slot lead where it led before the change, should it have been moved."""
    now = read_active(store, wanted.type)
    if now != folder_of(wanted):
        return  # it was not moved, or another home has moved it since
    if previous is None:
        if now is not None:
            clear_active(store, wanted.type)
    elif previous.path != wanted.path:
        point_to(store, previous)


def point_to(store: BlobStore, slot: Slot) -> None:
    """Let the link of a slot lead to its model; where that has no files, there is no link."""
    if slot.path:
        set_active(store, slot.type, Path(slot.path))
    else:
        clear_active(store, slot.type)


def folder_of(slot: Slot) -> Path | None:
    """Where the link of a slot leads."""
    return Path(slot.path) if slot.path else None


def _lost(slot: Slot) -> bool:
    """Whether a slot's model stood in memory, and does no more."""
    return slot.child is not None and (slot.holder is None or not processes.alive(slot.holder))
