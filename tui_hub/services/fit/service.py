"""What a model needs of this box, and whether it fits: said before the download."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.artifacts import Variant, preferred_variant
from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.downloads import Plan
from tui_hub.domain.errors import HubError, UsageError
from tui_hub.domain.fit import Device, FitReport, Judgement, Measured, Verdict, Workload
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.models import Details
from tui_hub.domain.slots import Slot
from tui_hub.domain.stored_need import Capacity
from tui_hub.runtime.pythons import no_torch
from tui_hub.services.context import Context, parse_id
from tui_hub.services.downloads.choices import Choice, named_variant
from tui_hub.services.downloads.plans import Planner
from tui_hub.services.fit.base import on_base
from tui_hub.services.fit.capacity import keep_capacity
from tui_hub.services.fit.tried_torch import tried_torch
from tui_hub.services.fit.weighing import Weigher, Weight, weigh_by_count
from tui_hub.services.fit.words import holder_words, notes_of, with_warnings
from tui_hub.services.hardware import Hardware
from tui_hub.services.holders.memory import holds
from tui_hub.services.models.metadata import Metadata
from tui_hub.services.models.repositories import Repositories
from tui_hub.services.models.version_names import named_version
from tui_hub.services.slots.standing import read_slots
from tui_hub.services.sync.renames import name_here

MOST_CONTEXT = 2**31 - 1
"""Tokens of context that a configuration can have."""
MOST_BATCH = 4096


class Fit:
    """Judges models against the memory and the disk of this box, as they are now."""

    def __init__(
        self,
        context: Context,
        repositories: Repositories,
        metadata: Metadata,
        hardware: Hardware,
    ) -> None:
        self._context = context
        self._hardware = hardware
        self._repositories = repositories
        self._planner = Planner(context, repositories)
        self.weigher = Weigher(context, metadata)
        """Adds up what models take."""

    async def check(
        self,
        model: str | ModelId,
        *,
        variant: str | None = None,
        revision: str | None = None,
        context: int | None = None,
        batch: int = 1,
    ) -> FitReport:
        """What a model needs, and whether there is room for it.

        Fetches the headers of weights that are not here, a few hundred kilobytes at most for each
        file, and no weights.

        Args:
            model: the model's id.
            variant: one of its variants; without one, what is set for it, else what is
                installed, else the one that a download would offer first.
            revision: a version, branch, tag or commit.
            context: tokens of context; without them as set for it, else 8,192 at most.
            batch: sequences, images or clips at the same time.

        Raises:
            UsageError: for a context or a batch that nothing can have.
            NotFoundError: no such model, revision or variant.
            UnreachableError: the model is unknown here, and its source cannot be asked.
        """
        _refuse_odd(context, batch)
        details = await self._repositories.details(model, revision=revision)
        version = await named_version(self._context, details.model.id, revision)
        if version is not None and variant is None:
            variant = version.variant
        here = await name_here(self._context, details.model.id)
        configuration = await self._context.hub.configurations.current(here)
        chosen = _chosen(details, variant, configuration.variant)
        weight, disk, (torch, trouble) = await asyncio.gather(
            self._weigh(details, chosen, configuration),
            self._plan(details, chosen, revision),
            self._torch(),
        )
        slot = (await read_slots(self._context)).get(details.model.type)
        settings = self._context.configuration.settings.runtime
        device = configuration.device or settings.device
        everything = await self.devices()
        await self._remember(everything)
        allowed = _allowed(everything, device)
        devices, returning = _with_slot(allowed, slot, details.model.id)
        dtype = configuration.dtype_over(settings.dtype)
        report = FitReport(
            model=details.model,
            variant=chosen.name if chosen else None,
            format=chosen.format if chosen else None,
            revision=details.revision,
            judgement=Judgement(verdict=Verdict.UNKNOWN, devices=(), need=()),
            profile=weight.profile,
            measured=await self._measured(details, chosen, devices, dtype),
            device=device,
            present=slot.model if slot is not None else None,
            disk=disk,
            torch=torch,
            torch_trouble=trouble,
            requires=details.requirements,
        )
        workload = Workload(context=context or configuration.context, batch=batch)
        report = report.judged(workload, devices, returning)
        return with_warnings(notes_of(report, details, weight.warnings, slot))

    async def again(self, report: FitReport, workload: Workload) -> FitReport:
        """A report for another context or batch, or for the memory as it is now; asks no source.

        Raises:
            UsageError: for a context or a batch that nothing can have.
        """
        _refuse_odd(workload.context, workload.batch)
        slot = (await read_slots(self._context)).get(report.model.type)
        allowed = _allowed(await self.devices(), report.device)
        devices, returning = _with_slot(allowed, slot, report.model.id)
        present = slot.model if slot is not None else None
        judged = replace(report, present=present).judged(workload, devices, returning)
        return with_warnings(judged)

    async def _measured(
        self, details: Details, variant: Variant | None, devices: Sequence[Device], dtype: str
    ) -> Measured | None:
        """What the last activation took, where it was on this kind of device."""
        if variant is None or details.revision is None:
            return None
        loads = self._context.hub.loads
        last = await loads.last(details.model.id, details.revision, variant.name)
        on_gpu = any(device.index is not None for device in devices)
        if last is None or last.peak is None or last.on_gpu != on_gpu:
            return None
        if last.whole:
            return Measured(bytes=last.peak, whole=True, context=last.context)
        return Measured(bytes=last.peak) if last.dtype == dtype else None

    async def _torch(self) -> tuple[str | None, str | None]:
        """The version of torch, or why there is none that works and the way out."""
        try:
            version = await tried_torch(self._context)
        except HubError as error:
            return None, ". ".join(filter(None, (error.message, error.hint)))
        python = self._context.configuration.settings.runtime.python
        return version, None if version else ". ".join(no_torch(python))

    async def _weigh(
        self, details: Details, variant: Variant | None, configuration: ModelConfiguration
    ) -> Weight:
        if variant is not None:
            weight = await self.weigher.weigh(details, variant, configuration)
            return await on_base(weight, details, self._repositories, self.weigher)
        if details.files:
            return Weight(warnings=("it has no weights files",))
        return weigh_by_count(details.model.params)

    async def _plan(
        self, details: Details, variant: Variant | None, revision: str | None
    ) -> Plan | None:
        """What a download of the variant would do; `None` where nothing can be said."""
        if not details.files:
            return None
        choice = Choice(variant=variant.name if variant else None)
        wanted = parse_id(details.model.id)
        try:
            return await self._planner.plan(wanted, choice, revision, refresh=False)
        except HubError:
            return None

    async def capacity(self) -> Capacity:
        """The memory of this box, nothing being in it; remembered for those who only read.

        Raises:
            HubError: when the box cannot be read at all.
        """
        return await self._remember(await self.devices())

    async def _remember(self, devices: Sequence[Device]) -> Capacity:
        *gpus, host = devices
        sizes = [gpu.total for gpu in gpus]
        found = Capacity(max(sizes, default=host.total), sum(sizes), host.total)
        await keep_capacity(self._context, found)
        return found

    async def devices(self) -> tuple[Device, ...]:
        """The memory of this box now: GPUs that can be read, then the host's.

        Raises:
            HubError: when the box cannot be read at all.
        """
        box = await self._hardware.read()
        gpus = [
            Device(
                index=gpu.index,
                name=f"GPU {gpu.label} {gpu.short_name}",
                total=gpu.memory_total,
                free=gpu.memory_free,
                others=holder_words(gpu),
                uuid=gpu.uuid,
                shared=gpu.memory_shared,
            )
            for gpu in box.gpus
            if gpu.error is None and not gpu.hidden
        ]
        free = box.host.memory_total - box.host.memory_used
        host = Device(
            index=None,
            name="host memory",
            total=box.host.memory_total,
            free=free,
            instead=box.trouble,
        )
        return (*gpus, host)


def _refuse_odd(context: int | None, batch: int) -> None:
    if (context is not None and not 0 < context <= MOST_CONTEXT) or not 0 < batch <= MOST_BATCH:
        raise UsageError(
            "that is no context, or no batch",
            hint=f"A context has 1 to {text.grouped(MOST_CONTEXT)} tokens, "
            f"a batch 1 to {text.grouped(MOST_BATCH)}.",
        )


def _chosen(details: Details, wanted: str | None, configured: str | None) -> Variant | None:
    """The variant that is meant, else the one that is set, an installed one before all others."""
    if wanted is not None:
        return named_variant(details, wanted)
    found = [one for one in details.variants if one.name == configured]
    if found:
        return found[0]
    here = [one for one in details.variants if one.name in details.installed_variants]
    return preferred_variant(here or details.variants)


def _allowed(devices: tuple[Device, ...], wanted: str) -> tuple[Device, ...]:
    """The devices that a model may go to, the host always; all, where the wanted one is not there.

    Args:
        devices: those of this box.
        wanted: `auto`, `cpu` or `cuda:N`.
    """
    names = {"cpu" if one.index is None else f"cuda:{one.index}" for one in devices}
    if wanted not in names:
        return devices
    return tuple(one for one in devices if one.index is None or f"cuda:{one.index}" == wanted)


def _with_slot(
    devices: tuple[Device, ...], slot: Slot | None, model: str
) -> tuple[tuple[Device, ...], Mapping[int | None, int]]:
    """What the slot's present model gives back: for a swap, or at once if it is the same model."""
    returning = holds(slot)
    if slot is None or slot.model != model:
        return devices, returning
    return tuple(
        replace(one, free=min(one.total, one.free + returning.get(one.index, 0))) for one in devices
    ), {}
