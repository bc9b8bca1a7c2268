"""The small files of a repository, as plain copies below `metadata/<org>_<name>/`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tui_hub.blobs.files import fsync_folder, make_folder, storage_errors, write_atomic
from tui_hub.blobs.folders import OWNER, find_metadata_folder, metadata_folder
from tui_hub.blobs.receipts import RECEIPT
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.views import aside, discard_folder
from tui_hub.domain.errors import UnsafeError
from tui_hub.domain.identifiers import repository_path

RESERVED = frozenset({RECEIPT, OWNER})
"""Names at the top of a metadata folder that are the store's own; no repository file gets one."""


def write_metadata(store: BlobStore, model: str, path: str, content: bytes) -> Path:
    """Keep a small file of a model, in the place of an older copy.

    Raises:
        UnsafeError: when the path leaves the folder, or is one of the store's own.
    """
    if _is_reserved(path):
        raise UnsafeError(f"the file name {path!a} is taken by the store")
    target = metadata_folder(store, model) / path
    with storage_errors(store.root):
        try:
            make_folder(target.parent)
        except (FileExistsError, NotADirectoryError):
            raise UnsafeError(f"{path!a} is both a file and a folder in its repository") from None
        write_atomic(store.temp, target, content)
    return target


def find_metadata(store: BlobStore, model: str, path: str) -> Path | None:
    """The copy of a model's small file, if there is one."""
    return metadata_finder(store, model)(path)


def metadata_finder(store: BlobStore, model: str) -> Callable[[str], Path | None]:
    """What finds the copies of a model's small files; their folder is looked for once."""
    folder = find_metadata_folder(store, model)

    def find(path: str) -> Path | None:
        if folder is None or _is_reserved(path):
            return None
        found = folder / path
        return found if found.is_file() and not found.is_symlink() else None

    return find


def remove_metadata(store: BlobStore, model: str, *, keep_receipt: bool = False) -> bool:
    """Remove all that is kept of a model's small files; gives whether there was a folder of it.

    Args:
        store: the store.
        model: its id.
        keep_receipt: whether its receipt stays, and with it every blob that the receipt names.
    """
    folder = find_metadata_folder(store, model)
    if folder is None:
        return False
    with storage_errors(store.root):
        if keep_receipt and (folder / RECEIPT).exists():
            _empty(store, folder)
        else:
            discard_folder(store, folder)
    return True


def _empty(store: BlobStore, folder: Path) -> None:
    """Take everything out of a folder but the store's own files, which never move."""
    with aside(store) as grave:
        for entry in list(folder.iterdir()):
            if entry.name not in RESERVED:
                entry.rename(grave / entry.name)
        fsync_folder(folder)


def _is_reserved(path: str) -> bool:
    return repository_path(path).partition("/")[0] in RESERVED
