"""Who goes on with which partial file: taking over what dead processes left.

Correctness needs no lock. A partial belongs to the process that made it; another one takes it over
by renaming it, when the first is surely gone, so that never two processes write into one file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec

from tui_hub.blobs.blocks import copy_range
from tui_hub.blobs.partial import Partial
from tui_hub.blobs.sidecar import (
    OPEN,
    PartialInfo,
    Record,
    beside,
    new_name,
    safe_key,
    scan,
    write_note,
    write_record,
)
from tui_hub.processes import this_process

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


def open_partial(temp: Path, key: str, size: int | None, *, brief: bool = False) -> Partial:
    """Take over the best partial of a key whose process is gone, or make a fresh one.

    Args:
        temp: the store's folder for files on their way.
        key: what the caller calls the file at its present version.
        size: bytes of the whole file, where known; a partial of another size is another version.
        brief: leave the record of a fresh one for the first checkpoint.
    """
    key = safe_key(key)
    found = _free(temp, key, size)
    for info in found:
        partial = _claim(temp, info) if info.live is False else None
        if partial is not None:
            return partial
    partial = _create(temp, key, size, brief)
    lost = next((info for info in found if info.live is None), None)
    if lost is not None:
        try:
            _copy(lost, partial)
        except BaseException:
            partial.discard()
            raise
    return partial


def resumable(temp: Path, key: str) -> int:
    """The bytes of a key that the next `open_partial` finds."""
    return max((info.here for info in _free(temp, safe_key(key), None)), default=0)


def _free(temp: Path, key: str, size: int | None) -> list[PartialInfo]:
    """The partials of a key that may be used, best first."""
    found = [
        info
        for info in scan(temp, key)
        if info.left and (size is None or info.size in (None, size))
    ]
    return sorted(found, key=lambda info: info.here, reverse=True)


def _create(temp: Path, key: str, size: int | None, brief: bool) -> Partial:
    record = Record(key=key, size=size, owner=this_process())

    def make(path: Path) -> int:
        return os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)

    return _own(temp, record, make, brief=brief)


def _claim(temp: Path, info: PartialInfo) -> Partial | None:
    """Take over a partial by renaming it; `None` when somebody was faster, or it is unfit."""
    if not _fit(info.path):
        return None
    record = msgspec.structs.replace(info.record, owner=this_process())
    noted = info.ranges != record.ranges

    def take(path: Path) -> int:
        if noted:
            write_note(path, record, info.ranges, info.validator)
        info.path.rename(path)
        _remove(*beside(info.path))
        return os.open(path, _FLAGS)

    try:
        partial = _own(temp, record, take)
    except FileNotFoundError:
        return None
    if noted:
        try:
            partial.checkpoint(info.ranges, info.validator)
        except BaseException:
            partial.close()
            raise
    return partial


def _own(
    temp: Path, record: Record, acquire: Callable[[Path], int], *, brief: bool = False
) -> Partial:
    """Make a partial under a new name of this process, from what `acquire` puts there."""
    path = temp / new_name(record.key)
    # The record goes first: whoever finds the file must see that it has an owner, and a crash
    # between the two loses no progress.
    OPEN.add(path)
    try:
        # One that claims nothing only tells running processes whose file this is, and so does
        # the name for a moment.
        if not brief:
            write_record(path, record, sync=bool(record.ranges))
        descriptor = acquire(path)
    except BaseException:
        OPEN.discard(path)
        _remove(*beside(path))
        raise
    return Partial(path, descriptor, record)


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
        _remove(path, *beside(path))
    return False


def _remove(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


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
