"""Bringing files in that are on this box already."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from tui_hub.blobs import references
from tui_hub.blobs.blocks import clone, copy_range
from tui_hub.blobs.files import unique
from tui_hub.blobs.hashing import Both, hash_piece
from tui_hub.blobs.partial import Partial
from tui_hub.domain.errors import CorruptError, NotFoundError, RefusedError
from tui_hub.domain.frozen import dataclass

if TYPE_CHECKING:
    from tui_hub.blobs.store import BlobStore

_PIECE = 16 * 1024**2
"""Bytes that are copied before they are hashed, while the page cache still has them."""

_WORTH_LOOKING = 1024**2
"""Bytes from which on a copy is worth avoiding."""


class Way(StrEnum):
    """How a file of this box becomes a blob."""

    REFLINK = "reflink"
    """Its blocks are shared until somebody writes to one of the two: best, where it can be done."""
    HARDLINK = "hardlink"
    """The file itself gets a second name. It becomes read-only under both, and whoever writes to
    it all the same damages the blob."""
    REFERENCE = "reference"
    """It stays where it lies, and the store points at it; see `references`."""
    COPY = "copy"
    """Its bytes are written once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which terms a file is brought in."""

    sha256: str | None = None
    """What its hash must be, if that is known."""
    md5: str | None = None
    modified: int | None = None
    """When it must have been written last, in nanoseconds as `stat` tells them."""
    ways: tuple[Way, ...] = (Way.REFLINK, Way.COPY)
    """How it may come in: blocks are shared before all else, and copied when nothing else goes."""
    progress: Callable[[int], None] | None = None
    """Called with the number of bytes that are done; what it raises ends the work."""
    announce: Callable[[str], None] | None = None
    """Called with the hash before there is a blob of that name."""
    room: Callable[[int], None] | None = None
    """Called with the bytes of a copy before the first is written; what it raises ends the work."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A file that is in the store now."""

    sha256: str
    way: Way | None
    """How it came in; `None` when its blob was here already."""


NO_TERMS = Terms()


def adopt(store: BlobStore, path: Path, terms: Terms) -> Adopted:
    """Hash a file and make it a blob; see `BlobStore.take_in`."""
    source = _open(path)
    try:
        partial = store.open_partial(unique("adopt", ""), None)
        try:
            return _Work(store, source, path, terms).bring(partial)
        finally:
            partial.discard()
    finally:
        os.close(source)


class _Work:
    """Brings one open file in."""

    def __init__(self, store: BlobStore, source: int, path: Path, terms: Terms) -> None:
        self._store, self._source, self._path, self._terms = store, source, path, terms
        self._before = os.fstat(source)
        if terms.modified not in (None, self._before.st_mtime_ns):
            raise self._changed()

    def bring(self, partial: Partial) -> Adopted:
        """Make it a blob, by the cheapest way that is wanted and possible.

        Raises:
            RefusedError: when none is.
        """
        size, ways = self._before.st_size, self._terms.ways
        in_place = [way for way in ways if way in (Way.HARDLINK, Way.REFERENCE)]
        shared = Way.REFLINK in ways and clone(self._source, partial.fileno())
        if not shared and (in_place or Way.COPY not in ways or _has_twin(self._store, size)):
            digest = self._hash(self._source)
            if self._store.has(digest, size):
                return Adopted(digest, None)
            for way in in_place:
                if self._keep(way, digest):
                    return Adopted(digest, way)
            if Way.COPY not in ways:
                raise self._impossible()
        if not shared:
            self._report(0)
            if self._terms.room is not None:
                self._terms.room(size)
        digest = self._hash(partial.fileno(), copying=not shared)
        known = self._store.has(digest, size)
        self._store.commit(partial, digest)
        brought = Way.REFLINK if shared else Way.COPY
        return Adopted(digest, None if known else brought)

    def _keep(self, way: Way, digest: str) -> bool:
        """Make the file itself the blob; `False` where that is not possible."""
        return self._share(digest) if way is Way.HARDLINK else self._refer(digest)

    def _hash(self, descriptor: int, *, copying: bool = False) -> str:
        """The SHA-256 of an open file, filled piece by piece from the source when `copying`.

        Raises:
            CorruptError: when it is not what it must be.
        """
        hasher = Both() if self._terms.md5 is not None else hashlib.sha256()
        size = self._before.st_size
        for start in range(0, size, _PIECE):
            end = min(start + _PIECE, size)
            if copying:
                copy_range(self._source, descriptor, start, end)
            hash_piece(descriptor, hasher, start, end)
            self._report(end)
        self._check("SHA-256", hasher.hexdigest(), self._terms.sha256)
        if isinstance(hasher, Both):
            self._check("MD5", hasher.md5.hexdigest(), self._terms.md5)
        if _state(os.fstat(self._source)) != _state(self._before):
            raise self._changed()
        digest = hasher.hexdigest()
        if self._terms.announce is not None:
            self._terms.announce(digest)
        return digest

    def _check(self, kind: str, found: str, expected: str | None) -> None:
        if expected not in (None, found):
            raise CorruptError(
                f"{str(self._path)!a} has the {kind} {found} instead of {expected}",
                hint="It is another file, is damaged, or changed while it was read.",
            )

    def _report(self, done: int) -> None:
        if self._terms.progress is not None:
            self._terms.progress(done)

    def _share(self, digest: str) -> bool:
        """Give the file a second name, in the store; `False` where that is not possible."""
        aside = self._store.temp / unique("adopt", ".tmp")
        try:
            aside.hardlink_to(self._path.resolve())
            os.fchmod(self._source, 0o444)
        except OSError:
            aside.unlink(missing_ok=True)
            return False
        try:
            os.fsync(self._source)
            after = os.fstat(self._source)
            same = os.path.samestat(after, aside.lstat())
            if not same or _state(after) != _state(self._before):
                raise self._changed()
            self._store.publish(aside, digest, after)
        finally:
            aside.unlink(missing_ok=True)
        return True

    def _refer(self, digest: str) -> bool:
        """Point at the file; `False` where a later write to it might not show."""
        real = self._path.resolve()
        now = real.lstat()
        if not os.path.samestat(now, self._before) or _state(now) != _state(self._before):
            raise self._changed()
        if not references.is_settled(now):
            return False
        references.refer(self._store, real, digest, now)
        return True

    def _impossible(self) -> RefusedError:
        ways = " or ".join(self._terms.ways)
        return RefusedError(
            f"{str(self._path)!a} cannot be taken in by {ways}: it lies on another file system, "
            "on one that cannot do that, belongs to another user, or was written a moment ago",
            hint="Another way may do: a copy always does where there is room.",
        )

    def _changed(self) -> CorruptError:
        return CorruptError(
            f"{str(self._path)!a} changed while it was read, or since it was listed",
            hint="Let whatever writes to it finish, then try again.",
        )


def _open(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NotFoundError(f"{str(path)!a} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotFoundError(f"{str(path)!a} is not a file")
    return descriptor


def _state(status: os.stat_result) -> tuple[int, int]:
    """What changes with every write to a file."""
    return status.st_size, status.st_mtime_ns


def _has_twin(store: BlobStore, size: int) -> bool:
    """Whether a blob of this size is here: then it may be the same, and copying it a waste.

    A small file is copied sooner than all blobs are looked at.
    """
    return size >= _WORTH_LOOKING and any(store.size(sha256) == size for sha256 in store.iter())
