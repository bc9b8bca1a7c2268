"""The `torch` runtime: a model in the memory of a process of its own."""

from __future__ import annotations

import logging
from pathlib import Path

from tui_hub.domain.errors import HubError, PickleError
from tui_hub.domain.runtime import TORCH
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.runtime.pythons import no_torch, probe_torch
from tui_hub.services.context import Context
from tui_hub.services.fit.weighing import Weigher
from tui_hub.services.holders.children import Children
from tui_hub.services.holders.loading import Asked, Loading, UnsuitedError, weights_of
from tui_hub.services.holders.memory import Memory
from tui_hub.services.holders.torch_loader import TorchLoader
from tui_hub.services.slots.adapters import Adapters
from tui_hub.services.slots.swap_progress import SwapProgress

_log = logging.getLogger(__name__)

_FORMATS = ("safetensors", "pickle")
_PARKING_SHARE = 0.5
"""What part of the host's free memory weights may take that wait there."""
_LET_GO_SECONDS = 5.0
"""What programs have to let go of weights that are to leave."""


class TorchHolder:
    """Holds each model in a child with torch."""

    def __init__(
        self, context: Context, children: Children, memory: Memory, weigher: Weigher
    ) -> None:
        self._configuration = context.configuration
        self._adapters = Adapters(context)
        self._children = children
        self._memory = memory
        self._weigher = weigher

    async def plan(self, asked: Asked) -> Loading:
        """How torch loads a model.

        Raises:
            UnsuitedError: when there is no torch, or its weights are not for it.
            PickleError: for pickle files without consent.
            RefusedError: for adapters that are not here, or none that can be added.
        """
        model, chosen = asked.install.model, asked.best(("safetensors",))
        if asked.details is None or chosen is None or chosen.format not in _FORMATS:
            format_ = "no weights" if chosen is None else chosen.format
            raise UnsuitedError(
                f"torch loads safetensors, and {model} has {format_}",
                hint="`--runtime link` publishes its files to other programs.",
                why=f"torch does not load {format_}",
            )
        python = self._configuration.settings.runtime.python
        environment = self._configuration.plain_environment
        if await probe_torch(python, environment=environment) is None:
            message, hint = no_torch(python)
            raise UnsuitedError(message, hint=hint, why=f"{message}. {hint}")
        if chosen.format == "pickle" and not asked.consent:
            raise PickleError(
                f"{model} is in pickle files, which can run any program when loaded",
                hint="Look for a safetensors version. `--allow-pickle` lets torch take nothing but "
                "weights from them; `--runtime link` publishes them unread.",
            )
        settings = self._configuration.settings.runtime
        adapters, note = await self._adapters.of(asked.install, asked.configuration.adapters)
        weight = await self._weigher.weigh(asked.details, chosen, asked.configuration)
        return Loading(
            runtime=TORCH,
            variant=chosen.name,
            files=tuple(str(Path(asked.install.path) / file.path) for file in weight.files),
            parts=weights_of(weight.parts),
            consent=asked.consent,
            device=asked.configuration.device or settings.device,
            dtype=asked.configuration.dtype_over(settings.dtype),
            adapters=adapters,
            note=note,
        )

    def loader(self, kind: ModelType, progress: SwapProgress) -> TorchLoader:
        """A loader for one model."""
        return TorchLoader(self._children, self._memory, progress, kind)

    async def end(self, slot: Slot) -> str | None:
        """End the process that holds a slot's weights, and wait until it is gone.

        Programs that have them attached are given a moment to let go, and named if they do not:
        what they have of the memory comes back when they end.

        Raises:
            HubError: when it does not end.
        """
        programs = await self._children.release(slot, _LET_GO_SECONDS)
        await self._children.end(slot)
        if not programs:
            return None
        return f"{slot.model} is still in the memory of {', '.join(map(str, programs))}"

    async def park(self, slot: Slot) -> bool:
        """Move the weights of a slot from their GPU to the host, where that has ample room.

        Not where the GPU has no memory but the host's: that would give nothing back.
        """
        used = slot.memory.used_after
        if not on_gpu(slot) or not used:
            return False
        host = next(one for one in await self._memory.devices() if one.index is None)
        if used > host.free * _PARKING_SHARE:
            return False
        if any(device.shared for device, _ in await self._memory.held_by(slot)):
            return False
        if await self._children.release(slot, _LET_GO_SECONDS):
            return False
        try:
            await self._children.park(slot)
        except HubError as error:
            _log.warning("%s is not parked: %s", slot.model, error.message)
            return False
        return True

    async def unpark(self, slot: Slot) -> None:
        """Move the weights of a slot back to their GPU, where they are not there.

        Raises:
            HubError: when they cannot go back.
        """
        if on_gpu(slot):
            await self._children.unpark(slot)

    async def look(self, slot: Slot) -> Slot:
        """The slot as it is: while its process lives, it holds the weights."""
        return slot


def on_gpu(slot: Slot) -> bool:
    """Whether a slot's model is on a GPU."""
    return slot.device is not None and slot.device.startswith("cuda")
