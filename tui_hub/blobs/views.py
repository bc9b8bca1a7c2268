"""What loaders open: `models/<type>/<name>/` of links to blobs, and `active/<type>`.

A view is built aside and swapped in, so that no reader ever sees half of one. Links are relative,
so that a store can be moved as a whole.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tui_hub.blobs.belongings import carry_over, put_back
from tui_hub.blobs.files import (
    folder_name,
    fsync_folder,
    make_folder,
    rename_exchange,
    rename_exclusive,
    storage_errors,
    unique,
    write_atomic,
)
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.trash import restore
from tui_hub.domain.errors import HubError, NotFoundError, UnsafeError
from tui_hub.domain.identifiers import is_sha256, repository_path

VIEW_MARKER = ".tui-hub-model"
"""The file in a view that says whose it is. Loaders pass over names with a dot."""

_TYPE = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")


def publish_model(
    store: BlobStore,
    type: str,  # noqa: A002 - the field's word
    name: str,
    author: str | None,
    model: str,
    files: Mapping[str, str],
) -> Path:
    """Make or replace the view of a model, and give its folder.

    Args:
        store: the store.
        type: the model's type, a folder below `models/`.
        name: the name without author; where another model has it, `<name>--<author>` is taken.
        author: who made it, where that is known.
        model: the model's id.
        files: the hash of each file by its path in the repository.

    Raises:
        UnsafeError: when the type or a path is not fit for a file system.
        NotFoundError: when a blob is missing.
    """
    folder = store.models / _checked_type(type)
    targets = {path: store.place(sha256) for path, sha256 in files.items()}
    with storage_errors(store.root), aside(store) as build:
        make_folder(folder)
        for sha256 in files.values():
            if not restore(store, sha256):
                raise NotFoundError(f"the blob {sha256} of {model!a} is not in the store")
        place = folder / "any"
        link_tree(build, place, targets)
        (build / VIEW_MARKER).write_text(model, "utf-8", "replace")
        before = _existing(folder, name, author, model)
        if before is not None:
            carry_over(before, build, is_made_here)
        target = _install(build, folder, name, author, model)
        fsync_folder(folder)
    return target


def remove_model(
    store: BlobStore,
    type: str,  # noqa: A002
    name: str,
    author: str | None,
    model: str,
) -> bool:
    """Remove the view of a model; gives whether there was one. A view of another model stays.

    So do files that somebody else put in it.
    """
    folder = store.models / _checked_type(type)
    found = _existing(folder, name, author, model)
    if found is None:
        return False
    with storage_errors(store.root), aside(store) as build:
        grave = build / "removed"
        with suppress(FileNotFoundError):
            found.rename(grave)
            fsync_folder(found.parent)
            put_back(grave, found, is_made_here, VIEW_MARKER)
    return True


def set_active(store: BlobStore, type: str, path: Path) -> Path:  # noqa: A002
    """Point `active/<type>` at a folder in one step, and give the link."""
    link = store.active / _checked_type(type)
    target = Path(os.path.abspath(path))
    text = os.path.relpath(target, store.active) if target.is_relative_to(store.root) else target
    with storage_errors(store.root):
        replace_link(store, link, os.fspath(text))
        fsync_folder(store.active)
    return link


def clear_active(store: BlobStore, type: str) -> None:  # noqa: A002
    """Remove `active/<type>`; it is no error when there is none."""
    with storage_errors(store.root):
        (store.active / _checked_type(type)).unlink(missing_ok=True)
        fsync_folder(store.active)


def read_active(store: BlobStore, type: str) -> Path | None:  # noqa: A002
    """The folder that `active/<type>` points at; `None` when the slot is empty."""
    link = store.active / _checked_type(type)
    try:
        return Path(os.path.normpath(store.active / link.readlink()))
    except OSError:
        return None


def replace_file(store: BlobStore, name: str, content: bytes) -> bool:
    """Let a small file beside the folders of the store say something; whether it said otherwise."""
    path = store.root / name
    with storage_errors(store.root):
        with suppress(FileNotFoundError):
            if path.read_bytes() == content:
                return False
        write_atomic(store.temp, path, content)
    return True


def active_blobs(store: BlobStore) -> set[str]:
    """The hashes of the blobs behind the folders of the slots, whatever is known of their models.

    What a slot hands out must not go, even where the receipt of its model was lost.
    """
    folders = [one for one in active_folders(store) if one.is_relative_to(store.root)]
    return {sha256 for folder in folders for sha256 in linked_blobs(folder)}


def active_folders(store: BlobStore) -> set[Path]:
    """The folders that the links of the slots name, be they there or not."""
    found = set()
    with suppress(FileNotFoundError):
        for link in list(store.active.iterdir()):
            # Another process may empty that slot just now, which says nothing of the others.
            with suppress(OSError):
                found.add(Path(os.path.normpath(store.active / link.readlink())))
    return found


def linked_blobs(folder: Path) -> set[str]:
    """The hashes of the blobs that links in a folder lead to."""
    found = set()
    for parent, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                target = Path(parent, name).readlink().name
                if is_sha256(target):
                    found.add(target)
    return found


def is_made_here(file: Path) -> bool:
    """Whether a file in a view is one that it is made of, wherever the view lies right now."""
    if file.name == VIEW_MARKER:
        return True
    try:
        *_, blobs, kind, sha256 = file.readlink().parts
    except (OSError, ValueError):
        return False
    return (blobs, kind) == ("blobs", "sha256") and is_sha256(sha256)


@contextmanager
def aside(store: BlobStore) -> Iterator[Path]:
    """A fresh folder in `temp/` to build something in; what is in its place afterwards goes."""
    build = store.temp / unique("view", ".tmp")
    build.mkdir(mode=0o700)
    build.chmod(store.models.stat().st_mode & 0o7777)
    try:
        yield build
    finally:
        shutil.rmtree(build, ignore_errors=True)


def link_tree(build: Path, place: Path, targets: Mapping[str, str]) -> None:
    """Fill a folder with links as they must read once it stands at `place`.

    Args:
        build: the empty folder.
        place: where it will stand, or any folder beside that.
        targets: what each path inside it points at.

    Raises:
        UnsafeError: when a path leads outside, or is both a file and a folder.
    """
    ways: dict[tuple[str, str], str] = {}
    for path, target in targets.items():
        if repository_path(path).partition("/")[0] == VIEW_MARKER:
            raise UnsafeError(f"the file name {path!a} is taken by the store")
        inside, (holder, name) = path.rpartition("/")[0], os.path.split(target)
        try:
            if (way := ways.get((inside, holder))) is None:
                make_folder(build / inside)
                way = ways[inside, holder] = os.path.relpath(holder, place / inside)
            os.symlink(f"{way}/{name}", f"{build}/{path}")  # noqa: PTH211 - there may be thousands
        except (FileExistsError, NotADirectoryError):
            raise UnsafeError(f"{path!a} is both a file and a folder in its repository") from None
    # The names of the folders themselves are durable since they were made.
    for inside in {"", *(inside for inside, _ in ways)}:
        fsync_folder(build / inside)


def swap_in(build: Path, target: Path) -> None:
    """Put a folder in the place of another, or in a free place, with no moment between."""
    try:
        rename_exclusive(build, target)
    except FileExistsError:
        rename_exchange(build, target)


def replace_link(store: BlobStore, link: Path, target: str) -> None:
    """Make a symbolic link, in the place of another if need be, in one step."""
    with suppress(FileExistsError):
        return link.symlink_to(target)
    temporary = store.temp / unique("link", ".tmp")
    temporary.symlink_to(target)
    try:
        temporary.rename(link)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def discard_folder(store: BlobStore, folder: Path) -> None:
    """Take a folder away in one step, then delete it."""
    with aside(store) as build:
        grave = build / "removed"
        try:
            folder.rename(grave)
        except FileNotFoundError:
            return
        fsync_folder(folder.parent)


def _checked_type(type: str) -> str:  # noqa: A002
    if not _TYPE.fullmatch(type):
        raise UnsafeError(f"{type[:80]!a} is not a type of models")
    return type


def _install(build: Path, folder: Path, name: str, author: str | None, model: str) -> Path:
    """Swap a view in where the model has one, else take the first name that is free."""
    existing = _existing(folder, name, author, model)
    if existing is not None:
        swap_in(build, existing)
        return existing
    for candidate in _candidates(name, author, model):
        try:
            rename_exclusive(build, folder / candidate)
        except FileExistsError:
            if owner_of_view(folder / candidate) != model:
                continue
            rename_exchange(build, folder / candidate)
        return folder / candidate
    raise HubError(f"there is no free folder for {model!a} in {folder}")


def _candidates(name: str, author: str | None, model: str) -> tuple[str, ...]:
    plain = folder_name(name)
    suffix = hashlib.sha256(model.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    by_author = (f"{plain}--{folder_name(author)}",) if author else ()
    return (plain, *by_author, f"{plain}--{suffix}")


def _existing(folder: Path, name: str, author: str | None, model: str) -> Path | None:
    places = (folder / candidate for candidate in _candidates(name, author, model))
    return next((place for place in places if owner_of_view(place) == model), None)


def owner_of_view(view: Path) -> str | None:
    """The model that a view belongs to."""
    try:
        return (view / VIEW_MARKER).read_text("utf-8", "replace")
    except OSError:
        return None
