"""The model that stands in a slot while another comes: how it leaves, and how it is back."""

from __future__ import annotations

import logging

from tui_hub.domain.errors import HubError
from tui_hub.domain.fit import Device
from tui_hub.domain.slots import Slot
from tui_hub.domain.swaps import SwapStep
from tui_hub.services.holders.holders import Holders
from tui_hub.services.holders.memory import Memory
from tui_hub.services.slots.swap_progress import SwapProgress

_log = logging.getLogger(__name__)


class PreviousModel:
    """What was in a slot before the change of it."""

    def __init__(
        self, holders: Holders, memory: Memory, slot: Slot | None, progress: SwapProgress
    ) -> None:
        self._holders = holders
        self._memory = memory
        self._progress = progress
        self._parked = False
        self._held: list[tuple[Device, int]] = []
        self.slot = slot
        """As it was; `None` for an empty slot."""
        self.released = False
        """Whether its memory was given back, so that it must come back if the change fails."""
        self.left: str | None = None
        """What a person should know of it, where it may be in memory still."""

    async def release(self) -> None:
        """Take it out of memory, and wait until that is really back."""
        slot = self.slot
        if slot is None or not slot.held:
            return
        self._progress.step(SwapStep.RELEASING)
        self.released = True
        self._held = await self._memory.held_by(slot)
        self._parked = await self._holders.park(slot)
        if self._parked:
            self._progress.passed(f"{slot.model} waits in the memory of the host")
        else:
            await self._end(slot)
        self._progress.step(SwapStep.WAITING)
        for device, used in self._held:
            self._progress.passed(await self._memory.wait_back(device, used))

    async def room(self) -> None:
        """Wait until what it gave up is free again, once another one took it and failed.

        A driver may give memory back some time after a process has ended: `nvidia_close_deferred`
        of NVIDIA's `nv.c`, and `uvm.c`.
        """
        for device, used in self._held:
            if device.index is not None:
                self._progress.passed(await self._memory.wait_back(device, used))

    async def end(self, keeping: Slot | None = None) -> None:
        """Take out of memory what is there still of it, unless another slot's process has it.

        Raises:
            HubError: when it does not end.
        """
        there = self._parked or not self.released
        if (
            self.slot is not None
            and there
            and (keeping is None or self.slot.child != keeping.child)
        ):
            await self._end(self.slot)

    async def unpark(self) -> bool:
        """Have it back that waits beside its device; whether it is. If it cannot go back it ends.

        Raises:
            HubError: when it does not even end.
        """
        if self.slot is None or not self._parked:
            return False
        try:
            await self._holders.unpark(self.slot)
        except HubError as error:
            _log.warning("%s does not come back: %s", self.slot.model, error.message)
            await self._end(self.slot)
            return False
        self._progress.passed(f"{self.slot.model} is back, out of the memory of the host")
        return True

    async def _end(self, slot: Slot) -> None:
        self.left = await self._holders.end(slot)
        self._progress.passed(self.left or f"released {slot.model}")
