"""A file on its way into the store: private to one process, and resumable by the next.

Correctness needs no lock. A partial belongs to the process that made it; another one takes it over
by renaming it, when the first is surely gone, so that never two processes write into one file.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from tui_hub.blobs.files import fsync_folder
from tui_hub.blobs.sidecar import (
    OPEN,
    STALE,
    PartialInfo,
    Ranges,
    Record,
    new_name,
    record_path,
    safe_key,
    scan,
    sound,
    write_record,
)
from tui_hub.domain.errors import CorruptError
from tui_hub.processes import this_process

__all__ = ["Partial", "PartialInfo", "copy_range", "open_partial", "resumable"]

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_COPY_PIECE = 64 * 1024**2
_READ_PIECE = 1024**2


class Partial:
    """An open partial file and the durable record of which of its ranges are there.

    What writes to the disk here raises `OSError` as the kernel gives it. Not for use by several
    threads at once, but for writes through `fileno()`.
    """

    def __init__(self, path: Path, descriptor: int, record: Record) -> None:
        self.path = path
        self._descriptor = descriptor
        self._record = record
        self._failed = False

    @property
    def key(self) -> str:
        """What the caller calls the file, or the hash of that."""
        return self._record.key

    @property
    def size(self) -> int | None:
        """Bytes of the whole file, once known."""
        return self._record.size

    @property
    def validator(self) -> str | None:
        """The strong `ETag` or the date of the bytes that are here."""
        return self._record.validator

    @property
    def ranges(self) -> Ranges:
        """What is durably here, as half-open pairs in order."""
        return self._record.ranges

    def fileno(self) -> int:
        """The descriptor, open for reading and writing."""
        return self._descriptor

    def allocate(self, size: int) -> None:
        """Give the file its size, and reserve its blocks where the file system can do that."""
        if size != self.size:
            same = self.size is None
            self._write(
                Record(
                    key=self.key,
                    size=size,
                    validator=self.validator if same else None,
                    ranges=sound(self.ranges, size) if same else (),
                    owner=this_process(),
                )
            )
        os.ftruncate(self._descriptor, size)
        if size:
            _fallocate(self._descriptor, size)

    def checkpoint(self, ranges: Ranges, validator: str | None) -> None:
        """Flush the bytes to the disk, and only then record that they are there."""
        self._flush(os.fdatasync)
        end = os.fstat(self._descriptor).st_size
        self._write(
            Record(
                key=self.key,
                size=self.size,
                validator=validator,
                ranges=sound(ranges, end),
                owner=this_process(),
            )
        )

    def reset(self) -> None:
        """Forget everything: no bytes, no size, no validator."""
        # The record goes first: after a crash it must not vouch for bytes of another version.
        self._write(Record(key=self.key, owner=this_process()))
        os.ftruncate(self._descriptor, 0)

    def seal(self) -> os.stat_result:
        """Make the finished file read-only and durable."""
        os.fchmod(self._descriptor, 0o444)
        self._flush(os.fsync)
        return os.fstat(self._descriptor)

    def discard(self) -> None:
        """Remove the file and its record."""
        if self._descriptor < 0:
            return
        self.path.unlink(missing_ok=True)
        record_path(self.path).unlink(missing_ok=True)
        self._release()

    def close(self) -> None:
        """Leave the file to whoever asks for its key next. Doing so twice is no error."""
        if self._descriptor < 0:
            return
        record = self._record
        # On a full disk the record keeps this process as its owner; `OPEN` and the end of the
        # process set the file free all the same.
        with suppress(OSError):
            self._write(
                Record(
                    key=record.key,
                    size=record.size,
                    validator=record.validator,
                    ranges=record.ranges,
                )
            )
        self._release()

    def _release(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1
        OPEN.discard(self.path)

    def _write(self, record: Record) -> None:
        write_record(self.path, record)
        self._record = record

    def _flush(self, flush: Callable[[int], None]) -> None:
        # After a failed flush the kernel calls the lost pages clean, and the next flush succeeds.
        if self._failed:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self.path))
        try:
            flush(self._descriptor)
        except OSError:
            self._failed = True
            raise


def open_partial(temp: Path, key: str, size: int | None) -> Partial:
    """Take over the best partial of a key whose process is gone, or make a fresh one.

    Args:
        temp: the store's folder for files on their way.
        key: what the caller calls the file at its present version.
        size: bytes of the whole file, where known; a partial of another size is another version.
    """
    key = safe_key(key)
    found = [info for info in _free(temp, key, size) if info.live is False]
    for info in found:
        partial = _claim(temp, info)
        if partial is not None:
            return partial
    partial = _create(temp, key, size)
    lost = next((info for info in _free(temp, key, size) if info.live is None), None)
    if lost is not None:
        _copy(lost, partial)
    return partial


def resumable(temp: Path, key: str) -> int:
    """The bytes of a key that the next `open_partial` finds."""
    return max((info.done for info in _free(temp, safe_key(key), None)), default=0)


def _free(temp: Path, key: str, size: int | None) -> list[PartialInfo]:
    """The partials of a key that may be used, best first."""
    found = [
        info
        for info in scan(temp, key)
        if (info.live is False or (info.live is None and time.time() - info.modified > STALE))
        and (size is None or info.size in (None, size))
    ]
    return sorted(found, key=lambda info: info.done, reverse=True)


def _create(temp: Path, key: str, size: int | None) -> Partial:
    record = Record(key=key, size=size, owner=this_process())

    def make(path: Path) -> int:
        return os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)

    return _own(temp, record, make)


def _claim(temp: Path, info: PartialInfo) -> Partial | None:
    """Take over a partial by renaming it; `None` when somebody was faster, or it is unfit."""
    if not _fit(info.path):
        return None
    record = Record(
        key=info.key,
        size=info.size,
        validator=info.validator,
        ranges=info.ranges,
        owner=this_process(),
    )

    def take(path: Path) -> int:
        info.path.rename(path)
        record_path(info.path).unlink(missing_ok=True)
        return os.open(path, _FLAGS)

    try:
        return _own(temp, record, take)
    except FileNotFoundError:
        return None


def _own(temp: Path, record: Record, acquire: Callable[[Path], int]) -> Partial:
    """Make a partial under a new name of this process, from what `acquire` puts there."""
    path = temp / new_name(record.key)
    # The record goes first: whoever finds the file must see that it has an owner, and a crash
    # between the two loses no progress.
    OPEN.add(path)
    try:
        write_record(path, record)
        descriptor = acquire(path)
    except BaseException:
        OPEN.discard(path)
        record_path(path).unlink(missing_ok=True)
        raise
    partial = Partial(path, descriptor, record)
    fsync_folder(temp)
    return partial


def _fit(path: Path) -> bool:
    """Whether a file may be written on: a plain file of this user's, under no other name.

    One with a second name is a blob already: its process died between giving it that name and
    taking the first away. That name goes now.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            return False
        if status.st_nlink == 1:
            os.fchmod(descriptor, 0o600)
            return True
    finally:
        os.close(descriptor)
    if not status.st_mode & 0o222:
        path.unlink(missing_ok=True)
        record_path(path).unlink(missing_ok=True)
    return False


def _copy(info: PartialInfo, partial: Partial) -> None:
    """Start from the bytes of a process that is probably gone, leaving its own file alone."""
    try:
        source = os.open(info.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if info.size is not None:
            partial.allocate(info.size)
        for start, end in info.ranges:
            copy_range(source, partial.fileno(), start, end)
        partial.checkpoint(info.ranges, info.validator)
    finally:
        os.close(source)


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


def _fallocate(descriptor: int, size: int) -> None:
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
