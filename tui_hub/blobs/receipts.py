"""Receipts: what is installed, written in the store itself. They keep blobs alive.

One per model, at `metadata/<org>_<name>/receipt.json`. A lost database is rebuilt from them, and no
blob that one of them names is ever collected.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tui_hub.blobs.files import (
    folder_name,
    fsync_folder,
    rename_exclusive,
    storage_errors,
    unique,
    write_atomic,
)
from tui_hub.blobs.holds import held
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.trash import restore
from tui_hub.domain.errors import CorruptError, HubError, RefusedError
from tui_hub.domain.identifiers import is_sha256, repository_path

_RECEIPT = "receipt.json"
_OWNER = ".model"
_LIMIT = 64 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFile:
    """One file of an installed model."""

    path: str
    """Inside the repository."""
    sha256: str
    size: int
    etag: str | None = None
    verified: str = "none"
    """What it was checked against, as `domain.artifacts.Verified` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the store knows of an installed model. Sizes are bytes, times ISO 8601 UTC."""

    model: str
    source: str
    revision: str
    type: str
    name: str
    installed_at: str
    files: tuple[ReceiptFile, ...]
    path: str
    """The view that a loader opens, relative to the store."""
    variant: str | None = None
    author: str | None = None
    license: str | None = None
    format: int = 1


def write(store: BlobStore, receipt: Receipt) -> None:
    """Write or replace a model's receipt, and see that every blob it names is here.

    Raises:
        CorruptError: when a blob is missing, for example because another process deleted the last
            model that held it in this very moment. The receipt stands; the files must be fetched.
        UnsafeError: when a path or hash in it is not one.
    """
    for file in receipt.files:
        repository_path(file.path)
        store.path(file.sha256)
    with storage_errors(store.root), store.lock("collect", wait=10.0):
        folder = metadata_folder(store, receipt.model)
        document = msgspec.json.format(msgspec.json.encode(receipt), indent=1)
        write_atomic(store.temp, folder / _RECEIPT, document)
        # Only now: who deletes looks at the receipts after it took the blob away.
        missing = [file for file in receipt.files if not _present(store, file)]
    if missing:
        raise CorruptError(
            f"{len(missing)} files of {receipt.model} are not here, {missing[0].path!a} first",
            hint="Download the model again: only what is missing is fetched.",
        )


def _present(store: BlobStore, file: ReceiptFile) -> bool:
    return restore(store, file.sha256) and store.has(file.sha256, file.size)


def read(store: BlobStore, model: str) -> Receipt | None:
    """A model's receipt; `None` when it has none.

    Raises:
        CorruptError: when there is one that cannot be read.
    """
    folder = find_metadata_folder(store, model)
    return _load(folder / _RECEIPT) if folder is not None else None


def iter(store: BlobStore) -> Iterator[Receipt]:  # noqa: A001 - used as receipts.iter
    """The receipts of the store that can be read, in no order; `damaged` names the others."""
    for path in _paths(store):
        try:
            receipt = _load(path)
        except CorruptError:
            continue
        if receipt is not None:
            yield receipt


def damaged(store: BlobStore) -> tuple[Path, ...]:
    """The receipts that cannot be read."""
    found = []
    for path in _paths(store):
        try:
            _load(path)
        except CorruptError:
            found.append(path)
    return tuple(found)


def delete(store: BlobStore, model: str) -> bool:
    """Remove a model's receipt; gives whether there was one. Its metadata files stay."""
    folder = find_metadata_folder(store, model)
    if folder is None or not (folder / _RECEIPT).exists():
        return False
    with storage_errors(store.root):
        (folder / _RECEIPT).unlink(missing_ok=True)
        fsync_folder(folder)
    return True


def references(store: BlobStore) -> set[str]:
    """The hashes of all blobs that something needs: a receipt, or a running process.

    Raises:
        RefusedError: when a receipt cannot be read, since what it needs is then unknown.
    """
    needed = held(store.temp)
    for path in _paths(store):
        try:
            receipt = _load(path)
        except CorruptError as error:
            raise RefusedError(
                f"what the store needs is unknown: {error.message}",
                hint="Move that file away, and install its model again to keep its files.",
            ) from None
        if receipt is not None:
            needed.update(file.sha256 for file in receipt.files)
    return needed


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
    return next((folder for folder in _folders(store, model) if _owner(folder) == model), None)


def _owner(folder: Path) -> str | None:
    """The model that a metadata folder belongs to."""
    try:
        return (folder / _OWNER).read_text("utf-8", "replace")
    except OSError:
        return None


def _take(store: BlobStore, folder: Path, model: str) -> bool:
    """Make a folder for a model in one step; `False` when another model has it."""
    aside = store.temp / unique("metadata", ".tmp")
    aside.mkdir(mode=0o700)
    try:
        aside.chmod(store.metadata.stat().st_mode & 0o7777)
        write_atomic(store.temp, aside / _OWNER, model.encode("utf-8", "replace"))
        rename_exclusive(aside, folder)
    except FileExistsError:
        return _owner(folder) == model
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    fsync_folder(store.metadata)
    return True


def _paths(store: BlobStore) -> Iterator[Path]:
    try:
        folders = sorted(store.metadata.iterdir())
    except FileNotFoundError:
        return
    for folder in folders:
        if not folder.is_symlink() and (folder / _RECEIPT).is_file():
            yield folder / _RECEIPT


def _load(path: Path) -> Receipt | None:
    """A receipt from its file; `None` when that is gone."""
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT)
        receipt = msgspec.json.decode(data, type=Receipt)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise CorruptError(f"the receipt {path} cannot be read: {error}") from None
    if not all(is_sha256(file.sha256) and file.size >= 0 for file in receipt.files):
        raise CorruptError(f"the receipt {path} names a file without a proper hash")
    return receipt
