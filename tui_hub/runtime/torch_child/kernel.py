"""What the kernel can do and Python does not offer."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import resource
import sys
import weakref
from typing import Any

FAILED = ctypes.c_void_p(-1).value


class Library:
    """The two calls of the C library that Python does not offer, where there are any."""

    MADV_POPULATE_READ = 22
    PR_SET_DUMPABLE = 4

    def __init__(self) -> None:
        # Unlike mmap.madvise, a call through ctypes lets the other threads run meanwhile.
        self._library: Any = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def populate(self, address: int, count: int) -> bool:
        """Read pages ahead; false where the bytes behind them cannot be had."""
        if self._library is None:
            return True
        arguments = ctypes.c_void_p(address), ctypes.c_size_t(count), self.MADV_POPULATE_READ
        return not self._library.madvise(*arguments) or ctypes.get_errno() != errno.EFAULT

    def forget(self, address: int, count: int) -> None:
        """Let go of the whole pages of a mapped file; who touches them again has them again."""
        first = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
        whole = (address + count - first) // mmap.PAGESIZE * mmap.PAGESIZE
        if self._library is not None and whole > 0:
            arguments = ctypes.c_void_p(first), ctypes.c_size_t(whole), mmap.MADV_DONTNEED
            self._library.madvise(*arguments)

    def hide_memory(self) -> None:
        """No core file, and no look into the memory by other processes of the user's: prctl(2)."""
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if self._library is not None:
            self._library.prctl(self.PR_SET_DUMPABLE, 0, 0, 0, 0)


def mapped(descriptor: int, size: int, flags: int, access: int) -> Any:
    """Memory that a descriptor is open for, mapped until nothing refers to it; a buffer.

    Python's own keeps a descriptor open for as long as the mapping is there, before 3.13 always,
    and a model may have more files than a process may have open. The arguments are of mmap(2).
    """
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    place = ctypes.c_void_p(None), ctypes.c_size_t(size)
    address = library.mmap(*place, access, flags, descriptor, ctypes.c_long(0))
    if address == FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    buffer = (ctypes.c_ubyte * size).from_address(address)
    end = weakref.finalize(buffer, library.munmap, ctypes.c_void_p(address), ctypes.c_size_t(size))
    # At the end of the process others may be at it still, and it goes by itself.
    end.atexit = False
    return buffer


LIBRARY = Library()
