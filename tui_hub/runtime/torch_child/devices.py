"""The torch that is there, its devices, and which of them is meant."""

from __future__ import annotations

import importlib.util
import os
import platform
from typing import Any

from .memory import total_memory
from .process import Failure, Message, short


def torch_version() -> str | None:
    """The version of the torch that this Python would import, without importing it."""
    try:
        found = importlib.util.find_spec("torch")
    except (ImportError, ValueError):
        found = None
    if found is None or found.origin is None:
        return None
    try:
        from importlib import metadata  # loads half of the mail package, which few starts need

        return metadata.version("torch")
    except ImportError:
        return "unknown"


def devices_of(torch: Any) -> list[Message]:
    """What torch can load onto."""
    devices = [{"device": "cpu", "name": platform.machine(), "memory": total_memory()}]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            gpu = torch.cuda.get_device_properties(index)
            one = {"device": f"cuda:{index}", "name": gpu.name, "memory": gpu.total_memory}
            devices.append(one)
    return devices


def choose_device(torch: Any, wanted: str, gpu: str = "") -> Any:
    """The device of that name; `auto` is the first GPU, else the processor.

    Args:
        torch: the module, which has not asked CUDA anything so far.
        wanted: `auto`, `cpu` or `cuda:N`, which is the driver's number where there is a UUID.
        gpu: the UUID of the GPU, or of a slice of one. CUDA is shown that alone: it would take
            memory of others too, and number them in its own way, of slices the first alone.
    """
    if wanted == "cpu":
        return torch.device(wanted)
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    chosen = "cuda:0" if gpu or (wanted == "auto" and gpus) else wanted
    if chosen == "auto":
        return torch.device("cpu")
    if chosen not in [f"cuda:{index}" for index in range(gpus)]:
        said = f"torch sees no device {wanted[:40]}; it sees {gpus} GPUs"
        raise Failure("refused", said if gpus else f"{said}: {why_none(torch)}")
    torch.cuda.init()  # what counts its memory does not do that by itself: `cuda/memory.py`
    return torch.device(chosen)


def why_none(torch: Any) -> str:
    """What CUDA says of it that there is no GPU: an old driver, for example."""
    try:
        torch.cuda.init()
    except Exception as error:  # of several kinds, by what stands against it
        return short(error).partition(": ")[2]
    return "CUDA does not say why"


def choose_dtype(torch: Any, wanted: str) -> Any:
    """The floating dtype of that name; `None` for an empty one."""
    if not wanted:
        return None
    dtype = getattr(torch, wanted, None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise Failure("refused", f"torch has no floating dtype {wanted[:40]!r}")
    return dtype
