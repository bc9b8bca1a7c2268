"""What crashes left of changes of slots, and what their holders say by now: brought into order."""

from __future__ import annotations

import logging

from tui_hub.domain.errors import HubError
from tui_hub.domain.jobs import JobStatus
from tui_hub.domain.models import ModelStatus
from tui_hub.domain.slots import Slot, slot_lease
from tui_hub.domain.swaps import Swap, ended_as
from tui_hub.domain.types import ModelType
from tui_hub.events import SlotChanged
from tui_hub.services.context import Context
from tui_hub.services.holders.children import Children
from tui_hub.services.holders.holders import Holders
from tui_hub.services.jobs import leases
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.statuses import settle_status
from tui_hub.services.slots.changes import Changes
from tui_hub.services.slots.published import SlotFiles
from tui_hub.services.slots.standing import read_slots
from tui_hub.services.slots.swap_recovery import Settled, SwapRecovery
from tui_hub.services.slots.swap_runs import SwapRuns

_log = logging.getLogger(__name__)


class Settling:
    """Ends or undoes what others left, each slot under its lease."""

    def __init__(
        self,
        context: Context,
        jobs: Jobs,
        children: Children,
        holders: Holders,
        changes: Changes,
        runs: SwapRuns,
        files: SlotFiles,
    ) -> None:
        self._context = context
        self._jobs = jobs
        self._holders = holders
        self._changes = changes
        self._runs = runs
        self._files = files
        self._recovery = SwapRecovery(context, children, holders, self._restore)

    async def recover(self) -> int:
        """End or undo what crashes left of changes of slots; how many those were.

        What a living process is at is left to it. Where the old model must be loaded again, this
        takes as long as that. A slot that cannot be settled keeps no other from it.
        """
        count = 0
        swaps = {swap.type for swap in await self._context.hub.swaps.list()}
        for kind in swaps | await self._recovery.strays():
            if await self._is_busy(kind):
                continue
            try:
                async with self._context.alone(slot_lease(kind)) as fence:
                    count += await self.settle(kind, fence)
            except HubError as error:
                _log.warning("the slot %s could not be settled: %s", kind, error.message)
        await self._look()
        await self._tell_lost()
        await self._files.follow()
        return count

    async def settle(self, kind: ModelType, fence: int) -> bool:
        """Settle one slot; whether the journal had anything of it.

        Args:
            kind: the slot.
            fence: the number of its lease, which the caller holds.

        Raises:
            HubError: when a process does not end, or the store cannot be written.
            LostLeaseError: when another process settles it by now.
        """
        swap = next((one for one in await self._context.hub.swaps.list() if one.type is kind), None)
        if swap is not None:
            settled = await self._recovery.settle(swap, fence)
            if swap.job is not None:
                await self._tell_job(swap, swap.job, settled)
            for slot in (swap.wanted, swap.previous):
                if slot is not None:
                    await settle_status(self._context, slot.model)
        await self._recovery.sweep(kind, fence)
        self._context.bus.publish(SlotChanged(kind))
        return swap is not None

    async def _tell_job(self, swap: Swap, number: str, settled: Settled) -> None:
        """Let the job of a change know how that ended; what was carried out has not failed."""
        await self._jobs.log(number, f"after an interruption: {settled.words}")
        job = await self._context.hub.jobs.get(number)
        if settled.done and job is not None and job.status is not JobStatus.COMPLETED:
            await self._jobs.finish(job, JobStatus.COMPLETED, result=ended_as(swap).figures)

    async def _look(self) -> None:
        """Bring the rows of slots up to what their holders say now."""
        for row in await self._context.hub.slots.list():
            now = await self._holders.look(row)
            if now == row or await self._is_busy(row.type):
                continue
            try:
                async with self._context.alone(slot_lease(row.type)) as fence:
                    await self._context.hub.swaps.refresh(now, fence)
            except HubError as error:
                _log.warning("the slot %s was not brought up to date: %s", row.type, error.message)
                continue
            if (now.error is None) != (row.error is None):
                await settle_status(self._context, row.model)
            self._context.bus.publish(SlotChanged(row.type))

    async def _tell_lost(self) -> None:
        """Let the catalogue know of models whose process is gone, and what it missed."""
        for slot in (await read_slots(self._context)).values():
            entry = await self._context.catalogue.models.get(slot.model)
            shown = entry is not None and entry.status is ModelStatus.ACTIVE
            if entry is not None and shown is not (slot.error is None):
                await settle_status(self._context, slot.model)

    async def _restore(self, slot: Slot, fence: int) -> Slot:
        """Load the model of a slot again, on behalf of the recovery."""
        try:
            swap = self._runs.new(slot.type, slot.model, slot, fence)
            return await swap.restore(slot, await self._changes.back_to(slot))
        finally:
            self._runs.watch.forget(slot.type)

    async def _is_busy(self, kind: ModelType) -> bool:
        """Whether a living process is at work on a slot."""
        return await leases.holder(self._context.hub, slot_lease(kind)) is not None
