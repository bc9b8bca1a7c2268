"""The one block of memory that tensors are placed in which cannot stay where they lie."""

from __future__ import annotations

from typing import Any

from .regions import OwnRegion

ALIGNMENT = 512
"""Bytes to which torch itself aligns what it places on a GPU."""


class Arena:
    """Memory of one device, handed out from its beginning to its end."""

    def __init__(self, torch: Any, device: Any, size: int) -> None:
        self._torch = torch
        self.device = device
        self.size = size
        self._used = 0
        self.region: OwnRegion | None = None
        """On the processor, what other programs can map."""
        self.reserve()

    def reserve(self) -> None:
        """Have the memory."""
        if self.device.type == "cpu" and self.size:
            self.region = OwnRegion.make(self._torch, self.size)
            self.bytes = self.region.bytes
        else:
            self.bytes = self._torch.empty(self.size, dtype=self._torch.uint8, device=self.device)

    def release(self) -> None:
        """Give the memory back, once no tensor lies in it."""
        self.region = None
        self.bytes = self._torch.empty(0, dtype=self._torch.uint8, device=self.device)

    def place(self, shape: Any, dtype: Any) -> Any:
        """Room for one tensor."""
        tensor = self.view(self._used, dtype, shape)
        self._used += padded(tensor.nbytes)
        return tensor

    def view(self, offset: int, dtype: Any, shape: Any) -> Any:
        """The tensor that begins at a byte."""
        count = dtype.itemsize
        for length in shape:
            count *= length
        if not count:
            return self._torch.empty(shape, dtype=dtype, device=self.device)
        return self.bytes[offset : offset + count].view(dtype).view(shape)

    def offset_of(self, tensor: Any) -> int:
        """Where a tensor begins; an empty one anywhere."""
        return int(tensor.data_ptr() - self.bytes.data_ptr()) if tensor.nbytes else 0

    def holds(self, tensor: Any) -> bool:
        """Whether a tensor lies in it, or nowhere."""
        return not tensor.nbytes or 0 <= self.offset_of(tensor) < self.size


def padded(count: int) -> int:
    """Bytes that a tensor of so many takes of an arena."""
    return -(-count // ALIGNMENT) * ALIGNMENT
