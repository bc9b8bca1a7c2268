"""Bringing files in that are on this box already."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from tui_hub.blobs.blocks import clone, copy_range
from tui_hub.blobs.files import unique
from tui_hub.blobs.hashing import hash_descriptor
from tui_hub.blobs.partial import Partial
from tui_hub.domain.errors import CorruptError, NotFoundError

if TYPE_CHECKING:
    from tui_hub.blobs.store import BlobStore


def adopt(store: BlobStore, path: Path, sha256: str | None, *, hardlink: bool) -> str:
    """Hash a file and make it a blob; see `BlobStore.adopt`."""
    source = _open(path)
    try:
        partial = store.open_partial(unique("adopt", ""), None)
        try:
            digest = _bring(store, source, path, partial, sha256, hardlink=hardlink)
        finally:
            partial.discard()
    finally:
        os.close(source)
    return digest


def _open(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NotFoundError(f"{str(path)!a} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotFoundError(f"{str(path)!a} is not a file")
    return descriptor


def _bring(
    store: BlobStore,
    source: int,
    path: Path,
    partial: Partial,
    expected: str | None,
    *,
    hardlink: bool,
) -> str:
    if clone(source, partial.fileno()):
        digest = _check(hash_descriptor(partial.fileno(), hashlib.sha256()), expected, path)
        store.commit(partial, digest)
        return digest
    before = os.fstat(source)
    digest = _check(hash_descriptor(source, hashlib.sha256()), expected, path)
    if store.has(digest, before.st_size):
        return digest
    if hardlink and _share(store, source, before, path, digest):
        return digest
    copy_range(source, partial.fileno(), 0, before.st_size)
    _check(hash_descriptor(partial.fileno(), hashlib.sha256()), digest, path)
    store.commit(partial, digest)
    return digest


def _check(digest: str, expected: str | None, path: Path) -> str:
    if expected not in (None, digest):
        raise CorruptError(
            f"{str(path)!a} has the SHA-256 {digest} instead of {expected}",
            hint="It is another file, is damaged, or changed while it was read.",
        )
    return digest


def _share(store: BlobStore, source: int, before: os.stat_result, path: Path, digest: str) -> bool:
    """Make the file itself the blob; `False` where a second name for it is not possible."""
    aside = store.temp / unique("adopt", ".tmp")
    try:
        aside.hardlink_to(path.resolve())
        os.fchmod(source, 0o444)
    except OSError:
        aside.unlink(missing_ok=True)
        return False
    try:
        os.fsync(source)
        after = os.fstat(source)
        if not os.path.samestat(after, aside.lstat()) or after.st_mtime_ns != before.st_mtime_ns:
            raise CorruptError(f"{str(path)!a} changed while it was read")
        store.publish(aside, digest, after)
    finally:
        aside.unlink(missing_ok=True)
    return True
