"""How each figure of a GPU is asked for: in several ways, newest first, as drivers differ.

A way that a driver or a GPU lacks is not tried again, and what no way tells is `None`.
"""

from __future__ import annotations

import ctypes
import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import pynvml  # type: ignore[import-untyped]

_log = logging.getLogger(__name__)

Way = Callable[[Any], Any]

SESSION = {
    pynvml.NVML_ERROR_UNINITIALIZED,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
}
"""Errors that end the reading of all GPUs."""
GONE = {pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED}
"""Errors that end the reading of one GPU."""
_LACKING = {
    pynvml.NVML_ERROR_NOT_SUPPORTED,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
}
"""Errors that come back however often one asks."""
_NOTHING = {pynvml.NVML_SUCCESS, pynvml.NVML_ERROR_NOT_FOUND}
"""What the binding raises where a list is empty."""

_PROCESSES = 1024
"""Entries of the list that the oldest call is given."""
_TRIES = 3
"""Calls for a list that grows between the question how long it is and the answer."""
_SAMPLED = 1_000_000
"""Microseconds back from now whose samples of use count."""


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

    return _named(ask, name)


def _list(name: str, *arguments: Callable[[], object]) -> Way:
    """The same for a list, whose length is asked for first and may be another one by then."""

    def ask(handle: Any) -> Any:
        for number in range(1, _TRIES + 1):
            try:
                return _call(name, *(argument() for argument in arguments))(handle)
            except pynvml.NVMLError as error:
                if error.value in _NOTHING:
                    return []
                if error.value != pynvml.NVML_ERROR_INSUFFICIENT_SIZE or number == _TRIES:
                    raise
        raise AssertionError("unreachable")

    return _named(ask, name)


def _processes_v1(kind: str) -> Way:
    """The call of drivers before 450, which the binding does not have."""
    name = f"nvmlDeviceGet{kind}RunningProcesses"

    def ask(handle: Any) -> Any:
        function = getattr(pynvml.nvmlLib, name, None)
        if function is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
        count, entries = ctypes.c_uint(_PROCESSES), (_ProcessV1 * _PROCESSES)()
        code = function(handle, ctypes.byref(count), entries)
        if code != pynvml.NVML_SUCCESS:
            raise pynvml.NVMLError(code)
        return entries[: count.value]

    return _named(ask, name)


def _named(way: Way, name: str) -> Way:
    way.__name__ = name
    return way


def _second_ago() -> int:
    return time.time_ns() // 1000 - _SAMPLED


MEMORY = (
    # The constant holds the version and the size of the structure; a plain 2 is refused.
    _call("nvmlDeviceGetMemoryInfo", pynvml.nvmlMemory_v2),
    _call("nvmlDeviceGetMemoryInfo"),
)
UTILIZATION = (_call("nvmlDeviceGetUtilizationRates"),)
TEMPERATURE = (
    _call("nvmlDeviceGetTemperatureV", pynvml.NVML_TEMPERATURE_GPU),
    _call("nvmlDeviceGetTemperature", pynvml.NVML_TEMPERATURE_GPU),
)
POWER = (_call("nvmlDeviceGetPowerUsage"),)
POWER_LIMIT = (_call("nvmlDeviceGetEnforcedPowerLimit"),)
HOLDERS = tuple(
    (
        _list(f"nvmlDeviceGet{kind}RunningProcesses_v3"),
        _list(f"nvmlDeviceGet{kind}RunningProcesses_v2"),
        _processes_v1(kind),
    )
    for kind in ("Compute", "Graphics")
)
PROCESS_UTILIZATION = (_list("nvmlDeviceGetProcessUtilization", _second_ago),)
MIG_MODE = (_call("nvmlDeviceGetMigMode"),)
GPU_INSTANCE = (_call("nvmlDeviceGetGpuInstanceId"),)
COMPUTE_INSTANCE = (_call("nvmlDeviceGetComputeInstanceId"),)


class Asker:
    """Asks one GPU or slice, and remembers which ways it lacks."""

    def __init__(self) -> None:
        self.handle: Any = None
        """The driver's; it may be another one at each reading."""
        self._lacking: set[Way] = set()

    def optional(self, ways: tuple[Way, ...]) -> Any:
        """The answer, or `None` where this one figure cannot be had."""
        try:
            return self.first(ways)
        except pynvml.NVMLError as error:
            if error.value in SESSION | GONE:
                raise
            return None

    def first(self, ways: tuple[Way, ...]) -> Any:
        """The answer of the first way that gives one; `None` where none exists.

        Raises:
            NVMLError: when the last way that exists fails.
        """
        failure: Exception | None = None
        for way in ways:
            if way in self._lacking:
                continue
            try:
                return way(self.handle)
            except pynvml.NVMLLibraryMismatchError:  # not an NVMLError, as one would think
                self._lack(way)
            except pynvml.NVMLError as error:
                if error.value in SESSION | GONE:
                    raise
                if error.value in _LACKING:
                    self._lack(way)
                else:
                    failure = error
        if failure is not None:
            raise failure
        return None

    def _lack(self, way: Way) -> None:
        self._lacking.add(way)
        _tell_lacking(way.__name__)


@cache
def _tell_lacking(name: str) -> None:
    """Note it in the log; cached, so that it stands there once."""
    _log.info("a GPU of this box does not answer %s", name)
