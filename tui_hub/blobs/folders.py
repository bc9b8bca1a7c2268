"""The folders below `metadata/`: one for each model, whatever its name."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tui_hub.blobs.files import (
    folder_name,
    fsync_folder,
    rename_exclusive,
    storage_errors,
    unique,
    write_atomic,
)
from tui_hub.blobs.store import BlobStore
from tui_hub.domain.errors import HubError

OWNER = ".model"
"""The file in each folder that names its model."""


def metadata_folder(store: BlobStore, model: str) -> Path:
    """The folder for a model's metadata files, made if need be.

    Two models may want one name (`a_b/c` and `a/b_c`): the second gets a suffix.
    """
    found = find_metadata_folder(store, model)
    if found is not None:
        return found
    with storage_errors(store.root):
        for folder in _folders(store, model):
            if _take(store, folder, model):
                return folder
    raise HubError(f"there is no free folder for the metadata of {model!a}")


def _folders(store: BlobStore, model: str) -> tuple[Path, Path]:
    """The folders that a model's metadata may lie in, the one without suffix first."""
    source, colon, path = model.partition(":")
    name = folder_name((path if colon else source).replace("/", "_"))
    suffix = hashlib.sha256(model.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return store.metadata / name, store.metadata / f"{name}--{suffix}"


def find_metadata_folder(store: BlobStore, model: str) -> Path | None:
    """The folder of a model's metadata files; `None` while there is none."""
    return next((folder for folder in _folders(store, model) if owner_of(folder) == model), None)


def owner_of(folder: Path) -> str | None:
    """The model that a metadata folder belongs to."""
    try:
        return (folder / OWNER).read_text("utf-8", "replace")
    except OSError:
        return None


def _take(store: BlobStore, folder: Path, model: str) -> bool:
    """Make a folder for a model in one step; `False` when another model has it."""
    aside = store.temp / unique("metadata", ".tmp")
    aside.mkdir(mode=0o700)
    try:
        aside.chmod(store.metadata.stat().st_mode & 0o7777)
        write_atomic(store.temp, aside / OWNER, model.encode("utf-8", "replace"))
        rename_exclusive(aside, folder)
    except FileExistsError:
        return owner_of(folder) == model
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    fsync_folder(store.metadata)
    return True
