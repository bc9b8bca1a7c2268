"""Activation: one model per type, published to every program on the box."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from tui_hub import text
from tui_hub.blobs import clear_active, set_active
from tui_hub.domain.artifacts import main_file, present
from tui_hub.domain.errors import NotFoundError, RefusedError, UsageError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import JobType
from tui_hub.domain.slots import ActivationResult, Slot
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType
from tui_hub.events import SlotChanged
from tui_hub.runtime import environment
from tui_hub.services.context import Context, is_model_id, parse_id
from tui_hub.services.jobs import Jobs
from tui_hub.services.slots import read_slots
from tui_hub.services.statuses import settle_status

RUNTIMES = ("link",)
_NOTE = "published as a link; nothing was loaded into memory"


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to stand in a slot."""

    slot: ModelType
    install: Install
    variant: str | None


class Activation:
    """Fills, changes and empties the slots."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        self._context = context
        self._jobs = jobs

    async def slots(self) -> tuple[Slot, ...]:
        """The slots that hold a model, whichever home of this store filled them."""
        return tuple((await read_slots(self._context)).values())

    async def active(self, kind: str | ModelType) -> Slot | None:
        """The model of one slot, if it holds one.

        Raises:
            UsageError: when there is no such type.
        """
        return (await read_slots(self._context)).get(model_type(kind))

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
            NotFoundError: when there is no such model.
            RefusedError: when another model stands there (naming `switch`), or it is not installed.
        """
        change = await self._prepare(model, type, variant, runtime)
        return await self._commit(change, replacing=False)

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
            NotFoundError: when there is no such model.
            RefusedError: when it is not installed.
        """
        change = await self._prepare(model, type, variant, runtime)
        return await self._commit(change, replacing=True)

    async def deactivate(self, target: str | ModelType) -> ActivationResult:
        """Empty a slot, named by its type or by its model.

        Raises:
            NotFoundError: when it is empty, or the model is in none.
        """
        started = time.monotonic()
        slot = await self._slot_of(target)
        async with self._context.alone(f"slot {slot.type}"):
            await self._context.prepare_store()
            await self._context.on_disk(clear_active, self._context.store, slot.type)
            await self._context.hub.slots.delete(slot.type)
        await settle_status(self._context, slot.model)
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
        files = await self._context.hub.artifacts.of(slot.model, slot.revision)
        return environment(
            slot,
            file=main_file(files, slot.variant),
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
        entry = await self._context.catalogue.models.get(wanted)
        if install is None:
            error = NotFoundError if entry is None else RefusedError
            raise error(
                f"{wanted} is not installed", hint=f"`tui-hub download {wanted}` brings it here."
            )
        if variant is not None and variant not in install.variants:
            raise RefusedError(
                f"the variant {text.clean(variant, 80)!r} of {wanted} is not installed",
                hint=f"Installed: {', '.join(install.variants)}.",
            )
        if not await self._is_whole(install):
            raise RefusedError(
                f"files of {wanted} are missing from the store",
                hint=f"`tui-hub download {wanted}` fetches them again.",
            )
        if variant is None and len(install.variants) == 1:
            variant = install.variants[0]
        own = entry.type if entry is not None else install.type
        return _Change(own if kind is None else model_type(kind), install, variant)

    async def _is_whole(self, install: Install) -> bool:
        """Whether the view is there, and every blob of it with its size."""
        files = await self._context.hub.artifacts.of(install.model, install.revision)
        blobs = [(file.blob or "", file.size) for file in present(files)]
        store = self._context.store

        def look() -> bool:
            here = all(store.has(blob, size) for blob, size in blobs)
            return here and Path(install.path).is_dir()

        return bool(blobs) and await self._context.on_disk(look)

    async def _commit(self, change: _Change, *, replacing: bool) -> ActivationResult:
        """Publish first, then write the row: what counts is the link."""
        started = time.monotonic()
        kind, model = change.slot, change.install.model
        payload = {"model": model, "slot": kind, "runtime": "link"}
        async with self._context.alone(f"slot {kind}"):
            before = (await read_slots(self._context)).get(kind)
            if before is not None and before.model != model and not replacing:
                raise RefusedError(
                    f"the slot {kind} holds {before.model}",
                    hint=f"`tui-hub switch {model}` puts this one in its place.",
                )
            async with self._jobs.run(JobType.ACTIVATE, payload):
                slot = await self._fill(change)
        if before is not None and before.model != model:
            await settle_status(self._context, before.model)
        await settle_status(self._context, model)
        self._context.bus.publish(SlotChanged(kind))
        return ActivationResult(
            slot=kind,
            model=model,
            status="active",
            runtime="link",
            path=slot.path,
            seconds=time.monotonic() - started,
            previous=before.model if before is not None else None,
            note=_NOTE,
        )

    async def _fill(self, change: _Change) -> Slot:
        slot = Slot(
            type=change.slot,
            model=change.install.model,
            revision=change.install.revision,
            runtime="link",
            path=change.install.path,
            since=text.now(),
            variant=change.variant,
        )
        await self._context.prepare_store()
        await self._context.on_disk(
            set_active, self._context.store, slot.type, Path(change.install.path)
        )
        await self._context.hub.slots.put(slot)
        await self._context.hub.installs.put(replace(change.install, last_used=text.now()))
        return slot

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


def model_type(name: str | ModelType) -> ModelType:
    """A type as a person names it.

    Raises:
        UsageError: when there is none of that name.
    """
    try:
        return ModelType(name)
    except ValueError:
        raise UsageError(
            f"there is no model type {text.clean(name, 40)!r}",
            hint=f"The types: {', '.join(ModelType)}.",
        ) from None
