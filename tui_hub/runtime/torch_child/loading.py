"""Loading: from files to sound tensors on a device, with the figures of it."""

from __future__ import annotations

import errno
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .adapters import additions_of
from .arena import Arena
from .devices import choose_device, choose_dtype
from .files import open_file, with_components
from .memory import Meter, give_back
from .placing import Tensors, bring, bytes_as, twins_of
from .process import Failure, Message, Report
from .regions import Regions
from .self_test import test

SHORTAGES = ("allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


@dataclass(frozen=True)
class Weights:
    """Tensors that stand on a device, by name, and the memory that they lie in."""

    tensors: Tensors
    regions: Regions
    arena: Arena


def load(torch: Any, request: Message, report: Report) -> tuple[Weights, Message]:
    """Bring the weights of the files to the device, and look whether they are sound there."""
    device = choose_device(torch, request["device"], request.get("gpu", ""))
    # As the asker calls it: to this process its GPU is the first, whatever the driver's number.
    device_name = request["device"] if request.get("gpu") else str(device)
    dtype = choose_dtype(torch, request["dtype"])
    need, free = 0, None
    try:
        started = time.monotonic()
        meter = Meter(torch, device)
        tensors: Tensors = {}
        regions = Regions()
        need = sum(Path(path).stat().st_size for path in request["files"])
        for path, part in with_components(request["files"]):
            for own_name, tensor in open_file(torch, path, request["consent"], regions):
                name = part + own_name
                if name in tensors:
                    raise Failure("corrupt", f"the tensor {name[:100]} occurs twice")
                tensors[name] = tensor
        if not tensors:
            raise Failure("corrupt", "there is no tensor in these files")
        additions = additions_of(torch, request.get("adapters", []), tensors)
        twins = twins_of(tensors, additions)
        for name in twins:
            del tensors[name]
        need, free = sum(bytes_as(tensor, dtype) for tensor in tensors.values()), meter.free()
        if free is not None and need > free:
            raise Failure("memory", "not enough memory", needed=need, free=free, device=device_name)
        arena = bring(torch, tensors, device, dtype, regions, additions, report)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        regions.keep(tensors.values())
        loaded = time.monotonic()
        untested = test(torch, tensors, device, report)
        tested = time.monotonic()
        if device.type == "cuda":
            give_back(torch)
    except (MemoryError, OSError, RuntimeError) as error:
        if ran_out(torch, error):
            figures = {"needed": need, "free": free, "device": device_name}
            raise Failure("memory", "memory ran out", **figures) from None
        if isinstance(error, OSError):
            name = Path(error.filename or "").name
            raise Failure("failed", f"{name} cannot be read: {error.strerror}") from None
        raise
    peak, used = meter.peak_and_used()
    gpu = device.type == "cuda"
    figures = {
        "device": device_name,
        "device_name": torch.cuda.get_device_name(device) if gpu else platform.machine(),
        "dtypes": histogram(tensors),
        "tensors": len(tensors) + len(twins),
        "parameters": sum(tensor.numel() for tensor in tensors.values()),
        "bytes": sum(tensor.nbytes for tensor in tensors.values()),
        "seconds": loaded - started,
        "test_seconds": tested - loaded,
        "memory_peak": peak,
        "memory_used": used,
        "untested": untested,
        "adapted": len(additions),
    }
    tensors.update({name: tensors[first] for name, first in twins.items()})
    return Weights(tensors, regions, arena), figures


def ran_out(torch: Any, error: Exception) -> bool:
    """Whether memory ran out: a GPU's, or the box's, of which torch's `alloc_cpu.cpp` tells.

    What CUDA takes for its context, for pinned buffers or for its libraries is told in other words
    than what torch places: `CUDAException.cpp`, `CUDABlas.cpp`.
    """
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    known = isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError))
    return known or any(words in str(error) for words in SHORTAGES)


def histogram(tensors: Tensors) -> dict[str, int]:
    """Parameters by dtype."""
    counts: dict[str, int] = {}
    for tensor in tensors.values():
        word = str(tensor.dtype).partition(".")[2]
        counts[word] = counts.get(word, 0) + tensor.numel()
    return counts
