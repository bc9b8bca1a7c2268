"""The slots as others see them: what stands there, who uses it, and how it is handed out."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tui_hub import text
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.loads import Load
from tui_hub.domain.runtime import OLLAMA, Program
from tui_hub.domain.slots import Slot
from tui_hub.domain.storage import Install
from tui_hub.domain.swaps import SwapPicture
from tui_hub.domain.types import ModelType
from tui_hub.runtime.spawning import last_lines
from tui_hub.services.context import Context
from tui_hub.services.hardware import Hardware
from tui_hub.services.holders.children import Children
from tui_hub.services.holders.memory import held_on
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.slots.changes import model_type
from tui_hub.services.slots.lone_adapters import set_apart
from tui_hub.services.slots.published import environment_of
from tui_hub.services.slots.standing import read_slots
from tui_hub.services.slots.swap_elsewhere import swaps_elsewhere
from tui_hub.services.slots.swap_watch import SwapWatch
from tui_hub.services.slots.uses import note_use


class SlotReader:
    """Tells of the slots, and changes none."""

    def __init__(
        self,
        context: Context,
        jobs: Jobs,
        hardware: Hardware,
        children: Children,
        watch: SwapWatch,
    ) -> None:
        self._context = context
        self._jobs = jobs
        self._hardware = hardware
        self._children = children
        self._watch = watch

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

    async def last_load(self, slot: Slot) -> Load | None:
        """What the last load of a slot's model took; `None` where it was never loaded."""
        return await self._context.hub.loads.last(slot.model, slot.revision, slot.variant)

    async def said(self, slot: Slot, lines: int = 200) -> tuple[str, ...]:
        """The last lines that the process of a slot said, a server's above all; clean."""
        if slot.child is None or slot.runtime == OLLAMA:
            return ()
        log = self._children.log(slot.child)
        return tuple(await self._context.on_disk(last_lines, log, lines))

    async def hand_out(self, slot: Slot) -> str:
        """The folder of an active model, for another program to open; that counts as a use.

        Raises:
            RefusedError: when it is not there any more.
        """
        if not await self._context.on_disk(Path(slot.path).is_dir):
            raise RefusedError(
                f"the folder of {slot.model} is not there any more: {text.clean(slot.path, 4096)}",
                hint=f"`tui-hub download {slot.model}` brings it back.",
            )
        await note_use(self._context, slot.model)
        return slot.path

    async def environment(self, kind: str | ModelType) -> dict[str, str]:
        """The variables under which another program finds the model of a slot.

        Raises:
            NotFoundError: when the slot is empty.
            RefusedError: when the folder of its model is not there any more.
        """
        slot = await self.active(kind)
        if slot is None:
            raise NotFoundError(
                f"the slot {model_type(kind)} is empty",
                hint="`tui-hub activate MODEL` puts a model there.",
            )
        if slot.path:
            await self.hand_out(slot)
        else:
            await note_use(self._context, slot.model)
        return await environment_of(self._context, slot)
