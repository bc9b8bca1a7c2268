"""The way of bytes between the host and a GPU: through two pinned buffers, used in turn.

While one is filled from the file's pages the other is on its way, so that neither the memory of
the host nor the bus waits for the other. A GPU copies by itself to and from pinned memory alone.
"""

from __future__ import annotations

import contextlib
from typing import Any

from .memory import give_back

CHUNK_BYTES = 64 * 1024 * 1024


class Lane:
    """One pinned buffer, with a stream of copies of its own."""

    def __init__(self, torch: Any, device: Any, size: int) -> None:
        gpu = device.type == "cuda"
        self.host = torch.empty(size, dtype=torch.uint8, pin_memory=gpu)
        self._torch, self._device, self._size = torch, device, size
        self._there: Any = None
        self.stream = torch.cuda.Stream(device) if gpu else None
        self.copying = torch.cuda.stream(self.stream) if gpu else contextlib.nullcontext()
        self.arriving: Any = None
        """What is to get the buffer's content once its copy from the device is done."""

    def there(self) -> Any:
        """Where bytes arrive that are cast on the device, which is faster at that; had on demand.

        Most weights stay as they are, and a device may be full to the brim.
        """
        if self._there is None:
            self._there = self._torch.empty(
                self._size, dtype=self._torch.uint8, device=self._device
            )
        return self._there

    def wait(self) -> None:
        """Wait until its last copy is done."""
        if self.stream is not None:
            self.stream.synchronize()
        if self.arriving is not None:
            self.arriving.copy_(self.host[: self.arriving.numel()])
            self.arriving = None


class Staging:
    """Copies to and from one device; on the processor the same with plain memory."""

    def __init__(self, torch: Any, device: Any, size: int = CHUNK_BYTES) -> None:
        self._torch, self._device = torch, device
        if device.type == "cuda":
            # Pinned memory is of the context of the device that is set, for this thread alone.
            torch.cuda.set_device(device)
        self._lanes = [Lane(torch, device, size) for _ in range(2)]
        self._size = size

    def send(self, source: Any, sink: Any) -> None:
        """Begin to copy flat host memory into as many numbers on the device, cast as they need."""
        step = self._size // source.element_size()
        for part, into in zip(source.split(step), sink.split(step)):
            lane = self._next()
            raw = part.view(self._torch.uint8)
            filled = lane.host[: raw.numel()]
            filled.copy_(raw)
            with lane.copying:
                if part.dtype == into.dtype:
                    into.view(self._torch.uint8).copy_(filled, non_blocking=True)
                else:
                    arrived = lane.there()[: raw.numel()]
                    arrived.copy_(filled, non_blocking=True)
                    into.copy_(arrived.view(part.dtype))

    def fetch(self, source: Any, sink: Any) -> None:
        """Begin to copy bytes of the device to as many of the host."""
        for part, into in zip(source.split(self._size), sink.split(self._size)):
            lane = self._next()
            with lane.copying:
                lane.host[: part.numel()].copy_(part, non_blocking=True)
            lane.arriving = into

    def finish(self) -> None:
        """Wait until all that was begun is done, and have the buffers given back."""
        while self._lanes:
            self._lanes.pop().wait()
        if self._device.type == "cuda":
            give_back(self._torch)

    def _next(self) -> Lane:
        """The buffer that was begun first, once it is free."""
        lane = self._lanes.pop(0)
        self._lanes.append(lane)
        lane.wait()
        return lane
