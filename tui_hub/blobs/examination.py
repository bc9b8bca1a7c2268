"""Looking at a blob: whether it still is what its name says, whatever has become of it."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tui_hub.blobs import references
from tui_hub.blobs.hashing import hash_descriptor
from tui_hub.domain.errors import HubError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import is_sha256

if TYPE_CHECKING:
    from tui_hub.blobs.store import BlobStore

_WRITABLE = 0o222
_SEALED = 0o444
_DISK = frozenset({errno.EIO, errno.EBADMSG, errno.EUCLEAN, errno.ENODATA, errno.EREMOTEIO})
"""How a disk says that it has lost these bytes. All else that may fail says nothing of them: too
many open files, no memory, a network file system that is away for a moment."""
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when another file takes the place of this one, or somebody writes to it."""

    size: int
    modified: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What looking at a blob brought."""

    sha256: str
    status: os.stat_result
    reason: str | None = None
    """Why it is damaged; `None` when it is sound."""
    found: str | None = None
    """The hash of its bytes, where they could be read."""
    ours_to_move: bool = True
    """Whether it can be said to be damaged; what cannot be read right now may be sound."""
    unsealed: bool = False
    """Whether it can be written to, and should not."""
    elsewhere: os.stat_result | None = None
    """The file that it points at, where it is one that stays where it lies."""
    touched: bool = False
    """Whether that file has another time than is written down, and the same bytes."""

    @property
    def stamp(self) -> Stamp:
        """By what it is known again."""
        return stamp_of(self.elsewhere or self.status)


def stamp_of(status: os.stat_result) -> Stamp:
    """By what a file is known again."""
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino)


def status_of(blob: Path) -> os.stat_result:
    """What is known of a blob, or of the file that it points at.

    Raises:
        OSError: when there is none, or that file is not what it was.
    """
    if references.is_one(blob) and references.size(blob) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(blob))
    return blob.stat() if references.is_one(blob) else blob.lstat()


def examine(
    store: BlobStore, sha256: str, progress: Callable[[int], None] | None = None
) -> Examined | None:
    """Hash a blob from the disk itself; `None` when there is none of this name.

    One that points at a file is none once that file is not what it was. A file that has another
    time, and its size, is hashed to know.

    Never raises for what is wrong with the blob. What `progress` raises passes through.
    """
    path = store.path(sha256)
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        nothing = os.stat_result((0,) * 10)
        return Examined(sha256=sha256, status=nothing, reason=_words(error), ours_to_move=False)
    elsewhere = references.is_one(path)
    touched = elsewhere and references.is_touched(path)
    if elsewhere and not touched and references.size(path) is None:
        return None
    kind = None if elsewhere else _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is not None:
        return Examined(sha256=sha256, status=status, reason=f"is {kind}, not a file")
    try:
        follow = 0 if elsewhere else os.O_NOFOLLOW
        descriptor = os.open(path, os.O_RDONLY | follow | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        return _unread(sha256, status, error)
    try:
        read = _read(sha256, descriptor, progress)
    finally:
        os.close(descriptor)
    if touched and read.found not in (None, sha256):
        return None
    if elsewhere:
        return replace(read, status=status, elsewhere=read.status, unsealed=False, touched=touched)
    return read


def seal(store: BlobStore, examined: Examined) -> bool:
    """Make a sound blob read-only again; `False` where this user may not."""
    with suppress(OSError):
        descriptor = os.open(
            store.path(examined.sha256), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
        try:
            if os.path.samestat(os.fstat(descriptor), examined.status):
                os.fchmod(descriptor, stat.S_IMODE(examined.status.st_mode) & ~_WRITABLE | _SEALED)
                return True
        finally:
            os.close(descriptor)
    return False


def renew(store: BlobStore, examined: Examined) -> bool:
    """Let a sound file that was touched count again; `False` where that is not possible yet."""
    if examined.elsewhere is None:
        return False
    with suppress(OSError, HubError):
        return references.renew(store, examined.sha256, examined.status, examined.elsewhere)
    return False


def strangers(store: BlobStore) -> Iterator[Path]:
    """What lies among the blobs and has no blob's name. Nobody made that here."""
    with suppress(FileNotFoundError), os.scandir(store.blobs) as entries:
        for entry in entries:
            if not is_sha256(entry.name):
                yield Path(entry.path)


def names(store: BlobStore) -> Iterator[str]:
    """All names of blobs, whatever is under them."""
    with suppress(FileNotFoundError), os.scandir(store.blobs) as entries:
        for entry in entries:
            if is_sha256(entry.name):
                yield entry.name


def _read(sha256: str, descriptor: int, progress: Callable[[int], None] | None) -> Examined:
    # What the page cache has says nothing of the disk, and what comes into it only for this drives
    # out what others need. Pages that a program has mapped stay.
    _forget(descriptor)
    status = os.fstat(descriptor)
    try:
        found = hash_descriptor(descriptor, hashlib.sha256(), progress)
    except OSError as error:
        return _unread(sha256, status, error)
    finally:
        _forget(descriptor)
    if found == sha256:
        return Examined(
            sha256=sha256, status=status, found=found, unsealed=bool(status.st_mode & _WRITABLE)
        )
    return Examined(sha256=sha256, status=status, found=found, reason="has another hash")


def _unread(sha256: str, status: os.stat_result, error: OSError) -> Examined:
    return Examined(
        sha256=sha256, status=status, reason=_words(error), ours_to_move=error.errno in _DISK
    )


def _forget(descriptor: int) -> None:
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _words(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"
