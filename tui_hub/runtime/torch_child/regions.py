"""Memory behind a descriptor, which another program can map too: mapped files, and our own."""

from __future__ import annotations

import bisect
import contextlib
import fcntl
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .kernel import mapped
from .process import Failure

SEALS = 0x0002 | 0x0004 | 0x0010
"""No shrinking, no growing, no further writer: `F_SEAL_SHRINK`, `F_SEAL_GROW` and
`F_SEAL_FUTURE_WRITE` of fcntl(2), the last since Linux 5.1."""


class Region:
    """Mapped memory that others can be handed; there for as long as it is referred to."""

    def __init__(self, torch: Any, descriptor: int, size: int, *, writable: bool = False) -> None:
        """Map what a descriptor is open for."""
        self.size = size
        access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        # What is not written to is mapped privately: no copy is made of it, none is counted as
        # promised, and its pages are those of all who map it.
        flags = mmap.MAP_SHARED if writable else mmap.MAP_PRIVATE
        self.map = mapped(descriptor, size, flags, access)
        self.bytes = torch.frombuffer(self.map, dtype=torch.uint8)
        self.address = int(self.bytes.data_ptr())

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """A descriptor that it can be mapped by, open inside the block."""
        raise NotImplementedError


class FileRegion(Region):
    """A mapped file, which is opened again for each who is to have it: there may be thousands."""

    def __init__(self, torch: Any, path: str, descriptor: int, size: int) -> None:
        super().__init__(torch, descriptor, size)
        self._path = path
        self._known = identity(descriptor)

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """The same file, unless another lies in its place by now."""
        name = Path(self._path).name[:100]
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise Failure("refused", f"{name} was deleted since it was loaded") from None
        try:
            if identity(descriptor) != self._known:
                raise Failure("refused", f"{name} was replaced since it was loaded")
            yield descriptor
        finally:
            os.close(descriptor)


class OwnRegion(Region):
    """Memory of no file's, which is there as long as its descriptor is open."""

    def __init__(self, torch: Any, descriptor: int, size: int) -> None:
        """Take over the descriptor."""
        self._descriptor = descriptor
        super().__init__(torch, descriptor, size, writable=True)

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """The one that is open anyway."""
        yield self._descriptor

    @classmethod
    def make(cls, torch: Any, size: int) -> OwnRegion:
        """New memory."""
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("weights", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        else:
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        try:
            os.truncate(descriptor, size)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(torch, descriptor, size)

    def seal(self) -> None:
        """Let nobody else change it who is given the descriptor."""
        if hasattr(os, "memfd_create"):
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._descriptor, fcntl.F_ADD_SEALS, SEALS)

    def __del__(self) -> None:
        os.close(self._descriptor)


def identity(descriptor: int) -> tuple[int, ...]:
    """By what a file is told from another one, or from what it was before."""
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class Regions:
    """The regions of one model, and in which of them a tensor lies."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._at: dict[int, Region] = {}

    def add(self, region: Region) -> None:
        """One more."""
        bisect.insort(self._starts, region.address)
        self._at[region.address] = region

    def of(self, tensor: Any) -> Region | None:
        """The region of a tensor; `None` for one that lies elsewhere, or is empty."""
        number = bisect.bisect_right(self._starts, tensor.data_ptr()) - 1
        region = self._at[self._starts[number]] if number >= 0 else None
        inside = region is not None and tensor.data_ptr() < region.address + region.size
        return region if inside else None

    def keep(self, tensors: Iterable[Any]) -> None:
        """Let go of those that no tensor lies in."""
        needed = {region.address for region in map(self.of, tensors) if region is not None}
        self._starts = sorted(needed)
        self._at = {address: self._at[address] for address in needed}
