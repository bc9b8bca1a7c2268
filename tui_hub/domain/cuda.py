"""The variables of CUDA and of torch: which GPUs a process is shown, and how memory is taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tui_hub.domain.hardware import GpuSample

VISIBLE = "CUDA_VISIBLE_DEVICES"
ORDER, BY_BUS = "CUDA_DEVICE_ORDER", "PCI_BUS_ID"
"""The variable, and its value, by which CUDA numbers the GPUs as the driver does."""

ALLOCATORS = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF")
"""How torch is told to take memory, by its newest name and those of older versions."""
_BETWEEN = re.compile(r",(?![^\[]*\])")
"""Commas between options, and not those of a list."""
_UNSHARED = re.compile(
    r"\s*(?:expandable_segments\s*:(?!\s*False\s*$).*|backend\s*:\s*(?:cuda|hip)MallocAsync\s*)"
)
UNCACHED = ("PYTORCH_NO_CUDA_MEMORY_CACHING", "PYTORCH_NO_HIP_MEMORY_CACHING")
"""By these torch takes memory that it cannot share either."""


def visible(gpus: Iterable[GpuSample], setting: str | None) -> tuple[GpuSample, ...]:
    """The GPUs that CUDA shows, in its order, by the rules of its programming guide.

    A number counts as the driver's, which it is with `CUDA_DEVICE_ORDER=PCI_BUS_ID`; a UUID may be
    cut as long as it is plain whose it is. The first word that means no GPU ends the list.

    Args:
        gpus: as the driver lists them, in MIG mode their slices.
        setting: the value of `CUDA_VISIBLE_DEVICES`; `None` where it is not set.
    """
    there = list(gpus)
    if setting is None:
        return tuple(there)
    shown: list[GpuSample] = []
    for word in setting.split(","):
        meant = _meant(there, word.strip())
        if not meant or any(gpu in shown for gpu in meant):
            break
        shown += meant
    return tuple(shown)


def shareable(setting: str) -> str:
    """How torch takes memory, but for what other processes cannot open.

    That are segments that grow, and CUDA's own pools: `CUDAMallocAsyncAllocator.cpp`,
    `shareIpcHandle`.

    Args:
        setting: the value of one of `ALLOCATORS`.
    """
    options = _BETWEEN.split(setting)
    kept = [option for option in options if not _UNSHARED.fullmatch(option)]
    return setting if kept == options else ",".join(kept)


def _meant(gpus: Sequence[GpuSample], word: str) -> list[GpuSample]:
    """The GPU of that number or UUID; in MIG mode the slices of it."""
    if word.isdecimal():
        return [gpu for gpu in gpus if gpu.index == int(word)]
    if not word.startswith(("GPU-", "MIG-")):
        return []
    found = [gpu for gpu in gpus if word in ((gpu.uuid, gpu.parent))]
    found = found or [gpu for gpu in gpus if gpu.uuid.startswith(word)]
    return found if len({gpu.index for gpu in found}) == 1 else []
