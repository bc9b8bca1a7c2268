"""Damaged blobs: kept apart under the hash they should have and the one they have.

The folder is also how a store tells its homes of a loss: a hash that is in here and not among the
blobs was lost, whichever process found that out, and even if it died at once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tui_hub.blobs.files import (
    fsync_folder,
    make_folder,
    rename_exclusive,
    storage_errors,
    unique,
)
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import is_sha256

if TYPE_CHECKING:
    from tui_hub.blobs.store import BlobStore

_UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One file in quarantine."""

    path: Path
    sha256: str
    """The hash that it should have."""
    found: str | None
    """The hash that it had; `None` where its bytes could not be read."""
    size: int
    at: float
    """When it came here, seconds since the epoch."""


def quarantine(
    store: BlobStore, sha256: str, found: str | None = None, seen: os.stat_result | None = None
) -> Path | None:
    """Take a damaged blob away from its name, in one step and durably.

    The name goes before anything that is written down about it. Damaged bytes under a good name
    are handed on in silence, to the next model that shares them for example; a name that is
    missing is noticed by everybody.

    Args:
        store: the store.
        sha256: the blob.
        found: the hash of its bytes, if they could be read.
        seen: what was looked at. When another file has the name by now, that one stays.

    Returns:
        Where it is now; `None` when what was looked at is not there any more.
    """
    path = store.path(sha256)
    aside = store.quarantined / unique(f"{sha256}.{found or _UNREAD}", "")
    with storage_errors(store.root):
        make_folder(store.quarantined)
        if seen is not None and not _is_same(path, seen):
            return None
        try:
            path.rename(aside)
        except FileNotFoundError:
            return None
        if seen is not None and not _is_same(aside, seen):
            # Somebody brought a sound one in at the last moment.
            with suppress(FileExistsError):
                rename_exclusive(aside, path)
            return None
        fsync_folder(store.quarantined)
        fsync_folder(store.blobs)
    return aside


def quarantined(store: BlobStore) -> tuple[Quarantined, ...]:
    """What is in quarantine, oldest first."""
    found = []
    with suppress(FileNotFoundError), os.scandir(store.quarantined) as entries:
        for entry in entries:
            sha256, _, rest = entry.name.partition(".")
            digest = rest.partition(".")[0]
            if not is_sha256(sha256):
                continue
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                found.append(
                    Quarantined(
                        path=Path(entry.path),
                        sha256=sha256,
                        found=digest if is_sha256(digest) else None,
                        size=status.st_blocks * 512 if stat.S_ISREG(status.st_mode) else 0,
                        at=status.st_ctime,
                    )
                )
    return tuple(sorted(found, key=lambda one: (one.at, one.path)))


def lost(store: BlobStore, among: Collection[str] | None = None) -> set[str]:
    """The hashes that came into quarantine and were not fetched again since."""
    hashes = {one.sha256 for one in quarantined(store)}
    wanted = hashes if among is None else hashes & set(among)
    return {sha256 for sha256 in wanted if not store.has(sha256)}


def _is_same(path: Path, seen: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.lstat(), seen)
    except FileNotFoundError:
        return False
