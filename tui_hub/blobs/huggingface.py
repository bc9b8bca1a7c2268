"""The blobs as a Hugging Face cache, which `huggingface_hub` reads offline without a copy.

`hf/models--org--name/` holds `blobs/<etag>` (links to the store's blobs),
`snapshots/<commit>/<path>` (links to those) and `refs/<name>` (the commit, as text). The layout is
documented at https://huggingface.co/docs/hub/local-cache.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tui_hub.blobs.belongings import carry_over, files_in
from tui_hub.blobs.files import fsync_folder, make_folder, storage_errors, write_atomic
from tui_hub.blobs.store import BlobStore
from tui_hub.blobs.views import aside, discard_folder, link_tree, replace_link, swap_in
from tui_hub.domain.errors import UnsafeError
from tui_hub.domain.identifiers import repository_path

_REPOSITORY = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9_.][A-Za-z0-9._-]{0,95})?")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
NO_LINK = "is no link but something else"
"""What is said of a file that stands where a link should be."""
_OURS = "../../../blobs/sha256/"
"""How the links to the store's blobs begin; whatever else is in the cache is somebody else's."""


def publish_hf(
    store: BlobStore,
    repository: str,
    revision: str,
    refs: Sequence[str],
    files: Iterable[tuple[str, str, str | None]],
) -> Path:
    """Show a repository's files as a snapshot of a Hugging Face cache, and give its folder.

    Of what is made here the snapshot holds exactly these files afterwards; earlier ones go, since
    their blobs may go too. What somebody else downloaded into the cache stays where it is.

    Args:
        store: the store.
        repository: `org/name`, or a name alone.
        revision: the commit.
        refs: the branches and tags that stand for it. `main` always does, so that who asks for no
            revision gets what is here.
        files: path, SHA-256 and ETag of each file. Without an ETag its hash takes its place.

    Raises:
        UnsafeError: when one of the names is not fit for a file system.
    """
    folder = _folder(store, repository)
    snapshot = folder / "snapshots" / _plain(revision)
    pointing = [repository_path(ref) for ref in dict.fromkeys(("main", *refs))]
    names = {path: (_etag(etag, sha256), sha256) for path, sha256, etag in files}
    with storage_errors(store.root), store.lock(folder.name, wait=5.0):
        for part in ("blobs", "snapshots", "refs"):
            make_folder(folder / part)
        for name, sha256 in names.values():
            _link_blob(store, folder / "blobs", name, sha256)
        fsync_folder(folder / "blobs")
        with aside(store) as build:
            targets = {path: f"{folder}/blobs/{name}" for path, (name, _) in names.items()}
            link_tree(build, snapshot, targets)
            carry_over(snapshot, build, lambda file: _is_made_here(folder, file))
            swap_in(build, snapshot)
            fsync_folder(snapshot.parent)
        for ref in pointing:
            _write_ref(store, folder / "refs" / ref, revision)
        _prune(store, folder, keep=revision)
    return snapshot


def remove_hf(store: BlobStore, repository: str) -> bool:
    """Remove a repository from the cache; gives whether it was there.

    Files that were downloaded into the cache by somebody else stay.
    """
    folder = _folder(store, repository)
    if not folder.is_dir():
        return False
    return sweep_hf(store, repository, lambda: False, None)


def repositories(store: BlobStore) -> Iterator[tuple[str, Path]]:
    """The repositories of which something was published in the cache, with their folders."""
    for folder in _entries(store.hf):
        name = folder.name.removeprefix("models--").replace("--", "/")
        if folder.name.startswith("models--") and not folder.is_symlink():
            with suppress(UnsafeError):
                if _folder(store, name) == folder:
                    yield name, folder


def stale_in_hf(store: BlobStore, repository: str, keep: str | None) -> set[str]:
    """The hashes behind the links made here, but for those of one revision.

    Links that no snapshot uses count too; what somebody else downloaded does not.
    """
    folder = _folder(store, repository)
    used = _used(folder / "snapshots" / keep) if keep is not None else set()
    return {
        blob.readlink().name
        for blob in _entries(folder / "blobs")
        if blob.name not in used and _is_our_link(blob)
    }


def is_empty_in_hf(store: BlobStore, repository: str) -> bool:
    """Whether a repository has folders in the cache and nothing in them."""
    return not any(True for _ in files_in(_folder(store, repository)))


def sweep_hf(
    store: BlobStore, repository: str, needed: Callable[[], bool], keep: str | None
) -> bool:
    """Remove what was made here of a repository, but for one revision; whether it is gone.

    Args:
        store: the store.
        repository: `org/name`, or a name alone.
        needed: looks once more, now that nobody else is at work on the folder.
        keep: the revision that is installed.
    """
    folder = _folder(store, repository)
    with storage_errors(store.root), store.lock(folder.name, wait=5.0):
        if needed():
            return False
        _prune(store, folder, keep=keep)
        left = (*_entries(folder / "snapshots"), *_entries(folder / "blobs"))
        if keep is None and not left:
            discard_folder(store, folder)
    return True


def wrong_in_hf(
    store: BlobStore, repository: str, revision: str, files: Iterable[tuple[str, str]]
) -> tuple[Path, str] | None:
    """The first thing that is wrong with the snapshot of a revision, and its place.

    Args:
        store: the store.
        repository: `org/name`, or a name alone.
        revision: the commit.
        files: path and SHA-256 of each file that must be in it.

    Raises:
        UnsafeError: when one of the names is not fit for a file system.
    """
    folder = _folder(store, repository)
    snapshot = folder / "snapshots" / _plain(revision)
    for path, sha256 in files:
        link = snapshot / repository_path(path)
        problem = _astray(folder, link, sha256)
        if problem:
            return link, problem
    main = folder / "refs" / "main"
    if not (folder / "snapshots" / (_text(main) or "-")).is_dir():
        return main, "names no snapshot"
    return None


def _astray(folder: Path, link: Path, sha256: str) -> str | None:
    """What is wrong with a link of a snapshot."""
    try:
        blob = Path(os.path.normpath(link.parent / link.readlink()))
        if blob.parent != folder / "blobs":
            return "leads elsewhere"
        if _is_theirs(blob):
            return None
        return None if os.fspath(blob.readlink()) == _OURS + sha256 else "leads elsewhere"
    except FileNotFoundError:
        return "is missing"
    except OSError:
        return NO_LINK


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return None


def _folder(store: BlobStore, repository: str) -> Path:
    if not _REPOSITORY.fullmatch(repository) or "--" in repository or ".." in repository:
        raise UnsafeError(f"{repository[:80]!a} is not the name of a repository")
    return store.hf / f"models--{repository.replace('/', '--')}"


def _plain(text: str) -> str:
    if not _PLAIN.fullmatch(text):
        raise UnsafeError(f"{text[:80]!a} is not a revision")
    return text


def _etag(etag: str | None, sha256: str) -> str:
    """The name of a file in the cache: the ETag without quotes and weakness, where it is plain."""
    name = (etag or "").removeprefix("W/").strip('"')
    return name if _PLAIN.fullmatch(name) else sha256


def _link_blob(store: BlobStore, blobs: Path, name: str, sha256: str) -> None:
    """Let a blob of the cache lead to one of the store, unless it is somebody else's."""
    target = _OURS + os.path.basename(store.place(sha256))  # noqa: PTH119
    try:
        os.symlink(target, f"{blobs}/{name}")  # noqa: PTH211 - there may be thousands
    except FileExistsError:
        if not _is_theirs(blobs / name):
            replace_link(store, blobs / name, target)


