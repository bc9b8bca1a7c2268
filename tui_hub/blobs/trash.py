"""Blobs on their way out. They can come back until the last look at the receipts."""

from __future__ import annotations

import stat
from pathlib import Path

from tui_hub.blobs import references
from tui_hub.blobs.files import fsync_folder, rename_exclusive, unique
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.sweeping import TRASH
from tui_hub.domain.identifiers import is_sha256


def throw(store: BlobStore, sha256: str) -> Path | None:
    """Take a blob away from its name; `None` when it was not here.

    The caller makes that durable, for many at once.
    """
    aside = store.temp / unique(sha256, TRASH)
    try:
        store.path(sha256).rename(aside)
    except FileNotFoundError:
        return None
    return aside


def put_back(store: BlobStore, sha256: str, aside: Path) -> bool:
    """Give a blob its name again; gives whether it has it now, by whomever."""
    try:
        rename_exclusive(aside, store.path(sha256))
        fsync_folder(store.blobs)
    except FileExistsError:
        aside.unlink(missing_ok=True)
    except FileNotFoundError:
        return store.has(sha256)
    return True


def delete(store: BlobStore, aside: Path) -> int:
    """Delete a blob for good, unless somebody fetched it back; give the bytes that frees."""
    try:
        status = aside.lstat()
        references.drop(store, aside)
        aside.unlink()
    except FileNotFoundError:
        return 0
    return status.st_size if status.st_nlink == 1 and stat.S_ISREG(status.st_mode) else 0


def thrown(store: BlobStore) -> set[str]:
    """The hashes of the blobs on their way out."""
    names = (path.name.partition(".")[0] for path in store.temp.glob(f"*{TRASH}"))
    return {name for name in names if is_sha256(name)}


def restore(store: BlobStore, sha256: str) -> bool:
    """See that a blob is here, fetching it back from a process that is about to delete it.

    For who has said already, by a hold or a receipt, that it is needed.
    """
    if store.has(sha256):
        return True
    found = [put_back(store, sha256, path) for path in store.temp.glob(f"{sha256}.*{TRASH}")]
    return any(found) or store.has(sha256)
