"""Activation: one model per type, in memory or as files, published to every program on the box."""

from __future__ import annotations

from tui_hub.domain.errors import RefusedError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import Job, JobType
from tui_hub.domain.swaps import ActivationResult, ChangePreview
from tui_hub.domain.types import ModelType
from tui_hub.services.context import Context
from tui_hub.services.hardware import Hardware
from tui_hub.services.holders.children import Children
from tui_hub.services.holders.holders import Holders
from tui_hub.services.holders.memory import Memory
from tui_hub.services.holders.ollama import Ollama
from tui_hub.services.holders.runtimes import Runtimes
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.slots.changes import Changes
from tui_hub.services.slots.changing import Changing
from tui_hub.services.slots.naming import named_slot
from tui_hub.services.slots.published import SlotFiles
from tui_hub.services.slots.reading import SlotReader
from tui_hub.services.slots.settling import Settling
from tui_hub.services.slots.standing import read_slots
from tui_hub.services.slots.swap_preview import preview_of
from tui_hub.services.slots.swap_runs import SwapRuns
from tui_hub.services.slots.swap_watch import SwapWatch


class Activation(SlotReader):
    """Tells of the slots; fills, changes and empties them."""

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
        watch, files = SwapWatch(context.bus, jobs), SlotFiles(context)
        super().__init__(context, jobs, hardware, children, watch)
        self._memory = memory
        self._changes = Changes(context, runtimes, ollama)
        runs = SwapRuns(context, holders, memory, watch)
        self._settling = Settling(context, jobs, children, holders, self._changes, runs, files)
        self._changing = Changing(context, jobs, self._changes, self._settling, runs, files)
        jobs.handle(JobType.ACTIVATE, retry=self._retry)

    async def preview(self, model: str | ModelId, *, variant: str | None = None) -> ChangePreview:
        """What putting a model into its slot would do as things stand; changes nothing.

        Raises:
            NotFoundError: when there is no such model.
            RefusedError: when it is not installed.
        """
        change = await self._changes.of(model, None, variant, None, True)
        before = (await read_slots(self._context)).get(change.slot)
        return await preview_of(self._context, change, before, self._memory)

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
        return await self._changing.put(change, replacing=False)

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
        return await self._changing.put(change, replacing=True)

    async def reload(self, target: str | ModelType, *, consent: bool = False) -> ActivationResult:
        """Load the model of a slot again, named by its type or by its model.

        What was set for the model since counts now; else it is loaded as it was.

        Raises:
            NotFoundError: when the slot is empty, or the model is in none.
            RefusedError: when its files are gone, or there is no room for it.
        """
        await self.recover()
        slot = await named_slot(self._context, target)
        change = await self._changes.again(slot, consent)
        return await self._changing.put(change, replacing=True, again=True)

    async def deactivate(self, target: str | ModelType) -> ActivationResult:
        """Empty a slot, named by its type or by its model.

        Raises:
            NotFoundError: when it is empty, or the model is in none.
        """
        await self.recover()
        return await self._changing.empty(target)

    async def recover(self) -> int:
        """End or undo what crashes left of changes of slots; how many those were.

        What a living process is at is left to it. Where the old model must be loaded again, this
        takes as long as that. A slot that cannot be settled keeps no other from it.
        """
        return await self._settling.recover()

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
