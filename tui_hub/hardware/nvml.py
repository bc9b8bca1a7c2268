"""NVIDIA GPUs through NVML (https://docs.nvidia.com/deploy/nvml-api), by `nvidia-ml-py`."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pynvml  # type: ignore[import-untyped]

from tui_hub.domain.hardware import GpuSample
from tui_hub.hardware.nvml_device import Device, Identity, instances_of
from tui_hub.hardware.nvml_ways import SESSION
from tui_hub.hardware.probe import GpuReading
from tui_hub.text import clean

_log = logging.getLogger(__name__)

SLOW, PROCESSES = 2.0, 3.0
"""Seconds between readings of temperature and power, and of the processes: those cost more."""
RETRY = 20.0
"""Seconds until a driver that could not be used is tried again."""

_WITHOUT = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no GPU: no NVIDIA driver is installed",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "no GPU driver: the NVIDIA driver is not loaded",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: (
        "reboot for the GPU: the NVIDIA driver was upgraded, and the old one still runs"
    ),
    pynvml.NVML_ERROR_NO_PERMISSION: "no access to the GPU: this user may not use the driver",
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: "old GPU driver: the NVIDIA driver lacks what is needed",
    pynvml.NVML_ERROR_UNKNOWN: (
        "GPU driver fails: unknown error; a container must be given the GPU's devices"
    ),
}
_GPU = {
    pynvml.NVML_ERROR_GPU_IS_LOST: "lost: it has fallen off the bus; a reboot may bring it back",
    pynvml.NVML_ERROR_RESET_REQUIRED: "needs a reset: nothing can use it before",
    pynvml.NVML_ERROR_NO_PERMISSION: "no access: this user may not read it",
}
_VANISHED = "vanished: the driver lists it no more"


class NvmlProbe:
    """Reads all NVIDIA GPUs, in MIG mode their slices; a failure is told and tried again later."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open = False
        self._without = GpuReading()
        self._retry_at = self._slow_at = self._processes_at = clock()
        self._devices: dict[str, Device] = {}
        self._known: dict[str, Identity] = {}
        """The GPUs that were seen since the start."""

    def read(self, own: Mapping[int, str], *, complete: bool = False) -> GpuReading:
        """Read every GPU, or say why none can be read."""
        if not self._open and self._clock() < self._retry_at:
            return self._without
        try:
            try:
                gpus = tuple(self._read_all(own, complete))
            except pynvml.NVMLError_Uninitialized:
                # Another part of this program let go of the library: take hold of it again.
                self._open = False
                gpus = tuple(self._read_all(own, complete))
        except Exception as error:  # a driver or its binding may fail in any way
            self.close()
            self._retry_at = self._clock() + RETRY
            self._without = GpuReading(error=_why_without(error))
            return self._without
        return GpuReading(gpus=gpus, error=None if gpus else "no GPU: the NVIDIA driver lists none")

    def close(self) -> None:
        """Let go of the driver."""
        if self._open:
            self._open = False
            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlShutdown()

    def _read_all(self, own: Mapping[int, str], complete: bool) -> Iterator[GpuSample]:
        if not self._open:
            pynvml.nvmlInit()
            self._open, self._devices = True, {}
        now = self._clock()
        slow = complete or now >= self._slow_at
        processes = complete or now >= self._processes_at
        if slow:
            self._slow_at = now + SLOW
        if processes:
            self._processes_at = now + PROCESSES
        there: set[str] = set()
        for index in range(pynvml.nvmlDeviceGetCount()):
            yield from self._guarded(index, there, own, slow=slow, processes=processes)
        for uuid, identity in self._known.items():
            if uuid not in there:
                yield identity.sample(error=_VANISHED)

    def _guarded(
        self, index: int, there: set[str], own: Mapping[int, str], **tiers: bool
    ) -> Iterator[GpuSample]:
        """One GPU or its slices; a GPU that fails does not keep the others from being read."""
        try:
            gpu = self._device(pynvml.nvmlDeviceGetHandleByIndex(index), index)
            there.add(gpu.identity.uuid)
            self._known[gpu.identity.uuid] = gpu.identity
            yield from [leaf.read(own, **tiers) for leaf in self._slices(gpu) or [gpu]]
        except pynvml.NVMLError as error:
            if error.value in SESSION:
                raise
            identity = self._identity_of(index)
            there.add(identity.uuid)
            yield identity.sample(error=_GPU.get(error.value) or f"unreadable: {_words(error)}")

    def _identity_of(self, index: int) -> Identity:
        """What a GPU was known by when it could still be asked."""
        known = (one for one in self._known.values() if one.index == index)
        return next(known, Identity(index, "", "GPU"))

    def _slices(self, gpu: Device) -> list[Device]:
        index, uuid = gpu.identity.index, gpu.identity.uuid
        return [self._device(handle, index, uuid, number) for number, handle in gpu.slices()]

    def _device(
        self, handle: Any, index: int, parent: str | None = None, number: int | None = None
    ) -> Device:
        """What is known of the GPU or slice that a handle stands for now."""
        uuid = clean(pynvml.nvmlDeviceGetUUID(handle))
        device = self._devices.get(uuid)
        if device is None or device.identity.index != index:
            instances = None if number is None else instances_of(handle)
            identity = Identity(index, uuid, _name(handle), parent, number, instances)
            device = self._devices[uuid] = Device(identity)
        device.take(handle)
        return device


def _name(handle: Any) -> str:
    try:
        return clean(pynvml.nvmlDeviceGetName(handle), 80)
    except UnicodeDecodeError:
        return "GPU"


def _why_without(error: Exception) -> str:
    known = _WITHOUT.get(error.value) if isinstance(error, pynvml.NVMLError) else None
    if known is None:
        _log.warning("the GPU driver fails: %r", error, exc_info=error)
    return known or f"GPU driver fails: {_words(error)}"


def _words(error: Exception) -> str:
    return clean(str(error), 80)
