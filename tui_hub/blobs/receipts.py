"""Receipts: what is installed, written in the store itself. They keep blobs alive.

One per model, at `metadata/<org>_<name>/receipt.json`. A lost database is rebuilt from them, and no
blob that one of them names is ever collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from tui_hub.blobs.files import fsync_folder, storage_errors, write_atomic
from tui_hub.blobs.folders import find_metadata_folder, metadata_folder
from tui_hub.blobs.holds import held
from tui_hub.blobs.ollama import needed_in_ollama
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.trash import restore
from tui_hub.blobs.views import active_blobs
from tui_hub.domain.additions import Addition
from tui_hub.domain.artifacts import Verified
from tui_hub.domain.errors import CorruptError, RefusedError, UnsafeError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import is_sha256, repository_path
from tui_hub.text import clean

FORMAT = 1
"""What this program writes. Keys are added without a new number; a new one means that more than
this program knows of may hang on a receipt."""
RECEIPT = "receipt.json"
"""The name of a receipt in the folder of its model."""

_LIMIT = 64 * 1024**2
_MEND = "Move that file away and download its model again: the bytes that are here are taken."
_READ = "Give this user the right to read it; nothing that it names is touched until then."
_LARGEST = 2**63 - 1
_VERIFIED = frozenset(Verified)


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
    git_sha1: str | None = None
    """Its git blob id, by which the Hub's own cache knows it."""
    md5: str | None = None


@dataclass(frozen=True, slots=True)
class KeptRevision:
    """An older revision of an installed model, whose files stay since nobody gives them again."""

    revision: str
    files: tuple[ReceiptFile, ...]


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
    """The view that a loader opens, relative to the store; empty while no variant is whole."""
    variant: str | None = None
    variants: tuple[str, ...] = ()
    """The installed variants, by name."""
    author: str | None = None
    license: str | None = None
    task: str | None = None
    library: str | None = None
    refs: tuple[str, ...] = ("main",)
    """The branches and tags that stand for the revision on this box."""
    definition: Addition | None = None
    """Where its files come from, if a user added it by their addresses."""
    kept: tuple[KeptRevision, ...] = ()
    """What else is here of it."""
    format: int = FORMAT

    @property
    def all_files(self) -> tuple[ReceiptFile, ...]:
        """The files of the installed revision, and of those that are kept beside it."""
        return (*self.files, *(file for one in self.kept for file in one.files))


def write(store: BlobStore, receipt: Receipt) -> None:
    """Write or replace a model's receipt, and see that every blob it names is here.

    Raises:
        CorruptError: when a blob is missing, for example because another process deleted the last
            model that held it in this very moment. The receipt stands; the files must be fetched.
        UnsafeError: when something in it is not what it should be, a path or a hash for example.
        RefusedError: when a newer version of the program wrote the one that is there.
    """
    _check(receipt)
    with storage_errors(store.root), store.lock("collect", wait=10.0):
        folder = metadata_folder(store, receipt.model)
        _refuse_newer(folder / RECEIPT)
        document = msgspec.json.format(msgspec.json.encode(receipt), indent=1)
        write_atomic(store.temp, folder / RECEIPT, document)
        # Only now: who deletes looks at the receipts after it took the blob away.
        missing = [file for file in receipt.all_files if not _present(store, file)]
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
    return _load(folder / RECEIPT) if folder is not None else None


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
    if folder is None or not (folder / RECEIPT).exists():
        return False
    with storage_errors(store.root):
        (folder / RECEIPT).unlink(missing_ok=True)
        fsync_folder(folder)
    return True


def references(store: BlobStore) -> set[str]:
    """The hashes of all blobs that something needs: a receipt, a slot, or a running process.

    What a daemon of Ollama made of the models that it is shown counts as well.

    Raises:
        RefusedError: when a receipt cannot be read, or says more than this program knows, since
            what it needs is then unknown.
    """
    needed = held(store.temp) | active_blobs(store) | needed_in_ollama(store)
    for path in _paths(store):
        try:
            receipt = _load(path)
        except CorruptError as error:
            raise RefusedError(
                f"what the store needs is unknown: {error.message}", hint=error.hint
            ) from None
        if receipt is not None:
            _refuse_newer(path, receipt)
            needed.update(file.sha256 for file in receipt.all_files)
    return needed


def _paths(store: BlobStore) -> Iterator[Path]:
    try:
        folders = sorted(store.metadata.iterdir())
    except FileNotFoundError:
        return
    for folder in folders:
        try:
            (folder / RECEIPT).lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            pass  # there may be one, and whoever reads it learns why that cannot be
        yield folder / RECEIPT


def _load(path: Path) -> Receipt | None:
    """A receipt from its file; `None` when that is gone."""
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT)
        receipt = msgspec.json.decode(data, type=Receipt)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise CorruptError(
            f"the receipt {path} cannot be read: {clean(why, 200)}",
            hint=_READ if isinstance(error, PermissionError) else _MEND,
        ) from None
    try:
        _check(receipt)
    except UnsafeError as error:
        raise CorruptError(
            f"the receipt {path} cannot be right: {error.message}", hint=_MEND
        ) from None
    return receipt


def _refuse_newer(path: Path, receipt: Receipt | None = None) -> None:
    """Stop at a receipt that says more than this program knows.

    Raises:
        RefusedError: naming it.
    """
    try:
        found = receipt or _load(path)
    except CorruptError:
        return  # whoever wants what it says is told
    if found is not None and found.format > FORMAT:
        raise RefusedError(
            f"a newer version of tui-hub wrote {path} (format {found.format})",
            hint="Update tui-hub: this one would lose what it does not know.",
        )


def _check(receipt: Receipt) -> None:
    """See that a receipt can be acted on.

    Raises:
        UnsafeError: when it cannot. Whether its type is one is not known here.
    """
    named = (receipt.model, receipt.source, receipt.revision, receipt.type, receipt.name)
    for name in (*named, *receipt.variants, *(one.revision for one in receipt.kept)):
        if not name.strip() or any(character < " " for character in name):
            raise UnsafeError(f"{name[:80]!a} is not a name, in the receipt of {receipt.model!a}")
    for ref in receipt.refs:
        repository_path(ref)
    try:
        datetime.fromisoformat(receipt.installed_at)
    except ValueError:
        raise UnsafeError(f"{receipt.installed_at[:80]!a} is not a time") from None
    if receipt.path:
        repository_path(receipt.path)
    for file in receipt.all_files:
        repository_path(file.path)
        if not is_sha256(file.sha256):
            raise UnsafeError(f"{file.sha256[:80]!a} is not a SHA-256")
        if not 0 <= file.size <= _LARGEST:
            raise UnsafeError(f"{file.path!a} cannot have {file.size} bytes")
        if file.verified not in _VERIFIED:
            raise UnsafeError(f"{file.verified[:80]!a} is no way to verify a file")
