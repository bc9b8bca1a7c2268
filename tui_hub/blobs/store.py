"""The content-addressed store: a file in `blobs/sha256/` always has the hash that is its name."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from tui_hub.blobs import adoption, holds, layout, locks, naming, quarantine, references, sweeping
from tui_hub.blobs.adoption import NO_TERMS, Adopted, Terms
from tui_hub.blobs.claims import open_partial, resumable
from tui_hub.blobs.files import (
    fsync_folder,
    storage_errors,
)
from tui_hub.blobs.hashing import sha256_file
from tui_hub.blobs.nameless import Nameless, makes_nameless
from tui_hub.blobs.partial import Partial
from tui_hub.blobs.sidecar import PartialInfo, begun, scan, signs
from tui_hub.blobs.usage import Usage, measure
from tui_hub.domain.errors import UnsafeError
from tui_hub.domain.identifiers import is_sha256


class BlobStore:
    """One store on disk. Any number of processes, users and homes may use it at the same time."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.blobs = self.root / "blobs" / "sha256"
        self._blobs = str(self.blobs)
        self.references = self.root / "blobs" / "references"
        self.metadata = self.root / "metadata"
        self.temp = self.root / "temp"
        self.models = self.root / "models"
        self.active = self.root / "active"
        self.hf = self.root / "hf"
        self.quarantined = self.root / "quarantine"

    def prepare(self) -> None:
        """Make what is missing of the store's folders; a complete one is only looked at.

        Raises:
            RefusedError: when it is of a newer layout, lies on several file systems or on one that
                cannot hold it, or cannot be written though folders are missing.
        """
        layout.prepare(self)

    def check(self) -> None:
        """See that the store, if it is there, can be read. Raises `RefusedError`."""
        layout.check(self)

    def path(self, sha256: str) -> Path:
        """Where the blob of this hash is, or would be.

        Raises:
            UnsafeError: when the text is not a SHA-256 in lower-case hex.
        """
        return Path(self.place(sha256))

    def place(self, sha256: str) -> str:
        """The same as text, which is all that thousands of links need. Raises `UnsafeError`."""
        if not is_sha256(sha256):
            raise UnsafeError(f"{str(sha256)[:80]!a} is not a SHA-256")
        return f"{self._blobs}/{sha256}"

    def size(self, sha256: str) -> int | None:
        """Bytes of a blob; `None` when it is not here, or is not what it was; see `references`."""
        try:
            status = os.lstat(self.place(sha256))
        except FileNotFoundError:
            return None
        if stat.S_ISLNK(status.st_mode):
            return references.size(self.path(sha256))
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def has(self, sha256: str, size: int | None = None) -> bool:
        """Whether a blob is here, with this size if one is given."""
        found = self.size(sha256)
        return found is not None and size in (None, found)

    def iter(self) -> Iterator[str]:
        """The hashes of all blobs, in no order."""
        try:
            with os.scandir(self.blobs) as entries:
                for entry in entries:
                    if not is_sha256(entry.name):
                        continue
                    if entry.is_file(follow_symlinks=False) or references.is_one(Path(entry)):
                        yield entry.name
        except FileNotFoundError:
            return

    def open_partial(self, key: str, size: int | None = None, *, brief: bool = False) -> Partial:
        """Go on with what an interrupted attempt left of a file, or start it.

        Args:
            key: the identity of the file at its present version, for example a hash of model,
                revision and path. Any text will do.
            size: bytes of the whole file, where known.
            brief: it will be whole in a moment: nothing is recorded of it before a checkpoint.

        Raises:
            NoSpaceError: when the disk is full.
            RefusedError: when the store cannot be written.
        """
        with storage_errors(self.root):
            return open_partial(self.temp, key, size, brief=brief)

    def make_whole(self, key: str, content: memoryview) -> Partial | Nameless:
        """Write a small file whole, which is to be committed or discarded next.

        Raises:
            NoSpaceError: when the disk is full.
            RefusedError: when the store cannot be written.
        """
        with storage_errors(self.root):
            if makes_nameless(self.temp):
                return Nameless(self.temp, content)
            partial = open_partial(self.temp, key, len(content), brief=True)
            partial.begin_with(content)
            return partial

    def keep_beginning(
        self, key: str, size: int, content: memoryview, validator: str | None
    ) -> None:
        """Keep the first bytes of a file for the next attempt at it; see `open_partial`.

        Raises:
            NoSpaceError: when the disk is full.
            RefusedError: when the store cannot be written.
        """
        with storage_errors(self.root):
            partial = open_partial(self.temp, key, size)
            try:
                partial.begin_with(content)
                partial.settle(((0, len(content)),), validator)
            finally:
                partial.close()

    def begun(self) -> frozenset[str]:
        """The keys of all partials, in the form that `safe_key` gives them."""
        return begun(self.temp)

    def resumable(self, key: str) -> int:
        """Bytes that an interrupted attempt left of a file."""
        return resumable(self.temp, key)

    def signs(self, key: str) -> frozenset[tuple[str, int]]:
        """What changes whenever somebody gets on with a file on its way into the store."""
        return signs(self.temp, key)

    def partials(self) -> tuple[PartialInfo, ...]:
        """All files on their way into the store, of all processes."""
        return tuple(scan(self.temp))

    def promised(self) -> dict[str, int]:
        """Bytes of each file that running processes of any home have to bring, by its key."""
        return holds.promised(self.temp)

    def commit(
        self, partial: Partial | Nameless, sha256: str, record: Callable[[Path], None] | None = None
    ) -> Path:
        """Bring a complete file in under its hash, which the caller has computed from its bytes.

        Read-only and durable first, then its name, then the name durable, then whatever `record`
        writes down elsewhere, then the partial goes. When another process was faster, its blob
        stays.

        Raises:
            CorruptError: when the file has not the size that it should have.
            NoSpaceError, RefusedError, HubError: when the disk fails; the partial is kept.
        """
        return naming.commit(self, partial, sha256, record)

    def commit_all(self, partials: Sequence[tuple[Partial | Nameless, str]]) -> None:
        """Bring several files in, each as `commit` does; their names become durable together.

        When one fails, each can still be committed by itself.
        """
        naming.commit_all(self, partials)

    def publish(self, source: Path, sha256: str, sealed: os.stat_result) -> None:
        """Give a durable file of this store its name, unless a blob of its size has it already.

        Args:
            source: the file, read-only and flushed, on the store's file system.
            sha256: its hash.
            sealed: what `fstat` says of it.
        """
        naming.publish(self, source, sha256, sealed)

    def adopt(self, path: Path, terms: Terms = NO_TERMS) -> str:
        """Bring a local file in as `take_in` does, and give its hash."""
        return self.take_in(path, terms).sha256

    def take_in(self, path: Path, terms: Terms = NO_TERMS) -> Adopted:
        """Bring a local file in, sharing its blocks where the file system can.

        Args:
            path: the file; a link is followed.
            terms: what it must be, by which ways it may come, and who follows the work.

        Raises:
            NotFoundError: when it is not a file that can be read.
            CorruptError: when it is not what it must be, or changes while it is read.
            RefusedError: when none of the ways is possible.
        """
        with storage_errors(self.root):
            return adoption.adopt(self, path, terms)

    def remove(self, sha256: str) -> int:
        """Delete a blob, and give the bytes that frees; none when it was not here.

        Whether something refers to it is the caller's to know: see `garbage.collect`.
        """
        path = self.path(sha256)
        with storage_errors(self.root):
            try:
                status = path.lstat()
                references.drop(self, path)
                path.unlink()
            except FileNotFoundError:
                return 0
            fsync_folder(self.blobs)
        return status.st_size if status.st_nlink == 1 and stat.S_ISREG(status.st_mode) else 0

    def verify(self, sha256: str, progress: Callable[[int], None] | None = None) -> bool:
        """Whether the blob's bytes still have its hash.

        Raises:
            HubError: when they cannot be read. What `progress` raises passes through.
        """
        path = self.path(sha256)
        with storage_errors(self.root):
            return sha256_file(path, progress) == sha256

    def quarantine(self, sha256: str) -> Path | None:
        """Take a damaged blob away from its name, so that it can be fetched again."""
        return quarantine.quarantine(self, sha256)

    def lock(self, name: str, wait: float = 0.0) -> AbstractContextManager[bool]:
        """Say that this thread is at work on something, usually a hash, and learn if it is alone.

        Gives `False` when another holds the lock after `wait` seconds. It saves work, no more: on
        some network file systems everybody gets it.
        """
        return locks.lock(self.temp, name, wait)

    def usage(self) -> Usage:
        """The store in figures."""
        return measure(self)

    def discard_partials(self, keys: Collection[str]) -> int:
        """Remove what interrupted attempts left of some files, and give the bytes that frees.

        Files that a running process is at work on stay.
        """
        with storage_errors(self.root):
            return sweeping.discard(self.temp, keys)

    def sweep_temp(self, older_than: float = 7 * 86400.0, awaited: Collection[str] = ()) -> int:
        """Remove what nobody will come back for from `temp/`, and give the bytes that frees.

        Args:
            older_than: seconds since the last sign of life. Files of a running process stay.
            awaited: the keys of partials that stay however old they are.
        """
        with storage_errors(self.root):
            references.sweep(self)
            return sweeping.sweep(self.temp, older_than, awaited)
