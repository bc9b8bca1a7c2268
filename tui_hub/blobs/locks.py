"""Best-effort locks: they save work, and nothing is wrong where they lie."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tui_hub.blobs.files import folder_name

_POLL = 0.05
_MOST = 50
"""Locks that are taken of files that have lost their name, one after the other; more than that are
the work of a file system that gives a file another number each time."""


@contextmanager
def lock(temp: Path, name: str, wait: float = 0.0) -> Iterator[bool]:
    """Hold `flock` on a file named after `name`; gives `False` while somebody else holds it.

    The file goes with the lock. Who then gets the lock of a file without a name begins anew.

    On a file system without locks, or one that cannot be written, everybody gets `True`.

    Args:
        temp: the folder for the lock's file.
        name: what is locked.
        wait: seconds to try for it.
    """
    path, deadline = temp / f"{folder_name(name)}.lock", time.monotonic() + wait
    try:
        descriptor = _open(path)
        for _ in range(_MOST):
            if not (taken := _take(descriptor, deadline)) or _names(path, descriptor):
                break
            os.close(descriptor)
            descriptor = _open(path)
    except OSError:
        yield True
        return
    try:
        yield taken
    finally:
        if taken:
            with suppress(OSError):
                path.unlink()
        os.close(descriptor)


def _open(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _share(descriptor, path.parent)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _names(path: Path, descriptor: int) -> bool:
    """Whether a file still has its name."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _share(descriptor: int, temp: Path) -> None:
    """Let everybody who may write to the folder take the lock too."""
    status = os.fstat(descriptor)
    if status.st_uid == os.geteuid() and status.st_nlink == 1:
        os.fchmod(descriptor, 0o600 | (temp.stat().st_mode & 0o666))


def _take(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        except OSError:
            return True
