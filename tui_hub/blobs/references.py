"""Blobs that stay where they lie: files of somebody else's, which the store only points at.

`blobs/sha256/<hash>` is then a link to `blobs/references/<hash>.<size>.<time>.<random>`, and that
one a link to the file itself. So what the file was when it was hashed stands in a name, which is
made in one step and never written again: no record can disagree with its link, whoever dies or
races in between, and whatever opens the blob gets to the file without knowing any of this.

A file that is gone, or has another size or time of writing, counts as missing wherever somebody
asks for the blob, and the next who brings it in puts a blob of the store's own in its place. One
that was changed and given its old time back is found only by hashing it again.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tui_hub.blobs.files import fsync_folder, make_folder, unique

if TYPE_CHECKING:
    from tui_hub.blobs.store import BlobStore

_NAME = re.compile(r"[0-9a-f]{64}\.([0-9]{1,19})\.(-?[0-9]{1,20})\.[0-9a-f]{12}")
_GRACE = 3600.0
"""Seconds that a record lives at the least, so that no step of a running process is undone."""
_TICK = 2.0
"""Seconds in which a file may be written to twice and keep its time, on the coarsest of disks."""


def refer(store: BlobStore, path: Path, sha256: str, status: os.stat_result) -> None:
    """Point at a file that has this hash, unless a blob of its size is here already.

    Args:
        store: the store.
        path: the file, without any link in its path.
        sha256: its hash.
        status: what it was while it was hashed.
    """
    make_folder(store.references)
    name = unique(f"{sha256}.{status.st_size}.{status.st_mtime_ns}", "")
    record, aside = store.references / name, store.temp / unique("reference", ".tmp")
    aside.symlink_to(os.path.relpath(record, store.blobs))
    try:
        record.symlink_to(path)
        fsync_folder(store.references)
        store.publish(aside, sha256, status)
    finally:
        aside.unlink(missing_ok=True)
        if _record_of(store, store.path(sha256)) != record:
            record.unlink(missing_ok=True)


def is_one(blob: Path) -> bool:
    """Whether a name in the store is a link that `refer` made."""
    try:
        folder, _, name = str(blob.readlink()).rpartition("/")
    except OSError:
        return False
    return folder == "../references" and _NAME.fullmatch(name) is not None


def size(blob: Path) -> int | None:
    """Bytes of the file that a blob points at; `None` where it is not what it was."""
    try:
        told = _NAME.fullmatch(blob.readlink().name) if is_one(blob) else None
        status = blob.stat()
    except OSError:
        return None
    if told is None or not stat.S_ISREG(status.st_mode):
        return None
    same = (status.st_size, status.st_mtime_ns) == (int(told[1]), int(told[2]))
    return status.st_size if same else None


def drop(store: BlobStore, link: Path) -> None:
    """Forget what a blob's link points at, before that link goes; the file stays as it is."""
    record = _record_of(store, link)
    if record is not None:
        record.unlink(missing_ok=True)


def forget(store: BlobStore, blob: Path) -> bool:
    """Remove a blob that points at a file; `False` where it is another kind of blob, which stays.

    Nothing of it goes into quarantine, since not one of its bytes is in the store.
    """
    if not is_one(blob):
        return False
    drop(store, blob)
    blob.unlink(missing_ok=True)
    return True


def sweep(store: BlobStore) -> None:
    """Remove records that no blob goes by any more."""
    with suppress(FileNotFoundError):
        used = {
            _record_of(store, path) for path in map(store.path, store.iter()) if path.is_symlink()
        }
        for record in list(store.references.iterdir()):
            with suppress(FileNotFoundError, PermissionError):
                old = time.time() - record.lstat().st_mtime > _GRACE
                if record not in used and old and record.is_symlink():
                    record.unlink()


def is_settled(status: os.stat_result) -> bool:
    """Whether a later write would surely give a file another time than it has now."""
    return time.time() - status.st_mtime > _TICK


def _record_of(store: BlobStore, link: Path) -> Path | None:
    return store.references / link.readlink().name if is_one(link) else None
