"""The thread that hashes a file while it arrives."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import closing

from tui_hub.domain.frozen import dataclass
from tui_hub.transfer.reading import read_ahead

_BLOCK = 1024**2
_STEP = 4 * 1024**2
"""Bytes that must have arrived before the thread is woken; the end always wakes it."""
_AHEAD = 32 * 1024**2
"""Bytes by which the lanes may be ahead: what is left to hash after the last one."""
_MUCH = 64 * 1024**2
"""Bytes that are worth a thread which reads them while others are hashed."""


@dataclass(frozen=True, slots=True)
class Digests:
    """What the bytes hash to, in lower-case hex; the weaker two only where they were asked for."""

    sha256: str
    git_sha1: str | None = None
    md5: str | None = None


class Follower(threading.Thread):
    """Reads the prefix that has arrived back from the page cache and hashes it, in order.

    `hashlib` cannot save its state, so a resumed file is hashed from its first byte, while the
    lanes fetch the rest.
    """

    def __init__(
        self, descriptor: int, size: int | None, *, held: int, git_sha1: bool, md5: bool
    ) -> None:
        super().__init__(name="transfer-hash", daemon=True)
        self._descriptor = descriptor
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if md5 else None
        self._git = git_hash(size) if git_sha1 and size is not None else None
        self._changed = threading.Condition()
        self._held = held
        """Bytes that are here before it begins."""
        self._prefix = held
        self._end = size
        self._hashed = 0
        self._cancelled = False
        self.error: OSError | None = None
        """Why it ended too early, if the file could not be read."""

    @property
    def hashed(self) -> int:
        """Bytes that went into the hash so far."""
        return self._hashed

    def advance(self, prefix: int) -> None:
        """The bytes up to here have arrived. Lanes may tell of it in any order."""
        with self._changed:
            self._prefix = max(prefix, self._prefix)
            if self._prefix - self._hashed >= _STEP or self._prefix == self._end:
                self._changed.notify_all()

    def wait(self) -> None:
        """Wait while the hash is far behind, so that it is known soon after the last byte.

        What was here at the start is hashed while the rest comes, and keeps nobody waiting.
        """
        if self._hashed >= self._held:
            with self._changed:
                self._changed.wait_for(self._keeps_up)

    def finish(self, size: int) -> None:
        """The file ends here."""
        with self._changed:
            self._end = size
            self._changed.notify_all()

    def cancel(self) -> None:
        """End soon, without a result."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def run(self) -> None:
        """Hash until the end of the file, as its bytes arrive."""
        block = memoryview(bytearray(_BLOCK if self._end is None else min(_BLOCK, self._end)))
        try:
            if self._held >= _MUCH:
                self._hash_held()
            while (prefix := self._next()) is not None:
                while self._hashed < prefix and not self._cancelled:
                    self._hash(block[: prefix - self._hashed])
        except OSError as error:
            self.error = error
            self.cancel()

    def digests(self) -> Digests:
        """The result, after the thread has ended by itself."""
        return Digests(
            self._sha256.hexdigest(),
            self._git.hexdigest() if self._git else None,
            self._md5.hexdigest() if self._md5 else None,
        )

    def _keeps_up(self) -> bool:
        return self._cancelled or self._prefix - self._hashed <= _AHEAD

    def _next(self) -> int | None:
        """How far to hash now; `None` when it is over."""
        with self._changed:
            while not self._cancelled:
                if self._hashed == self._end:
                    return None
                if self._prefix - self._hashed >= _STEP or self._prefix == self._end:
                    return self._prefix
                self._changed.wait()
        return None

    def _hash_held(self) -> None:
        """Hash what was here before: nothing but the hash keeps that up."""
        with closing(read_ahead(self._descriptor, self._held)) as blocks:
            for block in blocks:
                if self._cancelled:
                    break
                self._take(block)

    def _hash(self, view: memoryview) -> None:
        count = os.preadv(self._descriptor, [view], self._hashed)
        if not count:
            raise OSError("the partial file is shorter than what was written to it")
        self._take(view[:count])

    def _take(self, view: memoryview) -> None:
        self._sha256.update(view)
        if self._git is not None:
            self._git.update(view)
        if self._md5 is not None:
            self._md5.update(view)
        self._hashed += len(view)
        with self._changed:
            self._changed.notify_all()


def git_hash(size: int) -> hashlib._Hash:
    """A hash that yields the id git gives to a blob of so many bytes."""
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def git_sha1_of(descriptor: int, size: int) -> str:
    """The git blob id of a whole file, for when its size came last."""
    result = git_hash(size)
    offset = 0
    while block := os.pread(descriptor, _BLOCK, offset):
        result.update(block)
        offset += len(block)
    return result.hexdigest()
