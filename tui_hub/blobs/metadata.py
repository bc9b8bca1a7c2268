"""The small files of a repository, as plain copies below `metadata/<org>_<name>/`."""

from __future__ import annotations

from pathlib import Path

from tui_hub.blobs.files import make_folder, storage_errors, write_atomic
from tui_hub.blobs.receipts import find_metadata_folder, metadata_folder
from tui_hub.blobs.store import BlobStore
from tui_hub.domain.errors import UnsafeError
from tui_hub.domain.identifiers import repository_path

_RESERVED = ("receipt.json", ".model")


def write_metadata(store: BlobStore, model: str, path: str, content: bytes) -> Path:
    """Keep a small file of a model, in the place of an older copy.

    Raises:
        UnsafeError: when the path leaves the folder, or is one of the store's own.
    """
    target = metadata_folder(store, model) / _checked(path)
    with storage_errors(store.root):
        try:
            make_folder(target.parent)
        except (FileExistsError, NotADirectoryError):
            raise UnsafeError(f"{path!a} is both a file and a folder in its repository") from None
        write_atomic(store.temp, target, content)
    return target


def find_metadata(store: BlobStore, model: str, path: str) -> Path | None:
    """The copy of a model's small file, if there is one."""
    folder = find_metadata_folder(store, model)
    if folder is None:
        return None
    found = folder / _checked(path)
    return found if found.is_file() and not found.is_symlink() else None


def _checked(path: str) -> str:
    if repository_path(path) in _RESERVED:
        raise UnsafeError(f"the file name {path!a} is taken by the store")
    return path
