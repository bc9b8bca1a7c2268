"""The first GPU of this box, by its driver."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pynvml
import pytest
import torch

needs_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="NOT TESTED: it takes a GPU of NVIDIA's"
)
DEVICE = "cuda:0"
MIB = 1024**2
PATIENCE = 60.0
"""Seconds until memory must be back."""


def figures() -> tuple[int, int]:
    """Bytes of the GPU in use and free, as the driver tells."""
    uuid = f"GPU-{torch.cuda.get_device_properties(0).uuid}"
    told = pynvml.nvmlDeviceGetMemoryInfo(
        pynvml.nvmlDeviceGetHandleByUUID(uuid), version=pynvml.nvmlMemory_v2
    )
    return int(told.used), int(told.free)


SLACK = 32 * MIB
"""Bytes that the driver may keep of a process that lives, for its pages and its events."""


async def used_again(wanted: int, slack: int = 0) -> None:
    """Wait until as much of the GPU is in use as before, to the byte or nearly."""
    try:
        async with asyncio.timeout(PATIENCE):
            while abs(figures()[0] - wanted) > slack:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{figures()[0] - wanted} bytes are not back") from None


@contextmanager
def filled(free: int) -> Iterator[None]:
    """Leave so many bytes of the GPU free, inside the block."""
    ballast = torch.empty(figures()[1] - free, dtype=torch.uint8, device=DEVICE)
    yield
    del ballast
    torch.cuda.empty_cache()
