"""A little disk kept aside in the home, so that a full disk can be mended from within.

A database cannot even be opened for reading where its journal has no room. What is kept here is
given up for that, and kept again once there is plenty.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_NAME = "spare"
_SIZE = 2 * 1024**2
_PLENTY = 64 * 1024**2


def keep(folder: Path) -> None:
    """Set the room aside if there is plenty; that it cannot be is no error."""
    path = folder / _NAME
    try:
        if path.exists() or shutil.disk_usage(folder).free < _PLENTY:
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _SIZE)
        finally:
            os.close(descriptor)
    except OSError:
        return


def give_up(folder: Path) -> bool:
    """Free the room; `False` where there is none set aside."""
    try:
        (folder / _NAME).unlink()
    except OSError:
        return False
    return True
