"""Bringing mapped tensors to their device, in their dtype."""

from __future__ import annotations

import mmap
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .adapters import Addition
from .arena import Arena, padded
from .kernel import LIBRARY
from .process import PROGRESS_SECONDS, Failure, Report
from .regions import Regions
from .staging import CHUNK_BYTES, Staging

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
    additions: Mapping[str, Addition],
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

    copied = {name for name, tensor in tensors.items() if name in additions or not stays(tensor)}
    arena = Arena(torch, device, sum(padded(bytes_as(tensors[name], dtype)) for name in copied))
    if arena.region is not None:
        regions.add(arena.region)
    staging = Staging(torch, device) if device.type == "cuda" else None
    for name, tensor in tensors.items():
        if name not in copied:
            make_resident(torch, tensor, progress)
            continue
        placed = tensors[name] = arena.place(tensor.shape, dtype_as(tensor, dtype))
        if not tensor.nbytes:
            continue
        mapped = regions.of(tensor) is not None
        if name in additions:
            additions[name].into(torch, tensor, placed)
            progress.advance(tensor.nbytes)
        else:
            for part, into in parts(torch, tensor, placed):
                if mapped:
                    read_pages(part)
                if staging is None:
                    into.copy_(part)
                else:
                    staging.send(part, into)
                if mapped:
                    LIBRARY.forget(part.data_ptr(), part.nbytes)
                progress.advance(part.nbytes)
    if staging is not None:
        staging.finish()
    return arena


def twins_of(tensors: Tensors, apart: Collection[str]) -> dict[str, str]:
    """The tensors that are the very same as another, as a pickle may have them, with its name.

    Args:
        tensors: by name.
        apart: the names of those that are to become different.
    """
    firsts: dict[Any, str] = {}
    found = {}
    for name, tensor in tensors.items():
        if tensor.nbytes and name not in apart:
            place = tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()
            first = firsts.setdefault(place, name)
            if first != name:
                found[name] = first
    return found


def parts(torch: Any, tensor: Any, placed: Any) -> Iterator[tuple[Any, Any]]:
    """A tensor and its place, flat and in chunks."""
    source, sink = tensor.reshape(-1), placed.view(-1)
    if source.dtype == sink.dtype:
        # As bytes, since torch copies some dtypes in no other way.
        source, sink = source.view(torch.uint8), sink.view(torch.uint8)
    step = CHUNK_BYTES // source.element_size()
    yield from zip(pieces(source, step), pieces(sink, step))


def pieces(flat: Any, step: int) -> Sequence[Any]:
    """A flat tensor in pieces; the many that are small are not even asked to split."""
    return flat.split(step) if flat.numel() > step else (flat,)


def dtype_as(tensor: Any, dtype: Any) -> Any:
    """The dtype of a tensor once floats have that one; `None` leaves them as they are."""
    return dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype


def bytes_as(tensor: Any, dtype: Any) -> int:
    """The bytes of a tensor once its floats have that dtype."""
    return int(tensor.numel() * dtype_as(tensor, dtype).itemsize)


def make_resident(torch: Any, tensor: Any, progress: Progress) -> None:
    """Have the pages of a mapped tensor read and ready."""
    for part in pieces(tensor.reshape(-1).view(torch.uint8), CHUNK_BYTES):
        read_pages(part)
        progress.advance(part.nbytes)


def read_pages(tensor: Any) -> None:
    """Have the pages of mapped memory read, which is twice as fast as touching them.

    `MADV_POPULATE_READ` of madvise(2) is there since Linux 5.14; where it is not, they are read
    when they are touched.
    """
    skew = tensor.data_ptr() % mmap.PAGESIZE
    if tensor.nbytes and not LIBRARY.populate(tensor.data_ptr() - skew, tensor.nbytes + skew):
        raise Failure("corrupt", "the file cannot be read to its end, or was cut meanwhile")