def _write_ref(store: BlobStore, path: Path, revision: str) -> None:
    make_folder(path.parent)
    write_atomic(store.temp, path, revision.encode())


def _prune(store: BlobStore, folder: Path, keep: str | None) -> None:
    """Remove what was made here of every snapshot but one, its refs, and links that nobody uses."""
    kept = _used(folder / "snapshots" / keep) if keep is not None else set()
    others = [one for one in _entries(folder / "snapshots") if one.name != keep]
    gone = [one for one in others if _is_ours(folder, one)]
    names = {snapshot.name for snapshot in gone}
    # A ref without its snapshot makes the whole cache count as corrupt: so refs go first.
    for ref in files_in(folder / "refs"):
        with suppress(FileNotFoundError):
            if ref.read_text("utf-8", "replace").strip() in names:
                ref.unlink()
    for snapshot in others:
        if snapshot in gone:
            discard_folder(store, snapshot)
            continue
        for file in list(files_in(snapshot)):
            if _is_made_here(folder, file) and file.readlink().name not in kept:
                file.unlink(missing_ok=True)
    loose = [blob for blob in _entries(folder / "blobs") if blob.name not in kept]
    used = _used(folder / "snapshots") if loose else kept
    for blob in loose:
        if blob.name not in used and _is_our_link(blob):
            blob.unlink(missing_ok=True)


def _used(folder: Path) -> set[str]:
    """The names of the cache's blobs that the links below a folder lead to."""
    found, folders = set(), [os.fspath(folder)]
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    found.add(os.readlink(entry.path).rpartition("/")[2])  # noqa: PTH115
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return found


def _is_ours(folder: Path, snapshot: Path) -> bool:
    return all(_is_made_here(folder, file) for file in files_in(snapshot))


def _is_made_here(folder: Path, file: Path) -> bool:
    """Whether a file of a snapshot leads to a blob of the store."""
    return file.is_symlink() and _is_our_link(folder / "blobs" / file.readlink().name)


def _is_theirs(blob: Path) -> bool:
    """Whether a blob of the cache is somebody else's download, which huggingface_hub put there."""
    return blob.is_file() and not _is_our_link(blob)


def _is_our_link(blob: Path) -> bool:
    try:
        return os.fspath(blob.readlink()).startswith(_OURS)
    except OSError:
        return False


def _entries(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from [folder / name for name in sorted(os.listdir(folder))]  # noqa: PTH208
