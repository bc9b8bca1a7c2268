"""The homes of demos: each goes with its process, at the latest when the next demo begins."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_PREFIX = "tui-hub-demo-"
_LOCK = ".demo"
"""A file that the process of a home holds locked for as long as it lives."""


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home for one demo; what killed demos left behind goes first."""
    _clear_away()
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        home = Path(stack.enter_context(folder))
        new = home / f"{_LOCK}.new"
        stack.callback(os.close, _hold(new, os.O_CREAT))
        new.rename(home / _LOCK)  # locked before anybody looks for it
        yield home


def _clear_away() -> None:
    """Remove the homes of this user whose process is gone."""
    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            status = home.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
                continue
            lock = _hold(home / _LOCK)
            try:
                shutil.rmtree(home, ignore_errors=True)
            finally:
                os.close(lock)


def _hold(lock: Path, flags: int = 0) -> int:
    """Lock a file until the descriptor is closed.

    Raises:
        OSError: when another process holds it, or there is none.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
