"""Bringing mapped tensors to their device, in their dtype."""

from __future__ import annotations

import mmap
import time
from typing import Any

from .arena import Arena, padded
from .kernel import LIBRARY
from .process import PROGRESS_SECONDS, Failure, Report
from .regions import Regions

CHUNK_BYTES = 64 * 1024 * 1024

Tensors = dict[str, Any]


class Progress:
    """Reports bytes done, at most ten times a second, and the end."""

    def __init__(self, phase: str, tensors: Tensors, report: Report) -> None:
        self._phase, self._report = phase, report
        self._done, self._total = 0, sum(tensor.nbytes for tensor in tensors.values())
        self._last = 0.0

    def advance(self, count: int) -> None:
        """So many bytes more are done."""
        self._done += count
        now = time.monotonic()
        if self._done == self._total or now - self._last >= PROGRESS_SECONDS:
            self._last = now
            self._report({"phase": self._phase, "done": self._done, "total": self._total})


def bring(
    torch: Any,
    tensors: Tensors,
    device: Any,
    dtype: Any,
    regions: Regions,
    report: Report,
) -> Arena:
    """Replace each tensor by one on the device, in its dtype; gives the memory of those copied.

    On the processor, what is right as it lies in a region stays there.
    """
    progress = Progress("load", tensors, report)

    def stays(tensor: Any) -> bool:
        aligned = tensor.data_ptr() % tensor.element_size() == 0
        right = dtype_as(tensor, dtype) == tensor.dtype and aligned
        return device.type == "cpu" and right and regions.of(tensor) is not None

    copied = {name for name, tensor in tensors.items() if not stays(tensor)}
    arena = Arena(torch, device, sum(padded(bytes_as(tensors[name], dtype)) for name in copied))
    if arena.region is not None:
        regions.add(arena.region)
    for name, tensor in tensors.items():
        if name not in copied:
            make_resident(tensor, progress)
            continue
        placed = arena.place(tensor.shape, dtype_as(tensor, dtype))
        source, sink = tensor.reshape(-1), placed.view(-1)
        if source.dtype == sink.dtype:
            # As bytes, since torch copies some dtypes in no other way.
            source, sink = source.view(torch.uint8), sink.view(torch.uint8)
        step = CHUNK_BYTES // source.element_size()
        for part, into in zip(source.split(step), sink.split(step)):
            into.copy_(part)
            progress.advance(part.nbytes)
        tensors[name] = placed
    return arena


def dtype_as(tensor: Any, dtype: Any) -> Any:
    """The dtype of a tensor once floats have that one; `None` leaves them as they are."""
    return dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype


def bytes_as(tensor: Any, dtype: Any) -> int:
    """The bytes of a tensor once its floats have that dtype."""
    return int(tensor.numel() * dtype_as(tensor, dtype).itemsize)


def make_resident(tensor: Any, progress: Progress) -> None:
    """Have the pages of a mapped tensor read and ready, which is twice as fast as touching them.

    `MADV_POPULATE_READ` of madvise(2) is there since Linux 5.14; where it is not, the self-test's
    touch reads the pages.
    """
    start = tensor.data_ptr()
    for offset in range(0, tensor.nbytes, CHUNK_BYTES):
        count = min(CHUNK_BYTES, tensor.nbytes - offset)
        skew = (start + offset) % mmap.PAGESIZE
        if not LIBRARY.populate(start + offset - skew, count + skew):
            raise Failure("corrupt", "the file cannot be read to its end, or was cut meanwhile")
        progress.advance(count)
