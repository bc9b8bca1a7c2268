"""A file on its way into the store: private to one process, and resumable by the next."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from tui_hub.blobs.blocks import reserve
from tui_hub.blobs.files import fsync_folder
from tui_hub.blobs.sidecar import (
    OPEN,
    Ranges,
    Record,
    beside,
    note_path,
    sound,
    write_note,
    write_record,
)
from tui_hub.processes import this_process

_FULL = (errno.ENOSPC, errno.EDQUOT)
_SPARE = 256 * 1024
"""Bytes that are given up so that a full disk can record all the others."""


class Partial:
    """An open partial file and the durable record of which of its ranges are there.

    What writes to the disk here raises `OSError` as the kernel gives it. Not for use by several
    threads at once, but for `note` and writes through `fileno()`.
    """

    def __init__(self, path: Path, descriptor: int, record: Record) -> None:
        self.path = path
        self._descriptor = descriptor
        self._record = record
        self._failed = False
        self._sealed = False
        self._named = False
        """Whether its name is durable."""
        self._noting = threading.Lock()

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
        """Give the file its size, and reserve its blocks where the file system can do that.

        When there is no room for all of them, none stays reserved: the file then ends with what is
        durably here.
        """
        if size != self.size:
            if self.size is None:
                self._change(size=size, ranges=sound(self.ranges, size))
            else:
                self._forget(size)
        try:
            os.ftruncate(self._descriptor, size)
            if size:
                reserve(self._descriptor, size)
        except OSError:
            self._cut(_end(self.ranges))
            raise

    def begin_with(self, content: memoryview) -> None:
        """Write the first bytes of the file."""
        offset = 0
        while offset < len(content):
            offset += os.pwrite(self._descriptor, content[offset:], offset)

    def checkpoint(self, ranges: Ranges, validator: str | None) -> None:
        """Flush the bytes to the disk, and only then record that they are there."""
        self._flush(os.fdatasync)
        self._vouch(ranges, validator)

    def settle(self, ranges: Ranges, validator: str | None) -> None:
        """The last checkpoint, once nobody writes any more; a full disk does not stop it.

        The record needs a little room itself. Where there is none, it takes that of blocks that
        are reserved and hold nothing, and then that of the last few bytes.
        """
        self._flush(os.fdatasync)
        for end in (_end(ranges), max(_end(ranges) - _SPARE, 0)):
            try:
                return self._vouch(ranges, validator)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
            self._cut(end)
        self._vouch(ranges, validator)

    def _vouch(self, ranges: Ranges, validator: str | None) -> None:
        """Record that these ranges are here, as far as the file reaches."""
        if not self._named:
            fsync_folder(self.path.parent)
            self._named = True
        end = os.fstat(self._descriptor).st_size
        self._change(validator=validator, ranges=sound(ranges, end))

    def note(self, ranges: Ranges, validator: str | None) -> None:
        """Write down what was written so far, for whoever goes on after this process is killed.

        Cheap, good for this boot only, and never an error: what is not noted is fetched again. Any
        thread may call it, also while another one waits for a flush.
        """
        with self._noting:
            if self._descriptor >= 0 and not self._failed and not self._sealed:
                write_note(self.path, self._record, ranges, validator)

    def reset(self) -> None:
        """Forget everything: no bytes, no size, no validator."""
        self._forget(None)
        os.ftruncate(self._descriptor, 0)

    def seal(self) -> os.stat_result:
        """Make the finished file read-only and durable."""
        self._sealed = True
        os.fchmod(self._descriptor, 0o444)
        self._flush(os.fsync)
        return os.fstat(self._descriptor)

    def discard(self) -> None:
        """Remove the file, its record and its note."""
        if self._descriptor < 0:
            return
        self.path.unlink(missing_ok=True)
        for path in beside(self.path):
            path.unlink(missing_ok=True)
        self._release()

    def close(self) -> None:
        """Leave the file to whoever asks for its key next. Doing so twice is no error."""
        if self._descriptor < 0:
            return
        # On a full disk the record keeps this process as its owner; `OPEN` and the end of the
        # process set the file free all the same.
        with suppress(OSError):
            # Nobody is at work on it now, and its disk may be wanted for something else.
            self._cut(_end(self.ranges))
            self._remove_note()
            self._change(owner=None)
        self._release()

    def _release(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1
        OPEN.discard(self.path)

    def _change(self, **fields: object) -> None:
        self._write(msgspec.structs.replace(self._record, **fields))

    def _forget(self, size: int | None) -> None:
        """Record that nothing is here of a file of this size."""
        # Note and record go before the bytes: after a crash they must not vouch for bytes of
        # another version.
        self._remove_note()
        self._write(Record(key=self.key, size=size, owner=this_process()))

    def _write(self, record: Record) -> None:
        write_record(self.path, record)
        self._record = record

    def _remove_note(self) -> None:
        with self._noting:
            note_path(self.path).unlink(missing_ok=True)

    def _cut(self, end: int) -> None:
        """Give back the blocks behind an offset; a sealed file may be a blob by now, and stays."""
        if not self._sealed and os.fstat(self._descriptor).st_size > end:
            # The file may grow again, and then has zeros where the note tells of bytes.
            self._remove_note()
            os.ftruncate(self._descriptor, end)

    def _flush(self, flush: Callable[[int], None]) -> None:
        # After a failed flush the kernel calls the lost pages clean, and the next flush succeeds.
        if self._failed:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self.path))
        try:
            flush(self._descriptor)
        except OSError:
            self._failed = True
            with suppress(OSError):
                self._remove_note()
            raise


def _end(ranges: Ranges) -> int:
    """Where the last of some ranges in order ends."""
    return ranges[-1][1] if ranges else 0
