"""Blocks of disk: copying them between files, sharing them, and reserving them."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from functools import cache

from tui_hub.domain.errors import CorruptError

_COPY_PIECE = 64 * 1024**2
_READ_PIECE = 1024**2

_WRITE_OUT = 2
"""SYNC_FILE_RANGE_WRITE, include/uapi/linux/fs.h: begin to write, and wait for nothing."""

_FICLONE = 0x40049409
"""ioctl(2) that makes a file share all blocks of another, include/uapi/linux/fs.h."""


def copy_range(source: int, target: int, start: int, end: int) -> None:
    """Copy bytes between two open files to the same place, sharing blocks where that is possible.

    Raises:
        CorruptError: when the source is shorter than that.
    """
    while start < end:
        count = _copy_some(source, target, start, min(end - start, _COPY_PIECE))
        if count == 0:
            raise CorruptError("a file grew shorter while it was copied")
        start += count


def _copy_some(source: int, target: int, offset: int, count: int) -> int:
    if hasattr(os, "copy_file_range"):
        try:
            return os.copy_file_range(source, target, count, offset, offset)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
                raise
    data = os.pread(source, min(count, _READ_PIECE), offset)
    return os.pwrite(target, data, offset)


def reserve(descriptor: int, size: int) -> None:
    """Reserve blocks, fallocate(2). The C library's emulation would write them all out instead."""
    function = _fallocate_function()
    if function is None or function(descriptor, 0, 0, size) == 0:
        return
    code = ctypes.get_errno()
    if code not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
        raise OSError(code, os.strerror(code))


@cache
def _fallocate_function() -> ctypes._NamedFuncPointer | None:
    function = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return function


def begin_flush(descriptor: int) -> None:
    """Let the disk begin to write a file, sync_file_range(2); it makes nothing durable.

    Flushes of many small files then wait for the disk once, not for each of them in turn.
    """
    function = _write_out_function()
    if function is not None:
        function(descriptor, 0, 0, _WRITE_OUT)


@cache
def _write_out_function() -> ctypes._NamedFuncPointer | None:
    function = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return function


def clone(source: int, target: int) -> bool:
    """Share all blocks of a file, where the file system can (Btrfs, XFS, bcachefs)."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        return False
    return True
