"""What brings models into memory and takes them out again: one holder for each runtime.

The change of a slot knows these protocols alone, so that a new runtime is one holder more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

from tui_hub.domain.jobs import Owner
from tui_hub.domain.loads import Brought
from tui_hub.domain.runtime import COMMAND
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.services.holders.loading import Asked, Loading
from tui_hub.services.slots.swap_progress import SwapProgress


class Loader(Protocol):
    """One model on its way into memory, not yet published; `drop` undoes all of it."""

    @property
    def name(self) -> str:
        """By what the holder finds it again, known before anything is begun."""

    @property
    def owner(self) -> Owner | None:
        """The process that holds, or will hold, the model, where there is one of ours."""

    @property
    def beside(self) -> bool:
        """Whether there is room without ending the old model first."""

    async def open(self, loading: Loading, before: Slot | None) -> None:
        """Look whether it can be loaded, and have ready what will; changes nothing that lasts.

        Raises:
            DoesNotFitError: when there is no room even in place of the old model.
            HubError: when what would hold it is not there, or does not come up.
        """

    async def load(self, wanted: Slot, loading: Loading) -> tuple[Slot, Brought | None]:
        """Load and test it; from then on it outlives this process.

        Gives the slot as it is then, and what came where that was measured.

        Raises:
            HubError: when it cannot be loaded.
        """

    async def let_go(self) -> None:
        """Leave it to itself: it is the slot's now."""

    async def drop(self) -> None:
        """Take out of memory what was brought there."""


class Holder(Protocol):
    """One runtime."""

    async def plan(self, asked: Asked) -> Loading:
        """How a model would be loaded.

        Raises:
            UnsuitedError: when the runtime is not there, or not for such a model.
            UnsafeError: for pickle files without consent.
        """

    def loader(self, kind: ModelType, progress: SwapProgress) -> Loader:
        """A loader for one model."""

    async def end(self, slot: Slot) -> str | None:
        """Take a slot's model out of memory, and wait until it is gone.

        Gives what a person should know, where it may be there still.

        Raises:
            HubError: when that cannot be done.
        """

    async def look(self, slot: Slot) -> Slot:
        """The slot as it is now: what its holder says of a model that it is to hold."""


@runtime_checkable
class ParkingHolder(Holder, Protocol):
    """A runtime that can have a model wait beside its device while another is tried there."""

    async def park(self, slot: Slot) -> bool:
        """Move a model off its GPU, where it is soon back from; whether that was done."""

    async def unpark(self, slot: Slot) -> None:
        """Move a model back that waits; one that does not stays as it is.

        Raises:
            HubError: when it cannot go back.
        """


class Holders:
    """The holders of all runtimes that bring models into memory, by the runtime's name."""

    def __init__(self, by_runtime: Mapping[str, Holder]) -> None:
        self._by_runtime = by_runtime

    async def plan(self, name: str, asked: Asked) -> Loading:
        """How a model would be loaded by a runtime, or by a command of the user's.

        Raises:
            UnsuitedError: when the runtime is not there, or not for such a model.
            UnsafeError: for pickle files without consent.
        """
        holder = self._by_runtime.get(name)
        if holder is None:
            return await self._by_runtime[COMMAND].plan(replace(asked, command=name))
        return await holder.plan(asked)

    def loader(self, runtime: str, kind: ModelType, progress: SwapProgress) -> Loader | None:
        """A loader for one model; `None` where the runtime loads nothing."""
        holder = self._by_runtime.get(runtime)
        return None if holder is None else holder.loader(kind, progress)

    async def end(self, slot: Slot) -> str | None:
        """Take a slot's model out of memory, where it is, and wait until it is gone.

        Gives what a person should know, where it may be there still.

        Raises:
            HubError: when that cannot be done.
        """
        holder = self._by_runtime.get(slot.runtime)
        return None if holder is None else await holder.end(slot)

    async def park(self, slot: Slot) -> bool:
        """Move a slot's model off its GPU, where it is soon back from; whether that was done."""
        holder = self._by_runtime.get(slot.runtime)
        return isinstance(holder, ParkingHolder) and await holder.park(slot)

    async def unpark(self, slot: Slot) -> None:
        """Move a slot's model back that waits; one that does not stays as it is.

        Raises:
            HubError: when it cannot go back.
        """
        holder = self._by_runtime.get(slot.runtime)
        if isinstance(holder, ParkingHolder):
            await holder.unpark(slot)

    async def look(self, slot: Slot) -> Slot:
        """The slot as it is now."""
        holder = self._by_runtime.get(slot.runtime)
        return slot if holder is None or slot.child is None else await holder.look(slot)
