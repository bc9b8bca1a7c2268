"""Room for a model: on which device, and waiting until memory that was given up is really back."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from tui_hub import processes, text
from tui_hub.domain.errors import DoesNotFitError, RefusedError
from tui_hub.domain.fit import GPU_RUNTIME, HOST_RUNTIME, Device, Need
from tui_hub.domain.hardware import GpuSample, Held
from tui_hub.domain.slots import Slot

BACK_SECONDS = 5.0
BACK_POLL = 0.25
ENOUGH = 0.75
"""What part of the old model's memory must be back. Ollama waits for as much (`sched.go`)."""
_NOTICED = 256 * 1024**2
"""Bytes that a server on a GPU takes at the least: the context of CUDA alone has about as much."""
_CUDA = re.compile(r"cuda:(\d+(?:\+\d+)*)")


class Memory:
    """The memory of the box, as it is now."""

    def __init__(self, devices: Callable[[], Awaitable[tuple[Device, ...]]]) -> None:
        self.devices = devices
        """Every device with its free memory, the host last."""

    async def free(self, device: Device) -> int:
        """Free bytes of a device now."""
        same = device.index, device.uuid
        found = [one.free for one in await self.devices() if (one.index, one.uuid) == same]
        return found[0] if found else 0

    async def held_by(self, slot: Slot) -> list[tuple[Device, int]]:
        """The devices that hold a slot's model, with their free memory now, and its bytes there.

        Not where it is in one of several slices of a GPU, of which it is not known which.
        """
        held, devices = holds(slot), await self.devices()
        slices = Counter(one.index for one in devices)
        return [
            (one, held[one.index])
            for one in devices
            if slices[one.index] == 1 and one.index in held
        ]

    async def wait_back(self, device: Device, used: int) -> str:
        """Wait until a GPU has given back what a process used that is gone; tells how that went.

        Args:
            device: with its free memory from before.
            used: bytes that are to come back. On the host nothing has to be waited for.
        """
        began = time.monotonic()
        if device.index is not None and used:
            wanted = device.free + ENOUGH * used
            while (free := await self.free(device)) < wanted:
                if time.monotonic() - began > BACK_SECONDS:
                    missing = text.size(device.free + used - free)
                    return f"{missing} of its memory are not back yet"
                await asyncio.sleep(BACK_POLL)
        return f"memory back after {text.duration(time.monotonic() - began)}"


def holds(slot: Slot | None) -> Mapping[int | None, int]:
    """What taking a slot's model out of memory gives back, by device."""
    if slot is None or not slot.held:
        return {}
    if slot.holder is not None and not processes.alive(slot.holder):
        return {}
    device, used = slot.device or "cpu", slot.memory.used_after or 0
    match = _CUDA.fullmatch(device)
    if match is None:
        # Else on GPUs of which it is not told which, or on another box.
        return {None: used} if device == "cpu" else {}
    gpus = match[1].split("+")
    # A server that takes several takes as much of each.
    return {int(gpu): used // len(gpus) for gpu in gpus}


def held_on(slot: Slot) -> list[Held]:
    """What a slot's process holds of GPUs, by what was measured as it was filled."""
    return [
        Held(gpu, slot.pid, slot.type.value, size)
        for gpu, size in holds(slot).items()
        if gpu is not None and slot.pid is not None and size
    ]


def held_on_gpus(
    gpus: Sequence[GpuSample], pids: Collection[int], before: Sequence[Device]
) -> dict[int, int]:
    """The bytes that some processes hold, by the number of the GPU.

    Where the driver hides whose memory it is, as in a container, what a GPU has less than before.

    Args:
        gpus: as they are now.
        pids: of the processes.
        before: the devices as they were before those processes started.
    """
    held: dict[int, int] = {}
    for gpu in gpus:
        for one in gpu.processes:
            if one.pid in pids:
                held[gpu.index] = held.get(gpu.index, 0) + (one.memory or 0)
    if held:
        return held
    free = {device.index: device.free for device in before}
    for gpu in gpus:
        less = free.get(gpu.index, 0) - gpu.memory_free
        hidden = gpu.unnamed or any(not one.visible for one in gpu.processes)
        if hidden and less > _NOTICED:
            held[gpu.index] = less
    return held


def room_for(
    parts: Sequence[Need],
    devices: Sequence[Device],
    returning: Mapping[int | None, int],
    setting: str = "auto",
) -> Device:
    """The device to load into: one GPU, or the host where there is none.

    The one with room now and the most of it goes first, then the one that has it after a swap.

    Args:
        parts: what the weights take.
        devices: free memory now.
        returning: bytes that the old model gives back, by device.
        setting: where it is to go: `auto`, `cpu` or `cuda:N`.

    Raises:
        DoesNotFitError: with the figures, when no device has room.
        RefusedError: when that device is not there, or no GPU answers though there is one.
    """
    considered = _considered(devices, setting)
    weights = sum(part.bytes for part in parts)

    def short(device: Device) -> int:
        runtime = HOST_RUNTIME if device.index is None else GPU_RUNTIME
        return weights + runtime - device.free - returning.get(device.index, 0)

    def rank(device: Device) -> tuple[bool, int]:
        return (short(device) + returning.get(device.index, 0) <= 0, -short(device))

    best = max(considered, key=rank)
    if short(best) > 0:
        gained = returning.get(best.index, 0)
        back = f" and {text.size(gained)} that the present one gives back" if gained else ""
        need = short(best) + best.free + gained
        raise DoesNotFitError(
            f"it needs {text.size(need)} of {best.name}, which has {text.size(best.free)} free"
            f"{back}: {text.size(short(best))} too little",
            hint="A smaller variant or quantisation may fit; `tui-hub gpus` shows who holds "
            "memory, and `--runtime link` publishes the files without loading them.",
        )
    return best


def _considered(devices: Sequence[Device], setting: str) -> list[Device]:
    gpus = [device for device in devices if device.index is not None]
    host = [device for device in devices if device.index is None]
    match = _CUDA.match(setting)
    if match:
        named = [device for device in gpus if device.index == int(match[1])]
        if not named:
            raise RefusedError(
                f"the model is to go to {setting}, which is not there",
                hint="`tui-hub gpus` lists what is; `auto` takes what suits, in the setting "
                "runtime.device or as `tui-hub configure MODEL device=auto`.",
            )
        return named
    if setting == "cpu" or gpus:
        return host if setting == "cpu" else gpus
    why = next((one.instead for one in host if one.instead), None)
    if why is not None:
        raise RefusedError(
            f"no GPU can be used: {why}",
            hint="`tui-hub doctor` says more; `tui-hub configure MODEL device=cpu` has a model "
            "loaded into the memory of the host.",
        )
    return host
