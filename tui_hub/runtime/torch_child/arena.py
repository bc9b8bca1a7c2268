"""The one block of memory that tensors are placed in which cannot stay where they lie."""

from __future__ import annotations

from typing import Any

from .regions import Region

ALIGNMENT = 512
"""Bytes to which torch itself aligns what it places on a GPU."""


class Arena:
    """Memory of one device, handed out from its beginning to its end."""

    def __init__(self, torch: Any, device: Any, size: int) -> None:
        """Reserve so many bytes; on the processor other programs can map them too."""
        self._torch = torch
        self.region = Region.anonymous(torch, size) if device.type == "cpu" and size else None
        if self.region is not None:
            self.bytes = self.region.bytes
        else:
            self.bytes = torch.empty(size, dtype=torch.uint8, device=device)
        self._used = 0

    def place(self, shape: Any, dtype: Any) -> Any:
        """Room for one tensor."""
        count = dtype.itemsize
        for length in shape:
            count *= length
        if not count:
            return self._torch.empty(shape, dtype=dtype, device=self.bytes.device)
        room = self.bytes[self._used : self._used + count]
        self._used += padded(count)
        return room.view(dtype).view(shape)


def padded(count: int) -> int:
    """Bytes that a tensor of so many takes of an arena."""
    return -(-count // ALIGNMENT) * ALIGNMENT
