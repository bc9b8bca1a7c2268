"""Changes of slots as jobs: each alone at its slot, followed, and told to all others."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.domain.jobs import JobType, Progress
from tui_hub.domain.slots import Slot, slot_lease
from tui_hub.domain.swaps import ActivationResult
from tui_hub.domain.types import ModelType
from tui_hub.events import SlotChanged
from tui_hub.services.concurrency import PointOfNoReturn
from tui_hub.services.context import Context
from tui_hub.services.jobs.run import run_job
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.statuses import settle_status
from tui_hub.services.slots.changes import Change, Changes
from tui_hub.services.slots.naming import named_slot
from tui_hub.services.slots.published import SlotFiles
from tui_hub.services.slots.settling import Settling
from tui_hub.services.slots.standing import read_slots
from tui_hub.services.slots.swap_runs import SwapRuns
from tui_hub.services.slots.uses import note_use

_log = logging.getLogger(__name__)


class Changing:
    """Does what was asked for, once it is known what that is."""

    def __init__(
        self,
        context: Context,
        jobs: Jobs,
        changes: Changes,
        settling: Settling,
        runs: SwapRuns,
        files: SlotFiles,
    ) -> None:
        self._context = context
        self._jobs = jobs
        self._changes = changes
        self._settling = settling
        self._runs = runs
        self._files = files

    async def put(
        self, change: Change, *, replacing: bool, again: bool = False
    ) -> ActivationResult:
        """Put a model into its slot.

        Args:
            change: which, and how.
            replacing: whether another may stand there, and leaves then.
            again: whether it is loaded anew though it is there as it should be.

        Raises:
            HubError: what stood against it before anything was changed.
        """
        point = PointOfNoReturn()
        return await point.guard(self._put(change, point, replacing=replacing, again=again))

    async def empty(self, target: str | ModelType) -> ActivationResult:
        """Take the model out of a slot, named by its type or by its model.

        Raises:
            HubError: when there is none, or it does not go.
        """
        kind = (await named_slot(self._context, target)).type
        point = PointOfNoReturn()
        return await point.guard(self._empty(target, kind, point))

    async def _put(
        self, change: Change, point: PointOfNoReturn, *, replacing: bool, again: bool
    ) -> ActivationResult:
        kind, model = change.slot, change.install.model
        payload = {
            "model": model,
            "slot": kind,
            "runtime": change.wanted.chosen_by,
            "variant": change.loading.variant,
        }
        async with self._context.alone(slot_lease(kind)) as fence:
            await self._settling.settle(kind, fence)
            before = (await read_slots(self._context)).get(kind)
            if before is not None and before.model != model and not replacing:
                raise RefusedError(
                    f"the slot {kind} holds {before.model}",
                    hint=f"`tui-hub switch {model}{change.words}` puts this one in its place.",
                )
            if before is not None and not again and change.is_done(before):
                return _as_it_is(before)
            async with (
                run_job(self._jobs, JobType.ACTIVATE, payload, point) as run,
                self._runs.watch.told(kind, run),
            ):
                await self._context.hub.consents.add(change.loading.consents)
                swap = self._runs.new(kind, model, before, fence, run.job.id)
                result = await swap.bring(change.wanted, change.loading, self._changes.back_to)
                point.passed = True
                await self._files.write()
                run.error, run.result = result.error, result.figures
                whole = result.memory.needed
                if result.error is None and whole:
                    run.job = replace(run.job, progress=Progress(done=whole, total=whole))
        if result.error is None:
            await note_use(self._context, model)
        await self._tell(kind, *{model, before.model if before else model})
        notes = filter(None, (change.loading.told, swap.left))
        return replace(result, note="; ".join(notes) or None)

    async def _empty(
        self, target: str | ModelType, kind: ModelType, point: PointOfNoReturn
    ) -> ActivationResult:
        started = time.monotonic()
        async with self._context.alone(slot_lease(kind)) as fence:
            await self._settling.settle(kind, fence)
            slot = await named_slot(self._context, target)
            await self._context.prepare_store()
            payload = {"model": slot.model, "slot": kind, "deactivate": True}
            async with (
                run_job(self._jobs, JobType.ACTIVATE, payload, point) as run,
                self._runs.watch.told(kind, run),
            ):
                swap = self._runs.new(kind, None, slot, fence, run.job.id)
                # What is told to go cannot be kept: whoever cancels from here on is too late.
                point.passed = True
                await swap.empty(slot)
                # Before the end of the job, of which hooks are told.
                await self._files.write()
                result = ActivationResult(
                    slot=slot.type,
                    model=slot.model,
                    status="inactive",
                    runtime=slot.runtime,
                    seconds=time.monotonic() - started,
                    previous=slot.model,
                    job=run.job.id,
                    note=swap.left,
                )
                run.result = result.figures
        await self._tell(slot.type, slot.model)
        return result

    async def _tell(self, kind: ModelType, *models: str) -> None:
        """Let the catalogue know of a change; whatever keeps it from that, the change stands."""
        try:
            for model in models:
                await settle_status(self._context, model)
        except HubError as error:
            _log.warning("the catalogue was not told of the slot %s: %s", kind, error.message)
        self._context.bus.publish(SlotChanged(kind))


def _as_it_is(slot: Slot) -> ActivationResult:
    return ActivationResult(
        slot=slot.type,
        model=slot.model,
        status="active",
        runtime=slot.runtime,
        device=slot.device,
        pid=slot.pid,
        path=slot.path or None,
        url=slot.url,
        memory=slot.memory,
        previous=slot.model,
        note="it was active already",
    )
