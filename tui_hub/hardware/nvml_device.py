"""One NVIDIA GPU or MIG slice: what the driver tells of it, and what it cannot tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psutil
import pynvml  # type: ignore[import-untyped]

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.hardware import GpuProcess, GpuSample
from tui_hub.hardware import nvml_ways as ways
from tui_hub.hardware.holders import holder
from tui_hub.hardware.nvml_ways import Asker

_NO_MEMORY = pynvml.NVML_VALUE_NOT_AVAILABLE_ulonglong.value


@dataclass(frozen=True, slots=True)
class Identity:
    """What a GPU or a slice is known by."""

    index: int
    uuid: str
    name: str
    parent: str | None = None
    slice: int | None = None
    instances: tuple[int, int] | None = None

    def sample(self, **fields: Any) -> GpuSample:
        """A sample of it."""
        return GpuSample(
            index=self.index,
            uuid=self.uuid,
            name=self.name,
            parent=self.parent,
            slice=self.slice,
            instances=self.instances,
            **fields,
        )


class Device:
    """One GPU or slice, with the figures that are not read each time."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._asker = Asker()
        self._slow: dict[str, Any] | None = None
        self._processes: tuple[GpuProcess, ...] | None = None

    def take(self, handle: Any) -> None:
        """From now on it goes by another handle of the driver."""
        self._asker.handle = handle

    def read(self, own: Mapping[int, str], *, slow: bool, processes: bool) -> GpuSample:
        """One reading.

        Args:
            own: slots by the pid of their process.
            slow: read temperature and power afresh.
            processes: read afresh who holds the memory.

        Raises:
            NVMLError: when the driver does not even tell its memory.
        """
        memory, ask = self._memory(), self._asker.optional
        if slow or self._slow is None:
            self._slow = {
                "temperature": ask(ways.TEMPERATURE),
                "power": _watts(ask(ways.POWER)),
                "power_limit": _watts(ask(ways.POWER_LIMIT)),
            }
        if processes or self._processes is None:
            self._processes = tuple(self._holders(own))
        use = ask(ways.UTILIZATION)
        return self.identity.sample(
            **memory,
            utilization=None if use is None else use.gpu,
            **self._slow,
            processes=self._processes,
        )

    def slices(self) -> Iterator[tuple[int, Any]]:
        """Its slices, each by its number and its handle; nothing where MIG is off."""
        mode, handle = self._asker.optional(ways.MIG_MODE), self._asker.handle
        if mode is None or mode[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            return
        for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
            try:
                yield number, pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
            except pynvml.NVMLError as error:  # mostly: nothing has this number
                if error.value in ways.SESSION | ways.GONE:
                    raise

    def _memory(self) -> dict[str, Any]:
        told = self._asker.first(ways.MEMORY)
        shared = told is None or not told.total
        if shared:
            # A GPU that shares the box's memory has none of its own to tell of.
            box = psutil.virtual_memory()
            total, free, reserved = box.total, box.available, 0
            used = total - free
        else:
            total, used, free = told.total, told.used, told.free
            reserved = getattr(told, "reserved", 0)
        return {
            "memory_total": total,
            "memory_used": used,
            "memory_free": free,
            "memory_reserved": reserved,
            "memory_shared": shared,
        }

    def _holders(self, own: Mapping[int, str]) -> Iterator[GpuProcess]:
        """Who holds memory for computing or for drawing, the largest first."""
        held: dict[int, int | None] = {}
        for kind in ways.HOLDERS:
            for one in self._asker.optional(kind) or ():
                told = None if one.usedGpuMemory in (None, _NO_MEMORY) else one.usedGpuMemory
                known = held.get(one.pid)
                held[one.pid] = max(known, told) if known and told else known or told
        busy = self._busy() if held else None
        for pid, memory in sorted(held.items(), key=lambda item: (-(item[1] or 0), item[0])):
            yield holder(pid, memory, own, None if busy is None else busy.get(pid, 0))

    def _busy(self) -> dict[int, int] | None:
        """How busy each process kept it, in percent, where the driver tells that at all."""
        samples = self._asker.optional(ways.PROCESS_UTILIZATION)
        if samples is None:
            return None
        # A driver hands out samples that were never taken, with figures beyond all measure.
        taken = sorted((one for one in samples if one.smUtil <= 100), key=lambda s: s.timeStamp)
        return {one.pid: one.smUtil for one in taken}


def instances_of(handle: Any) -> tuple[int, int] | None:
    """The numbers of a slice's GPU instance and compute instance, as `nvidia-smi` has them."""
    asker = Asker()
    asker.handle = handle
    gpu, compute = asker.optional(ways.GPU_INSTANCE), asker.optional(ways.COMPUTE_INSTANCE)
    return None if gpu is None or compute is None else (gpu, compute)


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000
