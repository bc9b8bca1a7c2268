"""The folders of a store, and whether a place on disk can hold them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from tui_hub.blobs.files import make_folder, storage_errors, unique, write_atomic
from tui_hub.domain.errors import RefusedError

if TYPE_CHECKING:
    from tui_hub.blobs.store import BlobStore

VERSION = 1
"""The layout that this program writes."""

# The signature of the Cache Directory Tagging Specification, https://bford.info/cachedir/
_CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# Made by tui-hub.\n"


def prepare(store: BlobStore) -> None:
    """Check the store, and make what is missing of it.

    Raises:
        RefusedError: see `BlobStore.prepare`.
    """
    folders = (
        store.blobs.parent,
        store.blobs,
        store.metadata,
        store.temp,
        store.models,
        store.active,
        store.hf,
    )
    version = store.root / "VERSION"
    check(store)
    if not version.exists() or not all(folder.is_dir() for folder in folders):
        with storage_errors(store.root):
            # With the user's own umask: what is activated is for the other programs of the box.
            _make_root(store.root)
            for folder in folders:
                make_folder(folder)
            _check_folders(store.root, folders)
            _probe(store.temp)
            write_atomic(store.temp, store.root / "CACHEDIR.TAG", _CACHE_TAG)
            write_atomic(store.temp, version, f"{VERSION}\n".encode())
    _check_folders(store.root, folders)


def _make_root(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise RefusedError(
            f"the store {root} cannot be made: it, or what should hold it, is not a folder",
            hint="Choose another place for the store.",
        ) from None


def check(store: BlobStore) -> None:
    """See that a store, if there is one, can be read and understood.

    Raises:
        RefusedError: when it cannot.
    """
    path = store.root / "VERSION"
    try:
        text = path.read_text("ascii", "replace")[:20].strip()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise RefusedError(
            f"the store {path.parent} cannot be read: {error.strerror}",
            hint="Give this user the right to read it, or choose another store.",
        ) from None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= VERSION):
        raise RefusedError(
            f"the store {path.parent} has layout {text!a}, this program knows up to {VERSION}",
            hint="Update tui-hub, or choose another store.",
        )


def _check_folders(root: Path, folders: tuple[Path, ...]) -> None:
    device = root.stat().st_dev
    for folder in folders:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_dev != device:
            raise RefusedError(
                f"{folder} is not a plain folder on the file system of {root}",
                hint="A store lies on one file system: move it as a whole and set its path.",
            )


def _probe(temp: Path) -> None:
    """See that the file system can rename and make symbolic links, as every step here needs."""
    first, second, link = (temp / unique("probe", ".tmp") for _ in range(3))
    try:
        first.touch(exist_ok=False)
        link.symlink_to(first.name)
        first.rename(second)
        works = not link.exists() and second.exists() and link.readlink().name == first.name
    except OSError as error:
        raise RefusedError(
            f"the file system of {temp} cannot hold a store: {error.strerror}",
            hint="It must take symbolic links and renames; choose another place for the store.",
        ) from None
    finally:
        for path in (first, second, link):
            path.unlink(missing_ok=True)
    if not works:
        raise RefusedError(
            f"the file system of {temp} cannot hold a store: a rename did not take effect",
            hint="Choose another place for the store.",
        )
