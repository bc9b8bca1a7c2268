"""The GPUs, and their driver."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tui_hub import text
from tui_hub.domain.doctor import Finding
from tui_hub.domain.hardware import GpuSample
from tui_hub.services.doctor.findings import error, ok, warning
from tui_hub.services.hardware import Hardware

SECONDS = 25.0
_CHECK = "gpu"
_NONE = "no GPU"
_CONTAINER = "Start the container with `--gpus all` (NVIDIA Container Toolkit)."
_MENDS = {
    _NONE: "Models go into the memory of the processor; an NVIDIA GPU needs NVIDIA's driver.",
    "no GPU driver": "`sudo modprobe nvidia` loads it; `dmesg` tells why it does not.",
    "reboot for the GPU": "Reboot; without it, end what uses the GPU and load the module anew.",
    "no access to the GPU": "Let this user use /dev/nvidia*; often that is the group `video`.",
    "old GPU driver": "Install a newer NVIDIA driver.",
    "GPU driver fails": f"See whether `nvidia-smi` works. {_CONTAINER}",
    "GPU driver hangs": "See `dmesg`; a reboot may be needed.",
}
"""What to do, by the short form of what keeps the GPUs from being read."""
_GPU_MENDS = {
    "lost": "Reboot; if it happens again, look at power, cooling and `dmesg`.",
    "needs a reset": "`sudo nvidia-smi --gpu-reset`, once nothing uses it, or reboot.",
}


async def look(hardware: Hardware) -> AsyncIterator[Finding]:
    """Each GPU with its free memory, or why there is none."""
    box = await hardware.read()
    if box.error is not None:
        short = box.error.partition(":")[0]
        tell = warning if short == _NONE else error
        yield tell(_CHECK, box.error, _MENDS.get(short, "See whether `nvidia-smi` works."))
    for gpu in box.gpus:
        yield _of(gpu)
    driver = await hardware.driver() if box.gpus else None
    if driver is not None:
        newest = "" if driver.cuda is None else f"; it runs CUDA up to {cuda_words(driver.cuda)}"
        yield ok("driver", f"version {driver.version}{newest}")


def cuda_words(version: tuple[int, int]) -> str:
    """A version of CUDA as people write it."""
    return f"{version[0]}.{version[1]}"


def _of(gpu: GpuSample) -> Finding:
    name = f"GPU {gpu.label} {gpu.name}"
    if gpu.error is not None:
        mend = _GPU_MENDS.get(gpu.error.partition(":")[0], "See whether `nvidia-smi` works.")
        return error(_CHECK, f"{name}: {gpu.error}", mend)
    free, total = text.size(gpu.memory_free), text.size(gpu.memory_total)
    return ok(_CHECK, f"{name}: {free} free of {total}")
