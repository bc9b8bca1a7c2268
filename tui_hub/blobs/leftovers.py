"""Folders and links that lead to nothing, since their model is gone or was never wholly here.

A crash in the middle of an installation or a deletion leaves them, or another program that tidied
the store by hand. Whatever stands on a blob that a running process holds is left alone: that may
be an installation whose receipt is yet to be written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from tui_hub.blobs import receipts
from tui_hub.blobs.belongings import has_others, put_back
from tui_hub.blobs.changing import under_change
from tui_hub.blobs.files import fsync_folder, rename_exclusive, storage_errors
from tui_hub.blobs.folders import owner_of
from tui_hub.blobs.holds import held
from tui_hub.blobs.huggingface import is_empty_in_hf, repositories, stale_in_hf, sweep_hf
from tui_hub.blobs.receipts import RECEIPT, Receipt
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.views import (
    VIEW_MARKER,
    active_folders,
    aside,
    is_made_here,
    linked_blobs,
    owner_of_view,
)
from tui_hub.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that leads to nothing."""

    path: Path
    remove: Callable[[], bool]
    """Takes it away, unless it turns out to be needed; gives whether it is gone."""


class Surroundings:
    """What is needed in a store as things stand, by its receipts and its running processes."""

    def __init__(self, store: BlobStore) -> None:
        """Look.

        Raises:
            RefusedError: when a receipt cannot be read.
        """
        self.needed = receipts.references(store)
        self.receipts: dict[str, Receipt] = {one.model: one for one in receipts.iter(store)}
        self.held = held(store.temp)
        self.changing = under_change(store)
        self.active = active_folders(store)

    def revision(self, repository: str) -> str | None:
        """What is installed of a repository of the Hub."""
        receipt = self.receipts.get(f"hf:{repository}")
        return receipt.revision if receipt is not None else None


def views(store: BlobStore, seen: Surroundings) -> Iterator[Leftover]:
    """The folders of models that are gone, by what was seen before; each looks anew to go."""
    for folder in _entries(store.models):
        for view in _entries(folder) if not folder.is_symlink() else ():
            owner = None if view.is_symlink() else owner_of_view(view)
            # One in which only somebody else's files are left is no leftover.
            ours = bool(linked_blobs(view)) or not has_others(view, is_made_here)
            if owner is not None and ours and not _is_view_needed(store, seen, view, view, owner):
                yield Leftover(view, _taking(store, view, owner))


def caches(store: BlobStore, seen: Surroundings) -> Iterator[Leftover]:
    """What the Hugging Face cache has of repositories, or of revisions of one, that are gone."""
    for repository, folder in repositories(store):
        if not _is_cache_needed(store, seen, repository):
            yield Leftover(folder, _sweeping(store, repository))


def small_files(
    store: BlobStore, wanted: Callable[[str], bool], older_than: float
) -> Iterator[Leftover]:
    """The small files of models of which nothing is here, once nobody came for them for long.

    Args:
        store: the store.
        wanted: whether a model is registered, or should keep them otherwise.
        older_than: seconds since the last of them was written.
    """
    now = time.time()

    def needed(content: Path) -> bool:
        return (content / RECEIPT).exists()

    for folder in _entries(store.metadata):
        owner = None if folder.is_symlink() else owner_of(folder)
        if owner is None or needed(folder) or wanted(owner):
            continue
        if now - _newest(folder) > older_than:

            def remove(folder: Path = folder) -> bool:
                # A receipt is written under this lock, and its folder must not go meanwhile.
                with store.lock("collect", wait=10.0):
                    return _take(store, folder, needed)

            yield Leftover(folder, remove)


def slots(store: BlobStore) -> Iterator[Leftover]:
    """The links of slots that lead nowhere."""
    for link in _entries(store.active):
        if link.is_symlink() and not link.exists():

            def remove(link: Path = link) -> bool:
                with storage_errors(store.root):
                    if link.exists():
                        return False
                    link.unlink(missing_ok=True)
                    fsync_folder(store.active)
                return True

            yield Leftover(link, remove)


def _is_view_needed(
    store: BlobStore, seen: Surroundings, view: Path, content: Path, owner: str
) -> bool:
    """Whether a view is somebody's, wherever what is in it lies right now."""
    receipt = seen.receipts.get(owner)
    ours = receipt is not None and (not receipt.path or store.root / receipt.path == view)
    ours = ours or owner in seen.changing
    return ours or view in seen.active or bool(linked_blobs(content) & seen.held)


def _is_cache_needed(store: BlobStore, seen: Surroundings, repository: str) -> bool:
    revision = seen.revision(repository)
    if f"hf:{repository}" in seen.changing:
        return True
    stale = stale_in_hf(store, repository, revision)
    if not stale:
        return revision is not None or not is_empty_in_hf(store, repository)
    return bool(stale & seen.held)


def _taking(store: BlobStore, view: Path, owner: str) -> Callable[[], bool]:
    def needed(content: Path) -> bool:
        return _is_view_needed(store, Surroundings(store), view, content, owner)

    def restore(grave: Path) -> None:
        put_back(grave, view, is_made_here, VIEW_MARKER)

    return lambda: _take(store, view, needed, restore)


def _sweeping(store: BlobStore, repository: str) -> Callable[[], bool]:
    def remove() -> bool:
        revision = Surroundings(store).revision(repository)
        return sweep_hf(
            store,
            repository,
            lambda: _is_cache_needed(store, Surroundings(store), repository),
            revision,
        )

    return remove


def _take(
    store: BlobStore,
    folder: Path,
    needed: Callable[[Path], bool],
    restore: Callable[[Path], None] | None = None,
) -> bool:
    """Take a folder away, look once more, and only then delete it or put it back.

    `restore` saves what is somebody else's in it.
    """
    with storage_errors(store.root), aside(store) as build:
        grave = build / "removed"
        try:
            folder.rename(grave)
        except FileNotFoundError:
            return False
        fsync_folder(folder.parent)
        if needed(grave):
            with suppress(FileExistsError):
                rename_exclusive(grave, folder)
            fsync_folder(folder.parent)
            return False
        if restore is not None:
            restore(grave)
    return True


def _newest(folder: Path) -> float:
    newest = 0.0
    for parent, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            with suppress(OSError):
                newest = max(newest, Path(parent, name).lstat().st_mtime)
    return newest


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
