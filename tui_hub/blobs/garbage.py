"""Deleting blobs that nothing needs, safely beside processes that just begin to need them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tui_hub.blobs import receipts
from tui_hub.blobs.files import fsync_folder, storage_errors
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.trash import delete, put_back, restore, throw, thrown


def unreferenced(store: BlobStore) -> set[str]:
    """The hashes of the blobs that no receipt and no running process needs.

    Raises:
        RefusedError: when a receipt cannot be read.
    """
    # In this order: a blob that comes in between the two looks is then not in the answer.
    blobs = set(store.iter())
    return blobs - receipts.references(store)


def collect(store: BlobStore, candidates: Iterable[str]) -> int:
    """Delete those of the blobs that nothing needs; give the bytes freed. See `collect_each`."""
    return sum(collect_each(store, candidates).values())


def collect_each(store: BlobStore, candidates: Iterable[str]) -> dict[str, int]:
    """Delete those of the blobs that no receipt and no running process needs.

    Gives the bytes that each of those freed.

    A blob first loses its name, then the receipts are read once more, and only then it goes. Who
    writes a receipt does it the other way: first the receipt, then a look at its blobs. So one of
    the two notices the other, lock or no lock.

    Raises:
        RefusedError: when a receipt cannot be read; then nothing is deleted.
    """
    with storage_errors(store.root), store.lock("collect", wait=10.0):
        wanted = set(candidates) | _put_back_all(store)
        aside: dict[str, Path] = {}
        try:
            for sha256 in wanted - receipts.references(store):
                path = throw(store, sha256)
                if path is not None:
                    aside[sha256] = path
            if aside:
                fsync_folder(store.blobs)
            needed = receipts.references(store) if aside else set()
            return {sha256: delete(store, aside.pop(sha256)) for sha256 in set(aside) - needed}
        finally:
            for sha256, path in aside.items():
                put_back(store, sha256, path)


def recover(store: BlobStore) -> None:
    """Undo a collection whose process died. Blobs that are needed must not stay without a name."""
    with storage_errors(store.root), store.lock("collect") as alone:
        if alone:
            _put_back_all(store)


def _put_back_all(store: BlobStore) -> set[str]:
    return {sha256 for sha256 in thrown(store) if restore(store, sha256)}
