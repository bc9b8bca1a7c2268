"""What a crash left of the change of a slot, ended or undone by its journal."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from tui_hub import processes
from tui_hub.blobs import BlobStore, clear_active, read_active, set_active
from tui_hub.domain.errors import HubError
from tui_hub.domain.slots import Slot, Swap
from tui_hub.services.children import Children
from tui_hub.services.context import Context

_log = logging.getLogger(__name__)

Restore = Callable[[Slot], Awaitable[Slot]]
"""Loads a slot's model into memory again, and gives the slot as it is then."""


class SwapRecovery:
    """Settles what the journal holds; each slot under its lease."""

    def __init__(self, context: Context, children: Children, restore: Restore) -> None:
        self._context = context
        self._children = children
        self._restore = restore

    async def settle(self, swap: Swap) -> str:
        """End or undo one change, and say in a few words which.

        The new model stays if the link leads to it and its process holds its weights: then all
        that lasts was done. Otherwise the old one is put back, loaded again if it must be.
        """
        if swap.committed:
            await self._end(swap.previous, keeping=swap.wanted)
            await self._context.hub.swaps.end(swap.type)
            return "ended"
        if swap.wanted is None:
            await self._end(swap.previous)
            await self._context.on_disk(clear_active, self._context.store, swap.type)
            await self._context.hub.swaps.commit(replace(swap, committed=True))
            await self._context.hub.swaps.end(swap.type)
            return "emptied"
        if await self._stands(swap.wanted):
            await self._context.hub.swaps.commit(replace(swap, committed=True))
            await self._end(swap.previous, keeping=swap.wanted)
            await self._context.hub.swaps.end(swap.type)
            return f"ended: {swap.wanted.model} is active"
        await self._end(swap.wanted, keeping=swap.previous)
        previous = swap.previous
        await self._context.on_disk(point_back, self._context.store, swap.wanted, previous)
        if previous is not None and _lost(previous):
            previous = await self._again(previous)
        await self._context.hub.swaps.end(swap.type, previous)
        return "undone" if previous is None else f"undone: {previous.model} is back"

    async def sweep(self) -> None:
        """End processes whose slot was given to another model by another home of the store."""
        busy = {swap.type for swap in await self._context.hub.swaps.list()}
        for slot in await self._context.hub.slots.list():
            if slot.holder is None or slot.type in busy:
                continue
            now = await self._context.on_disk(read_active, self._context.store, slot.type)
            if now != Path(slot.path) and self._context.store_is_there():
                _log.warning("%s is no longer published; its memory is freed", slot.model)
                await self._children.end(slot)
                await self._context.hub.slots.delete(slot.type)

    async def _stands(self, wanted: Slot) -> bool:
        """Whether all that lasts of the new model is there."""
        now = await self._context.on_disk(read_active, self._context.store, wanted.type)
        if now != Path(wanted.path):
            return False
        return wanted.child is None or (
            wanted.holder is not None and processes.alive(wanted.holder)
        )

    async def _again(self, previous: Slot) -> Slot:
        try:
            return await self._restore(previous)
        except HubError as error:
            _log.warning("%s could not be loaded again: %s", previous.model, error.message)
            return replace(
                previous,
                holder=None,
                child=None,
                error=f"it could not be loaded again: {error.message}",
            )

    async def _end(self, slot: Slot | None, *, keeping: Slot | None = None) -> None:
        if slot is not None and (keeping is None or keeping.child != slot.child):
            await self._children.end(slot)


def point_back(store: BlobStore, wanted: Slot, previous: Slot | None) -> None:
    """Let the link of a slot lead where it led before the change, should it have been moved."""
    now = read_active(store, wanted.type)
    if previous is not None:
        if now != Path(previous.path):
            set_active(store, wanted.type, Path(previous.path))
    elif now == Path(wanted.path):
        clear_active(store, wanted.type)


def _lost(slot: Slot) -> bool:
    """Whether a slot's model stood in memory, and does no more."""
    return slot.child is not None and (slot.holder is None or not processes.alive(slot.holder))
