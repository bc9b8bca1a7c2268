"""One NVIDIA GPU or MIG slice: what the driver tells of it, and what it cannot tell.

Drivers differ in which calls they have. Each figure is therefore asked for in several ways, newest
first, and a way that this driver or this GPU lacks is not tried again.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psutil
import pynvml  # type: ignore[import-untyped]

from tui_hub.domain.hardware import GpuProcess, GpuSample
from tui_hub.hardware.holders import holder

Way = Callable[[Any], Any]

SESSION = {
    pynvml.NVML_ERROR_UNINITIALIZED,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
}
"""Errors that end the reading of all GPUs."""
_GONE = {pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED}
"""Errors that end the reading of one GPU."""
_LACKING = {
    pynvml.NVML_ERROR_NOT_SUPPORTED,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
}
"""Errors that come back however often one asks."""

_PROCESSES = 1024
"""Entries of the list that the oldest call is given."""


class _ProcessV1(ctypes.Structure):
    """`nvmlProcessInfo_v1_t` of NVIDIA's nvml.h."""

    _fields_ = (("pid", ctypes.c_uint), ("usedGpuMemory", ctypes.c_ulonglong))


def _call(name: str, *arguments: object) -> Way:
    """A function of the binding, which may be too old to have it."""
    function = getattr(pynvml, name, None)

    def ask(handle: Any) -> Any:
        if function is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
        return function(handle, *arguments)

    return ask


def _processes_v1(kind: str) -> Way:
    """The call of drivers before 450, which the binding does not have."""

    def ask(handle: Any) -> Any:
        function = getattr(pynvml.nvmlLib, f"nvmlDeviceGet{kind}RunningProcesses", None)
        if function is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
        count, entries = ctypes.c_uint(_PROCESSES), (_ProcessV1 * _PROCESSES)()
        code = function(handle, ctypes.byref(count), entries)
        if code != pynvml.NVML_SUCCESS:
            raise pynvml.NVMLError(code)
        return entries[: count.value]

    return ask


_MEMORY = (
    # The constant holds the version and the size of the structure; a plain 2 is refused.
    _call("nvmlDeviceGetMemoryInfo", pynvml.nvmlMemory_v2),
    _call("nvmlDeviceGetMemoryInfo"),
)
_UTILIZATION = (_call("nvmlDeviceGetUtilizationRates"),)
_TEMPERATURE = (
    _call("nvmlDeviceGetTemperatureV", pynvml.NVML_TEMPERATURE_GPU),
    _call("nvmlDeviceGetTemperature", pynvml.NVML_TEMPERATURE_GPU),
)
_POWER = (_call("nvmlDeviceGetPowerUsage"),)
_POWER_LIMIT = (_call("nvmlDeviceGetEnforcedPowerLimit"),)
_HOLDERS = tuple(
    (
        _call(f"nvmlDeviceGet{kind}RunningProcesses_v3"),
        _call(f"nvmlDeviceGet{kind}RunningProcesses_v2"),
        _processes_v1(kind),
    )
    for kind in ("Compute", "Graphics")
)
_MIG_MODE = (_call("nvmlDeviceGetMigMode"),)
_NO_MEMORY = pynvml.NVML_VALUE_NOT_AVAILABLE_ulonglong.value


@dataclass(frozen=True, slots=True)
class Identity:
    """What a GPU or a slice is known by."""

    index: int
    uuid: str
    name: str
    parent: str | None = None
    slice: int | None = None

    def sample(self, **fields: Any) -> GpuSample:
        """A sample of it."""
        return GpuSample(
            index=self.index,
            uuid=self.uuid,
            name=self.name,
            parent=self.parent,
            slice=self.slice,
            **fields,
        )


class Device:
    """One GPU or slice, with the figures that are not read each time."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.handle: Any = None
        """The driver's; it may be another one at each reading."""
        self._lacking: set[Way] = set()
        self._slow: dict[str, Any] | None = None
        self._processes: tuple[GpuProcess, ...] | None = None

    def read(self, own: Mapping[int, str], *, slow: bool, processes: bool) -> GpuSample:
        """One reading.

        Args:
            own: slots by the pid of their process.
            slow: read temperature and power afresh.
            processes: read afresh who holds the memory.

        Raises:
            NVMLError: when the driver does not even tell its memory.
        """
        memory = self._memory()
        if slow or self._slow is None:
            self._slow = {
                "temperature": self._optional(_TEMPERATURE),
                "power": _watts(self._optional(_POWER)),
                "power_limit": _watts(self._optional(_POWER_LIMIT)),
            }
        if processes or self._processes is None:
            self._processes = tuple(self._holders(own))
        use = self._optional(_UTILIZATION)
        return self.identity.sample(
            **memory,
            utilization=None if use is None else use.gpu,
            **self._slow,
            processes=self._processes,
        )

    def slices(self) -> Iterator[tuple[int, Any]]:
        """Its slices, each by its number and its handle; nothing where MIG is off."""
        mode = self._optional(_MIG_MODE)
        if mode is None or mode[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            return
        for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(self.handle)):
            try:
                yield number, pynvml.nvmlDeviceGetMigDeviceHandleByIndex(self.handle, number)
            except pynvml.NVMLError as error:  # mostly: nothing has this number
                if error.value in SESSION | _GONE:
                    raise

    def _memory(self) -> dict[str, int]:
        told = self._first(_MEMORY)
        if told is None or not told.total:
            # A GPU that shares the box's memory has none of its own to tell of.
            shared = psutil.virtual_memory()
            total, free, reserved = shared.total, shared.available, 0
            used = total - free
        else:
            total, used, free = told.total, told.used, told.free
            reserved = getattr(told, "reserved", 0)
        return {
            "memory_total": total,
            "memory_used": used,
            "memory_free": free,
            "memory_reserved": reserved,
        }

    def _holders(self, own: Mapping[int, str]) -> Iterator[GpuProcess]:
        """Who holds memory for computing or for drawing, the largest first."""
        held: dict[int, int | None] = {}
        for ways in _HOLDERS:
            for one in self._optional(ways) or ():
                told = None if one.usedGpuMemory in (None, _NO_MEMORY) else one.usedGpuMemory
                known = held.get(one.pid)
                held[one.pid] = max(known, told) if known and told else known or told
        for pid, memory in sorted(held.items(), key=lambda item: (-(item[1] or 0), item[0])):
            yield holder(pid, memory, own)

    def _optional(self, ways: tuple[Way, ...]) -> Any:
        """The answer, or `None` where this one figure cannot be had."""
        try:
            return self._first(ways)
        except pynvml.NVMLError as error:
            if error.value in SESSION | _GONE:
                raise
            return None

    def _first(self, ways: tuple[Way, ...]) -> Any:
        """The answer of the first way that gives one; `None` where none exists."""
        failure: Exception | None = None
        for way in ways:
            if way in self._lacking:
                continue
            try:
                return way(self.handle)
            except pynvml.NVMLLibraryMismatchError:  # not an NVMLError, as one would think
                self._lacking.add(way)
            except pynvml.NVMLError as error:
                if error.value in SESSION | _GONE:
                    raise
                if error.value in _LACKING:
                    self._lacking.add(way)
                else:
                    failure = error
        if failure is not None:
            raise failure
        return None


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000
