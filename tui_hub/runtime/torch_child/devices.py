"""The torch that is there, its devices, and which of them is meant."""

from __future__ import annotations

import importlib.util
import platform
from typing import Any

from .memory import total_memory
from .process import Failure, Message


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


def describe(torch: Any) -> Message:
    """The version and the devices."""
    devices = [{"device": "cpu", "name": platform.machine(), "memory": total_memory()}]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            gpu = torch.cuda.get_device_properties(index)
            one = {"device": f"cuda:{index}", "name": gpu.name, "memory": gpu.total_memory}
            devices.append(one)
    return {"version": str(torch.__version__), "cuda": torch.version.cuda, "devices": devices}


def choose_device(torch: Any, wanted: str) -> Any:
    """The device of that name; `auto` is the first GPU, else the processor."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        wanted = "cuda:0" if gpus else "cpu"
    if wanted != "cpu" and wanted not in [f"cuda:{index}" for index in range(gpus)]:
        raise Failure("refused", f"torch sees no device {wanted[:40]}; it sees {gpus} GPUs")
    return torch.device(wanted)


def choose_dtype(torch: Any, wanted: str) -> Any:
    """The floating dtype of that name; `None` for an empty one."""
    if not wanted:
        return None
    dtype = getattr(torch, wanted, None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise Failure("refused", f"torch has no floating dtype {wanted[:40]!r}")
    return dtype
