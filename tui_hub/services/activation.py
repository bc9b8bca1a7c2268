"""Activation: one model per type, published to every program on the box."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from tui_hub import text
from tui_hub.blobs import clear_active, set_active
from tui_hub.domain.errors import HubError, NotFoundError, RefusedError, UsageError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.models import ModelStatus
from tui_hub.domain.slots import ActivationResult, Slot
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType
from tui_hub.events import SlotChanged
from tui_hub.runtime import environment
from tui_hub.services.context import Context, is_model_id, parse_id
from tui_hub.services.installing import set_status
from tui_hub.services.jobs import Jobs

RUNTIMES = ("link",)
_NOTE = "published as a link; nothing was loaded into memory"


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to stand in a slot."""

    slot: ModelType
    install: Install
    path: Path
    variant: str | None


class Activation:
    """Fills, changes and empties the slots."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        self._context = context
        self._jobs = jobs

    async def slots(self) -> tuple[Slot, ...]:
        """The slots that hold a model."""
        return tuple(await self._context.hub.slots.list())

    async def active(self, kind: str | ModelType) -> Slot | None:
        """The model of one slot, if it holds one.

        Raises:
            UsageError: when there is no such type.
        """
        return await self._context.hub.slots.get(model_type(kind))

    async def activate(
        self,
        model: str | ModelId,
        *,
        type: str | ModelType | None = None,  # noqa: A002 - the spec's word
        variant: str | None = None,
        runtime: str | None = None,
    ) -> ActivationResult:
        """Put a model into its empty slot.

        Raises:
            RefusedError: when another model stands there (naming `switch`), or it is not installed.
        """
        change = await self._prepare(model, type, variant, runtime)
        before = await self._context.hub.slots.get(change.slot)
        if before is not None and before.model != change.install.model:
            raise RefusedError(
                f"the slot {change.slot} holds {before.model}",
                hint=f"`tui-hub switch {change.install.model}` puts this one in its place.",
            )
        return await self._commit(change, before)

    async def switch(
        self,
        model: str | ModelId,
        *,
        type: str | ModelType | None = None,  # noqa: A002 - the spec's word
        variant: str | None = None,
        runtime: str | None = None,
    ) -> ActivationResult:
        """Put a model into its slot, in place of whatever stands there.

        Raises:
            RefusedError: when it is not installed.
        """
        change = await self._prepare(model, type, variant, runtime)
        return await self._commit(change, await self._context.hub.slots.get(change.slot))

    async def deactivate(self, target: str | ModelType) -> ActivationResult:
        """Empty a slot, named by its type or by its model.

        Raises:
            NotFoundError: when it is empty, or the model is in none.
        """
        started = time.monotonic()
        slot = await self._slot_of(target)
        await self._context.prepare_store()
        await self._context.hub.slots.delete(slot.type)
        await self._context.on_disk(clear_active, self._context.store, slot.type)
        install = await self._context.hub.installs.get(slot.model)
        status = ModelStatus.INSTALLED if install else ModelStatus.NOT_INSTALLED
        await set_status(self._context, slot.model, status)
        self._context.bus.publish(SlotChanged(slot.type))
        return ActivationResult(
            slot=slot.type,
            model=slot.model,
            status="inactive",
            runtime=slot.runtime,
            seconds=time.monotonic() - started,
            previous=slot.model,
        )

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
        return environment(
            model=slot.model,
            kind=slot.type,
            path=Path(slot.path),
            hf_cache=self._context.store.root / "hf",
        )

    async def _prepare(
        self,
        model: str | ModelId,
        kind: str | ModelType | None,
        variant: str | None,
        runtime: str | None,
    ) -> _Change:
        wanted = str(parse_id(model))
        if runtime is not None and runtime not in RUNTIMES:
            raise RefusedError(
                f"the runtime {text.clean(runtime, 40)!r} is not part of this version",
                hint="`link` publishes a model to other programs.",
            )
        install = await self._context.hub.installs.get(wanted)
        if install is None:
            raise RefusedError(
                f"{wanted} is not installed", hint=f"`tui-hub download {wanted}` brings it here."
            )
        if variant is not None and variant not in install.variants:
            raise RefusedError(
                f"the variant {text.clean(variant, 80)!r} of {wanted} is not installed",
                hint=f"Installed: {', '.join(install.variants)}.",
            )
        path = Path(install.path)
        if not await self._context.on_disk(_complete, path):
            raise RefusedError(
                f"files of {wanted} are missing from the store",
                hint=f"`tui-hub download {wanted}` fetches them again.",
            )
        entry = await self._context.catalogue.models.get(wanted)
        own = entry.type if entry is not None else install.type
        slot = own if kind is None else model_type(kind)
        return _Change(slot, install, path, variant)

    async def _commit(self, change: _Change, before: Slot | None) -> ActivationResult:
        """Publish first, then write the row: after a crash the link tells the newer truth."""
        started = time.monotonic()
        model = change.install.model
        job = await self._jobs.create(
            JobType.ACTIVATE, {"model": model, "slot": change.slot, "runtime": "link"}
        )
        job = await self._jobs.begin(job)
        slot = Slot(
            type=change.slot,
            model=model,
            revision=change.install.revision,
            runtime="link",
            path=str(change.path),
            since=text.now(),
            variant=change.variant,
        )
        try:
            await self._context.prepare_store()
            await self._context.on_disk(set_active, self._context.store, change.slot, change.path)
            await self._context.hub.slots.put(slot)
        except HubError as error:
            await self._jobs.finish(job, JobStatus.FAILED, error=error.message)
            raise
        await self._mark(model, before)
        await self._jobs.finish(job, JobStatus.COMPLETED)
        self._context.bus.publish(SlotChanged(change.slot))
        return ActivationResult(
            slot=change.slot,
            model=model,
            status="active",
            runtime="link",
            path=slot.path,
            seconds=time.monotonic() - started,
            previous=before.model if before is not None else None,
            note=_NOTE,
        )

    async def _mark(self, model: str, before: Slot | None) -> None:
        await self._context.hub.installs.put(
            replace(await self._install(model), last_used=text.now())
        )
        await set_status(self._context, model, ModelStatus.ACTIVE)
        if before is not None and before.model != model:
            await set_status(self._context, before.model, ModelStatus.INSTALLED)

    async def _install(self, model: str) -> Install:
        install = await self._context.hub.installs.get(model)
        if install is None:
            raise NotFoundError(f"{model} is not installed")
        return install

    async def _slot_of(self, target: str | ModelType) -> Slot:
        wanted = str(target)
        by_type = {slot.type.value: slot for slot in await self.slots()}
        if wanted in by_type:
            return by_type[wanted]
        if wanted not in set(ModelType) and is_model_id(wanted):
            wanted = str(ModelId.parse(wanted))
            for slot in by_type.values():
                if slot.model == wanted:
                    return slot
        raise NotFoundError(
            f"no slot holds {text.clean(wanted, 80)}", hint="`tui-hub active` lists the slots."
        )


def model_type(text_or_type: str | ModelType) -> ModelType:
    """A type as a person names it.

    Raises:
        UsageError: when there is none of that name.
    """
    try:
        return ModelType(text_or_type)
    except ValueError:
        raise UsageError(
            f"there is no model type {text.clean(text_or_type, 40)!r}",
            hint=f"The types: {', '.join(ModelType)}.",
        ) from None


def _complete(folder: Path) -> bool:
    """Whether the folder is there and every link in it leads to bytes."""
    return folder.is_dir() and all(path.exists() for path in folder.rglob("*") if path.is_symlink())
