"""Activation: one model per type, in memory or as files, published to every program on the box."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.errors import HubError, NotFoundError, RefusedError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import Job, JobType, Progress
from tui_hub.domain.models import ModelStatus
from tui_hub.domain.runtime import OLLAMA, Program
from tui_hub.domain.slots import (
    ActivationResult,
    ChangePreview,
    Load,
    Slot,
    SwapPicture,
    empty_slot,
    slot_lease,
)
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType
from tui_hub.events import SlotChanged
from tui_hub.runtime.spawning import last_lines
from tui_hub.services.concurrency import PointOfNoReturn
from tui_hub.services.context import Context, is_model_id
from tui_hub.services.hardware import Hardware
from tui_hub.services.holders.children import Children
from tui_hub.services.holders.holders import Holders
from tui_hub.services.holders.memory import Memory, held_on
from tui_hub.services.holders.ollama import Ollama
from tui_hub.services.holders.runtimes import Runtimes
from tui_hub.services.jobs import leases
from tui_hub.services.jobs.run import run_job
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.statuses import settle_status
from tui_hub.services.slots.changes import Change, Changes, model_type
from tui_hub.services.slots.lone_adapters import set_apart
from tui_hub.services.slots.published import SlotFiles, environment_of
from tui_hub.services.slots.standing import read_slots
from tui_hub.services.slots.swap import SwapRun
from tui_hub.services.slots.swap_elsewhere import swaps_elsewhere
from tui_hub.services.slots.swap_preview import preview_of
from tui_hub.services.slots.swap_progress import SwapProgress
from tui_hub.services.slots.swap_recovery import SwapRecovery
from tui_hub.services.slots.swap_watch import SwapWatch
from tui_hub.services.slots.uses import note_use
from tui_hub.services.sync.renames import name_here

_log = logging.getLogger(__name__)


class Activation:
    """Fills, changes and empties the slots."""

    def __init__(
        self,
        context: Context,
        jobs: Jobs,
        runtimes: Runtimes,
        memory: Memory,
        hardware: Hardware,
        children: Children,
        holders: Holders,
        ollama: Ollama,
    ) -> None:
        self._context = context
        self._hardware = hardware
        self._jobs = jobs
        self._changes = Changes(context, runtimes, ollama)
        self._memory = memory
        self._children = children
        self._holders = holders
        self._recovery = SwapRecovery(context, self._children, self._holders, self._restore)
        self._watch = SwapWatch(context.bus, jobs)
        self._files = SlotFiles(context)
        jobs.handle(JobType.ACTIVATE, retry=self._retry)

    async def slots(self) -> tuple[Slot, ...]:
        """The slots that hold a model, whichever home of this store filled them."""
        slots = tuple((await read_slots(self._context)).values())
        pids = {one.pid: one.type.value for one in slots if one.pid is not None}
        for swap in await self._context.hub.swaps.list():
            if swap.wanted is not None and swap.wanted.pid is not None:
                pids.setdefault(swap.wanted.pid, swap.type.value)
        self._hardware.own(pids, [held for slot in slots for held in held_on(slot)])
        return slots

    def swaps(self) -> tuple[SwapPicture, ...]:
        """The changes of slots that this process is at."""
        return self._watch.pictures()

    async def swaps_elsewhere(self) -> tuple[SwapPicture, ...]:
        """The changes of slots that other processes are at."""
        here = [one.type for one in self.swaps()]
        return await swaps_elsewhere(self._context, self._jobs, here)

    async def active(self, kind: str | ModelType) -> Slot | None:
        """The model of one slot, if it holds one.

        Raises:
            UsageError: when there is no such type.
        """
        return (await read_slots(self._context)).get(model_type(kind))

    async def candidates(self, kind: ModelType) -> tuple[tuple[Install, ...], tuple[Install, ...]]:
        """What is installed of a type: whole models, and adapters, which fill no slot alone."""
        installs = await self._context.hub.installs.list()
        return await set_apart(self._context, [one for one in installs if one.type is kind])

    async def programs(self, *slots: Slot) -> dict[ModelType, tuple[Program, ...] | None]:
        """The programs that have the weights of slots (`tui_hub.attach`).

        Where the process of a slot does not tell, that is `None`.
        """
        found = await asyncio.gather(*map(self._children.programs, slots))
        return {slot.type: programs for slot, programs in zip(slots, found, strict=True)}

    async def preview(self, model: str | ModelId, *, variant: str | None = None) -> ChangePreview:
        """What putting a model into its slot would do as things stand; changes nothing.

        Raises:
            NotFoundError: when there is no such model.
            RefusedError: when it is not installed.
        """
        change = await self._changes.of(model, None, variant, None, True)
        before = (await read_slots(self._context)).get(change.slot)
        return await preview_of(self._context, change, before, self._memory)

    async def last_load(self, slot: Slot) -> Load | None:
        """What the last load of a slot's model took; `None` where it was never loaded."""
        return await self._context.hub.loads.last(slot.model, slot.revision, slot.variant)

    async def activate(
        self,
        model: str | ModelId,
        *,
        type: str | ModelType | None = None,  # noqa: A002 - the spec's word
        variant: str | None = None,
        runtime: str | None = None,
        consent: bool = False,
    ) -> ActivationResult:
        """Put a model into its empty slot.

        Args:
            model: an installed model.
            type: another slot than that of the model's own type.
            variant: one of its installed variants.
            runtime: `torch`, `ollama`, `link` or the name of a command; without one, what is set
                for the model or by the settings, else what suits the model and this box.
            consent: whether pickle files may be loaded, weights only.

        Raises:
            NotFoundError: when there is no such model.
            RefusedError: when another model stands there (naming `switch`), it is not installed,
                or there is no room for it.
        """
        await self.recover()
        change = await self._changes.of(model, type, variant, runtime, consent)
        return await self._commit(change, replacing=False)

    async def switch(
        self,
        model: str | ModelId,
        *,
        type: str | ModelType | None = None,  # noqa: A002 - the spec's word
        variant: str | None = None,
        runtime: str | None = None,
        consent: bool = False,
    ) -> ActivationResult:
        """Put a model into its slot, in place of whatever stands there.

        What fails leaves the old model in its place, or brings it back; the result says so. The
        arguments are those of `activate`.

        Raises:
            NotFoundError: when there is no such model.
            RefusedError: when it is not installed, or there is no room for it.
        """
        await self.recover()
        change = await self._changes.of(model, type, variant, runtime, consent)
        return await self._commit(change, replacing=True)

    async def reload(self, target: str | ModelType, *, consent: bool = False) -> ActivationResult:
        """Load the model of a slot again, named by its type or by its model.

        What was set for the model since counts now; else it is loaded as it was.

        Raises:
            NotFoundError: when the slot is empty, or the model is in none.
            RefusedError: when its files are gone, or there is no room for it.
        """
        await self.recover()
        slot = await self._slot_of(target)
        change = await self._changes.again(slot, consent)
        return await self._commit(change, replacing=True, again=True)

    async def deactivate(self, target: str | ModelType) -> ActivationResult:
        """Empty a slot, named by its type or by its model.

        Raises:
            NotFoundError: when it is empty, or the model is in none.
        """
        await self.recover()
        kind = (await self._slot_of(target)).type
        point = PointOfNoReturn()
        return await point.guard(self._empty(target, kind, point))

    async def _empty(
        self, target: str | ModelType, kind: ModelType, point: PointOfNoReturn
    ) -> ActivationResult:
        started = time.monotonic()
        async with self._context.alone(slot_lease(kind)) as fence:
            await self._settle(kind, fence)
            slot = await self._slot_of(target)
            await self._context.prepare_store()
            payload = {"model": slot.model, "slot": kind, "deactivate": True}
            async with (
                run_job(self._jobs, JobType.ACTIVATE, payload, point) as run,
                self._watch.told(kind, run),
            ):
                swap = self._swap(kind, None, slot, fence, run.job.id)
                await swap.empty(slot)
                point.passed = True
                # Before the end of the job, of which hooks are told.
                await self._files.write()
                result = ActivationResult(
                    slot=slot.type,
                    model=slot.model,
                    status="inactive",
                    runtime=slot.runtime,
                    seconds=time.monotonic() - started,
                    previous=slot.model,
                    note=swap.left,
                )
                run.result = _figures(result)
        await settle_status(self._context, slot.model)
        self._context.bus.publish(SlotChanged(slot.type))
        return result

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
                    count += await self._settle(kind, fence)
            except HubError as error:
                _log.warning("the slot %s could not be settled: %s", kind, error.message)
        await self._look()
        await self._tell_lost()
        await self._files.follow()
        return count

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
        """Let the catalogue know of models whose process is gone."""
        for slot in await self.slots():
            if slot.error is None:
                continue
            entry = await self._context.catalogue.models.get(slot.model)
            if entry is not None and entry.status is ModelStatus.ACTIVE:
                await settle_status(self._context, slot.model)

    async def _settle(self, kind: ModelType, fence: int) -> bool:
        """Settle one slot under its lease; whether the journal had anything of it."""
        swap = next((one for one in await self._context.hub.swaps.list() if one.type is kind), None)
        if swap is not None:
            told = await self._recovery.settle(swap, fence)
            if swap.job is not None:
                await self._jobs.log(swap.job, f"after an interruption: {told}")
            for slot in (swap.wanted, swap.previous):
                if slot is not None:
                    await settle_status(self._context, slot.model)
        await self._recovery.sweep(kind, fence)
        self._context.bus.publish(SlotChanged(kind))
        return swap is not None

    async def said(self, slot: Slot, lines: int = 200) -> tuple[str, ...]:
        """The last lines that the process of a slot said, a server's above all; clean."""
        if slot.child is None or slot.runtime == OLLAMA:
            return ()
        log = self._children.log(slot.child)
        return tuple(await self._context.on_disk(last_lines, log, lines))

    async def hand_out(self, slot: Slot) -> str:
        """The folder of an active model, for another program to open; that counts as a use."""
        await note_use(self._context, slot.model)
        return slot.path

    async def environment(self, kind: str | ModelType) -> dict[str, str]:
        """The variables under which another program finds the model of a slot.

        Raises:
            NotFoundError: when the slot is empty.
        """
        slot = await self.active(kind)
        if slot is None:
            raise NotFoundError(
                f"the slot {model_type(kind)} is empty",
                hint="`tui-hub activate MODEL` puts a model there.",
            )
        await note_use(self._context, slot.model)
        return await environment_of(self._context, slot)

    async def _commit(
        self, change: Change, *, replacing: bool, again: bool = False
    ) -> ActivationResult:
        point = PointOfNoReturn()
        return await point.guard(self._change(change, point, replacing=replacing, again=again))

    async def _change(
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
            await self._settle(kind, fence)
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
                self._watch.told(kind, run),
            ):
                await self._context.hub.consents.add(change.loading.consents)
                swap = self._swap(kind, model, before, fence, run.job.id)
                result = await swap.bring(change.wanted, change.loading, self._changes.back_to)
                point.passed = True
                await self._files.write()
                run.error, run.result = result.error, _figures(result)
                whole = result.memory.needed
                if result.error is None and whole:
                    run.job = await self._jobs.progress(run.job, Progress(done=whole, total=whole))
        if result.error is None:
            await note_use(self._context, model)
        if before is not None and before.model != model:
            await settle_status(self._context, before.model)
        await settle_status(self._context, model)
        self._context.bus.publish(SlotChanged(kind))
        notes = filter(None, (change.loading.told, swap.left))
        return replace(result, note="; ".join(notes) or None)

    def _swap(
        self,
        kind: ModelType,
        model: str | None,
        before: Slot | None,
        fence: int,
        job: str | None = None,
    ) -> SwapRun:
        previous = before.model if before else None
        progress = SwapProgress(kind, model, previous, self._watch.take)
        return SwapRun(self._context, self._holders, self._memory, before, progress, fence, job)

    async def _retry(self, job: Job) -> Job | None:
        """Do again what a job was to do, as a job of its own."""
        model, variant, runtime = (job.payload.get(key) for key in ("model", "variant", "runtime"))
        if not isinstance(model, str) or job.payload.get("deactivate"):
            raise RefusedError(f"deactivate {job.payload.get('slot')} again")
        result = await self.switch(
            model,
            type=str(job.payload.get("slot")),
            variant=variant if isinstance(variant, str) else None,
            runtime=runtime if isinstance(runtime, str) else None,
        )
        return None if result.job is None else await self._jobs.get(result.job)

    async def _restore(self, slot: Slot, fence: int) -> Slot:
        """Load the model of a slot again, on behalf of the recovery."""
        try:
            swap = self._swap(slot.type, slot.model, slot, fence)
            return await swap.restore(slot, await self._changes.back_to(slot))
        finally:
            self._watch.forget(slot.type)

    async def _is_busy(self, kind: ModelType) -> bool:
        """Whether a living process is at work on a slot."""
        return await leases.holder(self._context.hub, slot_lease(kind)) is not None

    async def _slot_of(self, target: str | ModelType) -> Slot:
        wanted = str(target)
        by_type = {slot.type.value: slot for slot in await self.slots()}
        if wanted in by_type:
            return by_type[wanted]
        if wanted in set(ModelType):
            raise empty_slot(ModelType(wanted))
        if is_model_id(wanted):
            wanted = await name_here(self._context, wanted)
            for slot in by_type.values():
                if slot.model == wanted:
                    return slot
        raise NotFoundError(
            f"no slot holds {text.clean(wanted, 80)}", hint="`tui-hub active` lists the slots."
        )


def _figures(result: ActivationResult) -> dict[str, object]:
    """What the job of an activation keeps of its outcome."""
    return {
        "status": result.status,
        "runtime": result.runtime,
        "device": result.device,
        "path": result.path,
        "url": result.url,
        "seconds": round(result.seconds, 3),
        "previous": result.previous,
    }


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
