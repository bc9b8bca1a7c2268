"""Removing from `temp/` what nobody will come back for."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from tui_hub.blobs import holds
from tui_hub.blobs.sidecar import beside, safe_key, scan

TRASH = ".trash"
"""The ending of blobs on their way out. Whether one is needed after all, only receipts know."""

_GRACE = 3600.0
"""Seconds that anything lives at the least, so that no step of a running process is undone."""


def sweep(temp: Path, older_than: float, awaited: Collection[str]) -> int:
    """Remove old leftovers, and partials that are blobs already; give the bytes that frees."""
    return sum(map(remove, leftovers(temp, older_than, awaited)))


def leftovers(temp: Path, older_than: float, awaited: Collection[str]) -> Iterator[Path]:
    """What may go: old leftovers, and partials that are blobs already, with what is beside them.

    Partials of which nothing is known to be here go soon; a killed process leaves some for each
    group of small files that it was at.

    Args:
        temp: the folder.
        older_than: seconds since the last sign of life. Files of a running process stay.
        awaited: the keys of partials that stay however old they are.
    """
    now = time.time()
    kept = holds.live(temp)
    waiting = {safe_key(key) for key in awaited}
    told: set[Path] = set()
    for partial in scan(temp):
        paths = (partial.path, *beside(partial.path))
        age = now - partial.modified
        published = partial.left and _is_blob(partial.path)
        worthless = partial.left and not partial.ranges and age > _GRACE
        stays = partial.live is True or safe_key(partial.key) in waiting
        if published or worthless or (not stays and age > older_than):
            told.update(paths)
            yield from filter(os.path.lexists, paths)
        else:
            kept |= {path.name for path in paths}
    for path in list(temp.iterdir()):
        if path.name in kept or path.suffix == TRASH or path in told:
            continue
        if _age(path, now) > max(older_than, _GRACE):
            yield path


def disk_of(path: Path) -> int:
    """The bytes of disk that removing this gives back."""
    with suppress(OSError):
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            return sum(disk_of(child) for child in path.iterdir())
        return status.st_blocks * 512 if status.st_nlink == 1 else 0
    return 0


def discard(temp: Path, keys: Collection[str]) -> int:
    """Remove what interrupted attempts left of some files, unless a process may be at work on them.

    Gives the bytes of disk that frees.
    """
    wanted = {safe_key(key) for key in keys}
    return sum(
        sum(map(remove, (partial.path, *beside(partial.path))))
        for partial in scan(temp)
        if partial.left and safe_key(partial.key) in wanted
    )


def _is_blob(path: Path) -> bool:
    """Whether a partial is sealed and has its second name: then it is a blob, and done with."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    return status.st_nlink > 1 and not status.st_mode & 0o222


def _age(path: Path, now: float) -> float:
    try:
        return now - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def remove(path: Path) -> int:
    """Delete a file, a link (never what it points to) or a folder; give the bytes that frees.

    What belongs to another user may have to stay.
    """
    with suppress(FileNotFoundError, PermissionError):
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(path)
            return 0
        path.unlink()
        return status.st_blocks * 512 if status.st_nlink == 1 else 0
    return 0
