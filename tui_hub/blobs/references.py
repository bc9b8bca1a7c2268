"""Blobs that stay where they lie: files of somebody else's, which the store only points at.

`blobs/sha256/<hash>` is then a link to `blobs/references/<hash>.<size>.<time>.<random>`, and that
one a link to the file itself. So what the file was when it was hashed stands in a name, which is
made in one step and never written again: no record can disagree with its link, whoever dies or
races in between, and whatever opens the blob gets to the file without knowing any of this.

A file that is gone, or has another size or time of writing, counts as missing wherever somebody
asks for the blob, and the next who brings it in puts a blob of the store's own in its place. One
that was changed and given its old time back is found only by hashing it again, and so is one that
was only touched: its record is then renewed. Programs that open a model's folder ask nobody: so
the link to a changed file is put away once that was seen.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tui_hub.blobs import quarantine
from tui_hub.blobs.files import fsync_folder, make_folder, storage_errors, unique
from tui_hub.blobs.hashing import sha256_file

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
    with _link_to(store, path, sha256, status) as aside:
        store.publish(aside, sha256, status)


def renew(store: BlobStore, sha256: str, seen: os.stat_result, status: os.stat_result) -> bool:
    """Write down anew what a file is that was touched, and still has its hash.

    Args:
        store: the store.
        sha256: the hash, which was computed anew.
        seen: the link to the file. When another one has its name by now, that one stays.
        status: what the file was when that began.

    Returns:
        Whether that was possible: a later write to a file of this moment might not show.
    """
    blob = store.path(sha256)
    old = _record_of(store, blob)
    if old is None or not is_settled(status):
        return False
    with storage_errors(store.root), _link_to(store, old.readlink(), sha256, status) as aside:
        if not os.path.samestat(blob.lstat(), seen):
            return False
        aside.replace(blob)  # in one step: programs may open it at any time
        fsync_folder(store.blobs)
        old.unlink(missing_ok=True)
    return True


@contextmanager
def _link_to(store: BlobStore, path: Path, sha256: str, status: os.stat_result) -> Iterator[Path]:
    """A durable record of a file, and a link to it that is to become the blob."""
    make_folder(store.references)
    name = unique(f"{sha256}.{status.st_size}.{status.st_mtime_ns}", "")
    record, aside = store.references / name, store.temp / unique("reference", ".tmp")
    aside.symlink_to(os.path.relpath(record, store.blobs))
    try:
        record.symlink_to(path)
        fsync_folder(store.references)
        yield aside
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
    told, now = _told_and_now(blob)
    return now[0] if now is not None and now == told else None


def is_touched(blob: Path) -> bool:
    """Whether a blob points at a file that only its hash can tell from what it was."""
    told, now = _told_and_now(blob)
    return told is not None and now is not None and told[0] == now[0] and told != now


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


def put_away(store: BlobStore, sha256: str) -> bool:
    """Take the link to a file away that is another one by now; whether there was one.

    Whoever opened it would get other bytes. One to a file that is gone stays: it may come back
    with its disk. So does one to a file that was only touched, or that cannot be read right now.
    """
    blob = store.path(sha256)
    try:
        seen = blob.lstat()
        if not is_one(blob) or size(blob) is not None or not blob.exists():
            return False
        if is_touched(blob) and sha256_file(blob) == sha256:
            return False
    except OSError:
        return False
    return quarantine.quarantine(store, sha256, seen=seen) is not None


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


def _told_and_now(blob: Path) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Size and time of writing of the file that a blob points at: by its record, and by itself."""
    try:
        told = _NAME.fullmatch(blob.readlink().name) if is_one(blob) else None
        status = blob.stat()
    except OSError:
        return None, None
    if told is None or not stat.S_ISREG(status.st_mode):
        return None, None
    return (int(told[1]), int(told[2])), (status.st_size, status.st_mtime_ns)
