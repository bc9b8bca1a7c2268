"""One file of a scan after the other: hashed, and brought into the store where that is wanted."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from tui_hub import text
from tui_hub.blobs import BlobStore, Terms, Way
from tui_hub.blobs.hashing import git_blob_hasher, hash_descriptor, sha256_file
from tui_hub.database.file_hashes import FileHash
from tui_hub.domain.errors import CorruptError, HubError, NoSpaceError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.scanning import ScanMode
from tui_hub.foreign import FoundFile
from tui_hub.services.downloads.whole_weights import BROKEN, why_broken
from tui_hub.services.storage.disk_work import DiskWork
from tui_hub.text import clean

SMALL = 1024**2
"""Bytes below which a file is copied rather than pointed at, and hashed rather than remembered."""
_STRICT = {
    ScanMode.REFLINK: (Way.REFLINK,),
    ScanMode.HARDLINK: (Way.HARDLINK,),
    ScanMode.REFERENCE: (Way.REFERENCE,),
    ScanMode.COPY: (Way.COPY,),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """A file whose bytes were looked at."""

    file: FoundFile
    sha256: str
    way: Way | None = None
    """How it came into the store; `None` when it did not have to, or was not to."""
    duplicate: bool = False
    """Whether the same bytes take disk elsewhere on this box."""


class Intake:
    """Looks at files and takes them in. Its methods block, and are for the thread of the work."""

    def __init__(self, store: BlobStore, work: DiskWork, reserve: int) -> None:
        self._store = store
        self._work = work
        self._reserve = reserve
        self._first: dict[str, tuple[int, int]] = {}
        """Where each content was seen first in this scan, by device and inode."""

    def look(self, file: FoundFile, known: FileHash | None) -> Seen:
        """Hash a file, if it is not known what it hashes to.

        Raises:
            CorruptError: when it is not what its layout says, or changes meanwhile.
            HubError: when it cannot be read.
        """
        self._work.subject = file.place.name
        try:
            self._check(file)
            if known is not None:
                self._work.skip(file.size)
                self._work.advance(0)
                self._check(file, known.sha256)
                return self._seen(file, known.sha256, known)
            digest = sha256_file(file.place, self._work.advance)
            now = file.place.lstat()
        except OSError as error:
            raise _unreadable(file, error) from None
        if (now.st_size, now.st_mtime_ns, now.st_ino) != (file.size, file.modified, file.inode):
            raise CorruptError("it changed while it was read")
        self._check(file, digest)
        return self._seen(file, digest, known)

    def take(
        self, file: FoundFile, known: FileHash | None, mode: ScanMode, hold: Callable[[str], None]
    ) -> Seen:
        """Bring a file into the store, if its bytes are not there.

        Args:
            file: the file.
            known: what it hashes to, where an earlier scan saw that.
            mode: how it may come in.
            hold: told of each hash before its blob is relied on.

        Raises:
            HubError: as `look`, and when it cannot come in this way, or there is no room.
        """
        if known is not None:
            hold(known.sha256)
            if self._store.has(known.sha256, file.size):
                return self.look(file, known)
        self._work.subject = file.place.name
        done = 0

        def advance(now: int) -> None:
            nonlocal done
            self._work.advance(max(now - done, 0))
            done = max(now, done)

        try:
            self._check(file)
            terms = Terms(
                sha256=file.sha256,
                modified=file.modified,
                ways=_ways(mode, file.place),
                progress=advance,
                announce=hold,
                room=self._room,
            )
            taken = self._store.take_in(file.place, terms)
        except OSError as error:
            raise _unreadable(file, error) from None
        if taken.way is None:
            return self._seen(file, taken.sha256, known)
        return Seen(file, taken.sha256, taken.way)

    def git_sha1(self, sha256: str) -> str:
        """The git blob id of a blob."""
        return self._git_sha1(self._store.path(sha256))

    def _check(self, file: FoundFile, digest: str | None = None) -> None:
        """See that a file is what its layout calls it, as far as that can be told by now.

        Raises:
            CorruptError: when it is not.
        """
        wrong = file.sha256 is not None and digest not in (None, file.sha256)
        if digest is None and file.git_sha1 is not None:
            wrong = self._git_sha1(file.place) != file.git_sha1
        if wrong:
            raise CorruptError(f"{_name(file)} is damaged: it is not what its name there says")
        if file.sha256 is None and file.git_sha1 is None:
            why = why_broken(file.place, file.path)
            if why is not None:
                raise CorruptError(f"{_name(file)} is {why}", hint=BROKEN)

    def _git_sha1(self, path: Path) -> str:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            # Counted already; only the wish to end is heeded.
            return hash_descriptor(
                file.fileno(), git_blob_hasher(size), lambda _: self._work.advance(0)
            )

    def _seen(self, file: FoundFile, digest: str, known: FileHash | None) -> Seen:
        """A file with whether its bytes take disk a second time."""
        here = file.place.lstat()
        place = (here.st_dev, here.st_ino)
        again = self._first.setdefault(digest, place) != place
        if not again and self._store.has(digest, file.size):
            blob = self._store.path(digest).stat()
            shared = known is not None and known.shared
            again = not shared and not os.path.samestat(here, blob)
        return Seen(file, digest, None, again)

    def _room(self, size: int) -> None:
        """Refuse a copy that would fill the disk.

        Raises:
            NoSpaceError: with the figures.
        """
        free = shutil.disk_usage(self._store.root).free
        if size + self._reserve > free:
            raise NoSpaceError(
                f"a copy needs {text.size(size)} on the disk of the store, {text.size(free)} are "
                f"free, and {text.size(self._reserve)} stay so"
            )


def _ways(mode: ScanMode, place: Path) -> tuple[Way, ...]:
    """The ways that a mode means for one file.

    Only what this user and root alone decide about is pointed at of our own accord. What their
    groups may write to counts as theirs, since many systems give each user a group.
    """
    if mode is not ScanMode.AUTO:
        return _STRICT[mode]
    if place.lstat().st_size >= SMALL and _is_ours_alone(place):
        return (Way.REFLINK, Way.REFERENCE, Way.COPY)
    return (Way.REFLINK, Way.COPY)


def _is_ours_alone(place: Path) -> bool:
    """Whether no other user can write to a file, or put another one in its place.

    In a folder with the sticky bit, such as `/tmp`, everybody may only do that to their own.
    """
    for one in (place, *place.parents):
        status = one.lstat()
        open_to_all = status.st_mode & stat.S_IWOTH
        sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        if status.st_uid not in (0, os.getuid()) or (open_to_all and not sticky):
            return False
    return True


def _unreadable(file: FoundFile, error: OSError) -> HubError:
    return HubError(f"{_name(file)} cannot be read: {error.strerror}")


def _name(file: FoundFile) -> str:
    return clean(file.path, 200)
