"""One model on its way into the memory of a process with torch."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.configuration import AUTO
from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.domain.fit import Device, needs_on
from tui_hub.domain.jobs import Owner
from tui_hub.domain.runtime import Loaded, LoadRequest
from tui_hub.domain.slots import MemoryFigures, Slot
from tui_hub.domain.swaps import SwapStep
from tui_hub.domain.types import ModelType
from tui_hub.runtime.torch_children import TorchChild
from tui_hub.services.holders.children import Children
from tui_hub.services.holders.loading import Loading
from tui_hub.services.holders.memory import Memory, holds, room_for
from tui_hub.services.slots.swap_progress import SwapProgress

_log = logging.getLogger(__name__)


class TorchLoader:
    """Starts a process, finds room, and loads into it; `drop` undoes all of that."""

    def __init__(
        self, children: Children, memory: Memory, progress: SwapProgress, kind: ModelType
    ) -> None:
        self._children = children
        self._memory = memory
        self._progress = progress
        self._child: TorchChild | None = None
        self._device: Device | None = None
        self.name = children.name(kind)
        """Under which the process is found again."""
        self.beside = True
        """Whether there is room without ending the old model first."""

    async def open(self, loading: Loading, before: Slot | None) -> None:
        """Have a process with torch ready, and a device with room; changes nothing that lasts.

        Raises:
            DoesNotFitError: when there is no room even in place of the old model.
            HubError: when torch cannot be imported, or the process does not come up.
        """
        # Torch takes a second or two to import, in which everything else is looked at.
        began = time.monotonic()
        starting = asyncio.create_task(self._children.start(self.name))
        try:
            await self._find_room(loading, before, loading.device)
        except BaseException:
            await self._abandon(starting)
            raise
        self._child = await starting
        info = await self._child.ready(self._children.timeout)
        seconds = time.monotonic() - began
        self._progress.passed(f"torch {info.version} is up after {seconds:.1f} s")
        if self.device.index is not None and not info.cuda:
            if loading.device != AUTO:
                raise RefusedError(
                    f"the model is to go to {loading.device}, and torch {info.version} was built "
                    "without CUDA",
                    hint="Name a Python with the right torch in runtime.python.",
                )
            _log.warning("this torch was built without CUDA; the model goes to the host")
            await self._find_room(loading, before, "cpu")
        self._progress.passed("checked")

    async def load(self, wanted: Slot, loading: Loading) -> tuple[Slot, Loaded]:
        """Load and test the weights; from then on the process outlives this one.

        Raises:
            HubError: when they cannot be loaded, or are not what they should be.
        """
        if self._child is None:
            raise RuntimeError("open it first")
        self._progress.step(SwapStep.LOADING)
        request = LoadRequest(
            files=loading.files,
            device="cpu" if self.device.index is None else f"cuda:{self.device.index}",
            gpu=self.device.uuid,
            dtype=loading.dtype,
            consent=loading.consent,
            adapters=loading.adapters,
        )
        loaded = await self._child.load(request, self._progress.load)
        speed = text.size(int(loaded.speed))
        self._progress.passed(f"loaded {text.size(loaded.bytes)} at {speed}/s")
        if loading.adapters:
            names = ", ".join(one.name for one in loading.adapters)
            self._progress.passed(f"changed {loaded.adapted} tensors by {names}")
        self._progress.passed(f"self-test passed in {text.duration(loaded.test_seconds)}")
        await self._child.keep()
        figures = MemoryFigures(
            needed=sum(part.bytes for part in loading.parts),
            free_before=self.device.free,
            used_after=loaded.memory_used,
            peak=loaded.memory_peak,
        )
        slot = replace(
            wanted,
            runtime=loading.runtime,
            device=loaded.device,
            holder=self._child.owner,
            child=self.name,
            memory=figures,
            since=text.now(),
            error=None,
        )
        return slot, loaded

    @property
    def owner(self) -> Owner:
        """The process that holds, or will hold, the weights."""
        if self._child is None:
            raise RuntimeError("open it first")
        return self._child.owner

    @property
    def device(self) -> Device:
        """Where the model goes, with the memory that was free there."""
        if self._device is None:
            raise RuntimeError("open it first")
        return self._device

    async def let_go(self) -> None:
        """Leave the process to itself: it is the slot's now."""
        if self._child is not None:
            await self._child.close()
            self._child = None

    async def drop(self) -> None:
        """End the process."""
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    async def _find_room(self, loading: Loading, before: Slot | None, setting: str) -> None:
        devices = await self._memory.devices()
        device = room_for(loading.parts, devices, holds(before), setting)
        need = sum(part.bytes for part in needs_on(loading.parts, gpu=device.index is not None))
        self._device, self.beside = device, need <= device.free

    async def _abandon(self, starting: asyncio.Task[TorchChild]) -> None:
        try:
            self._child = await starting
        except HubError as error:
            _log.warning("%s", error.message)
        await self.drop()
