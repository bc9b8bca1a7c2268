"""How a complete file becomes a blob: read-only and durable first, then its name.

No order but this one survives a crash between any two steps: a name is only ever given to bytes
that are on the disk, and never taken from another file.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tui_hub.blobs import references
from tui_hub.blobs.files import NO_LINKS, fsync_folder, rename_exclusive, storage_errors
from tui_hub.blobs.nameless import Nameless
from tui_hub.blobs.partial import Partial
from tui_hub.domain.errors import CorruptError, UnsafeError

if TYPE_CHECKING:
    from tui_hub.blobs.store import BlobStore


def commit(
    store: BlobStore,
    partial: Partial | Nameless,
    sha256: str,
    record: Callable[[Path], None] | None,
) -> Path:
    """Bring one file in; see `BlobStore.commit`."""
    final = store.path(sha256)
    with storage_errors(store.root):
        _seal_and_name(store, partial, sha256)
        fsync_folder(store.blobs)
    if record is not None:
        record(final)
    with storage_errors(store.root):
        partial.discard()
    return final


def commit_all(store: BlobStore, partials: Sequence[tuple[Partial | Nameless, str]]) -> None:
    """Bring several files in; see `BlobStore.commit_all`."""
    with storage_errors(store.root):
        for partial, sha256 in partials:
            _seal_and_name(store, partial, sha256)
        fsync_folder(store.blobs)
    for partial, _ in partials:
        with suppress(OSError):  # then it is swept one day, as a blob that has its name
            partial.discard()


def publish(store: BlobStore, source: Path, sha256: str, sealed: os.stat_result) -> None:
    """Name a durable file of the store; see `BlobStore.publish`."""
    _give_name(store, functools.partial(_link, source), sha256, sealed)
    fsync_folder(store.blobs)


def _seal_and_name(store: BlobStore, partial: Partial | Nameless, sha256: str) -> None:
    """Make a complete file read-only and durable, and give it its name if it has not got it."""
    sealed = partial.seal()
    if partial.size not in (None, sealed.st_size):
        raise CorruptError(f"{sealed.st_size} bytes are here instead of {partial.size}")
    if isinstance(partial, Nameless):
        _give_name(store, partial.link, sha256, sealed)
    elif not _is(store.path(sha256), sealed):
        _give_name(store, functools.partial(_link, partial.path), sha256, sealed)


def _give_name(
    store: BlobStore, link: Callable[[str], None], sha256: str, sealed: os.stat_result
) -> None:
    """Give a file its name, unless a blob of its size has it already."""
    final = store.place(sha256)
    try:
        link(final)
    except FileExistsError:
        if not store.has(sha256, sealed.st_size):
            if not references.forget(store, Path(final)):
                store.quarantine(sha256)
            link(final)
    if store.size(sha256) != sealed.st_size:
        store.quarantine(sha256)
        raise UnsafeError(f"somebody put another file in the place of {sha256}")


def _is(path: Path, status: os.stat_result) -> bool:
    """Whether this very file has a name."""
    try:
        return os.path.samestat(path.lstat(), status)
    except FileNotFoundError:
        return False


def _link(source: Path, final: str) -> None:
    """Name a file without ever taking the place of another; link(2), or a rename without it."""
    try:
        os.link(source, final, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        rename_exclusive(source, Path(final))
