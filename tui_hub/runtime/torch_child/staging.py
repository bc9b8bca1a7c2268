"""The way of bytes between the host and a GPU: through two pinned buffers, filled in turn.

While one is filled from the file's pages the other is on its way, so that neither the memory of
the host nor the bus waits for the other. A GPU copies by itself from pinned memory alone.
"""

from __future__ import annotations

import contextlib
from typing import Any

CHUNK_BYTES = 64 * 1024 * 1024


class Lane:
    """One pinned buffer, and what it was last used for."""

    def __init__(self, torch: Any, device: Any, size: int) -> None:
        gpu = device.type == "cuda"
        self.host = torch.empty(size, dtype=torch.uint8, pin_memory=gpu)
        self.there = torch.empty(size, dtype=torch.uint8, device=device)
        """Where bytes arrive that are cast on the GPU, which is faster at that."""
        self.stream = torch.cuda.Stream(device) if gpu else None
        self.in_use = torch.cuda.stream(self.stream) if gpu else contextlib.nullcontext()

    def wait(self) -> None:
        """Wait until its last copy is done."""
        if self.stream is not None:
            self.stream.synchronize()


class Staging:
    """Copies to and from one device; on the processor the same with plain memory."""

    def __init__(self, torch: Any, device: Any, size: int = CHUNK_BYTES) -> None:
        self._torch = torch
        self._lanes = [Lane(torch, device, size) for _ in range(2)]
        self._size = size
        self._turn = 0

    def send(self, source: Any, sink: Any) -> None:
        """Begin to copy flat host memory into as many numbers on the device, cast as they need."""
        step = self._size // source.element_size()
        for part, into in zip(source.split(step), sink.split(step)):
            lane = self._next()
            raw = part.view(self._torch.uint8)
            filled = lane.host[: raw.numel()]
            filled.copy_(raw)
            with lane.in_use:
                if part.dtype == into.dtype:
                    into.view(self._torch.uint8).copy_(filled, non_blocking=True)
                else:
                    arrived = lane.there[: raw.numel()]
                    arrived.copy_(filled, non_blocking=True)
                    into.copy_(arrived.view(part.dtype))

    def finish(self) -> None:
        """Wait until all that was begun is done."""
        for lane in self._lanes:
            lane.wait()

    def _next(self) -> Lane:
        self._turn = (self._turn + 1) % len(self._lanes)
        lane = self._lanes[self._turn]
        lane.wait()
        return lane
