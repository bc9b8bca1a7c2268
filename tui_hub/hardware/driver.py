"""Which driver NVIDIA's GPUs run on, and up to which CUDA it goes."""

from __future__ import annotations

import pynvml  # type: ignore[import-untyped]

from tui_hub.domain.hardware import Driver
from tui_hub.text import clean


def read_driver() -> Driver | None:
    """Ask the driver; `None` where there is none that tells. Blocks, as a driver may hang."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        version = clean(pynvml.nvmlSystemGetDriverVersion(), 40)
        return Driver(version=version, cuda=_cuda())
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def _cuda() -> tuple[int, int] | None:
    """Told as one number: 12040 is 12.4."""
    try:
        number = int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
    except pynvml.NVMLError:
        return None
    return number // 1000, number % 1000 // 10
