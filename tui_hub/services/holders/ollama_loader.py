"""One model on its way into the memory of Ollama's daemon."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tui_hub import text
from tui_hub.domain.errors import AbsentError, HubError
from tui_hub.domain.fit import Device
from tui_hub.domain.loads import Weights
from tui_hub.domain.ollama import OllamaModel
from tui_hub.domain.runtime import OLLAMA
from tui_hub.domain.slots import MemoryFigures, Slot
from tui_hub.domain.swaps import SwapStep
from tui_hub.runtime.ollama import whole_name
from tui_hub.runtime.ollama_options import options_of
from tui_hub.services.holders.loading import Loading
from tui_hub.services.holders.memory import Memory
from tui_hub.services.holders.ollama import Ollama
from tui_hub.services.slots.swap_progress import SwapProgress

_log = logging.getLogger(__name__)


class OllamaLoader:
    """Has the daemon load one model; `drop` has it let go again."""

    owner = None
    beside = False
    """The daemon frees memory by itself, but not that of other programs."""

    def __init__(self, ollama: Ollama, memory: Memory, progress: SwapProgress) -> None:
        self._ollama = ollama
        self._memory = memory
        self._progress = progress
        self._devices: tuple[Device, ...] = ()
        self._foreign: OllamaModel | None = None
        """The model as it was in memory before, for somebody else."""
        self._options: Mapping[str, object] = {}
        self._asked = False
        self.name = ""

    async def open(self, loading: Loading, before: Slot | None) -> None:
        """See that the daemon is there, and tells what it has in memory.

        Raises:
            HubError: when it is not, or does not.
        """
        self.name = loading.served
        if loading.given is not None:
            file, options = Path(loading.files[0]), options_of(loading.configuration)
            await self._ollama.give(self.name, file, loading.given, options)
            self._progress.passed(f"given to the Ollama daemon as {self.name}")
        there = await self._ollama.memory.find(self.name)
        ours = before is not None and whole_name(before.child or "") == whole_name(self.name)
        self._foreign = None if ours else there
        self._devices = await self._memory.devices()
        self._progress.passed("checked")

    async def load(self, wanted: Slot, loading: Loading) -> tuple[Slot, Weights | None]:
        """Have it loaded; what that took is told where it was not in memory before.

        Raises:
            HubError: when the daemon cannot load it, or goes away meanwhile.
        """
        self._progress.step(SwapStep.LOADING)
        was_there = await self._ollama.memory.find(self.name) is not None
        before = await self._ollama.held_by_gpu()
        began = time.monotonic()
        self._asked, self._options = True, options_of(loading.configuration)
        try:
            found = await self._ollama.memory.load(self.name, self._options)
        except AbsentError as error:
            patience = self._ollama.load_timeout
            if time.monotonic() - began >= patience:
                raise HubError(
                    f"the Ollama daemon did not load {wanted.model} within "
                    f"{text.duration(patience)}",
                    hint="The setting ollama.load_timeout gives it longer.",
                ) from None
            raise HubError(
                f"the Ollama daemon went away while it loaded {wanted.model}: {error.message}",
                hint=error.hint,
            ) from None
        seconds = time.monotonic() - began
        size, took = text.size(found.size), text.duration(seconds)
        self._progress.passed(f"the Ollama daemon holds {size} since {took}")
        grown = {} if was_there else await self._grown(before)
        device = self._device(found)
        place = _place(found, device)
        taken = found.size_vram or found.size
        free = None if device is None else device.free
        if grown and found.size_vram:
            # The driver knows better than the daemon's own reckoning, and on which GPU.
            place, taken = "cuda:" + "+".join(map(str, sorted(grown))), sum(grown.values())
            free = sum(one.free for one in self._devices if one.index in grown)
        figures = MemoryFigures(
            needed=sum(part.bytes for part in loading.parts) or None,
            free_before=free,
            used_after=taken,
            peak=taken,
        )
        slot = replace(
            wanted,
            runtime=OLLAMA,
            device=self._ollama.elsewhere or place,
            child=self.name,
            url=self._ollama.address,
            memory=figures,
            since=text.now(),
            error=None,
        )
        told = not was_there and self._ollama.elsewhere is None
        return slot, Weights(bytes=found.size, seconds=seconds) if told else None

    async def let_go(self) -> None:
        """Nothing of this process is at it."""

    async def drop(self) -> None:
        """Have the daemon let go of what it was told to load; what was there before stays."""
        if not self._asked:
            return
        try:
            if self._foreign is None:
                await self._ollama.memory.unload(self.name)
            else:
                await self._ollama.memory.unpin(self._foreign, self._options)
        except HubError as error:
            _log.warning("%s was not told to go: %s", self.name, error.message)

    async def _grown(self, before: Mapping[int, int]) -> dict[int, int]:
        """Bytes that the daemon's processes hold of each GPU more than before."""
        now = await self._ollama.held_by_gpu()
        more = {gpu: held - before.get(gpu, 0) for gpu, held in now.items()}
        return {gpu: held for gpu, held in more.items() if held > 0}

    def _device(self, found: OllamaModel) -> Device | None:
        """Where it is, where that can be told: the daemon does not say on which GPU."""
        if self._ollama.elsewhere is not None:
            return None
        gpus = [one for one in self._devices if one.index is not None]
        if not found.size_vram:
            return next((one for one in self._devices if one.index is None), None)
        return gpus[0] if len(gpus) == 1 else None


def _place(found: OllamaModel, device: Device | None) -> str:
    """A device as the other runtimes name it; `gpu` where it is not known which."""
    if not found.size_vram:
        return "cpu"
    return "gpu" if device is None else f"cuda:{device.index}"
