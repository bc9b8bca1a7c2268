"""Hashes of files, read in pieces so that memory stays flat."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tui_hub.domain.errors import CorruptError

_CHUNK = 1024**2


class Hasher(Protocol):
    """What takes bytes and gives a digest, as `hashlib` does it."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...


class Both:
    """SHA-256 and MD5 in one go."""

    def __init__(self) -> None:
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take bytes into both."""
        self.md5.update(data)
        self._sha256.update(data)

    def hexdigest(self) -> str:
        """The SHA-256."""
        return self._sha256.hexdigest()


def sha256_file(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """The SHA-256 of a file as hex.

    Args:
        path: the file.
        progress: called with the number of bytes of each piece read; what it raises ends the work.
    """
    return _file(path, hashlib.sha256(), progress)


def git_blob_sha1(path: Path) -> str:
    """The id that git gives a file: SHA-1 over `blob <size>\\0` and the bytes (gitformat-pack)."""
    return _file(path, git_blob_hasher(path.stat().st_size), None)


def git_blob_hasher(size: int) -> Hasher:
    """A hasher for the git blob id of content of `size` bytes that is yet to come."""
    hasher = hashlib.sha1(usedforsecurity=False)
    hasher.update(b"blob %d\0" % size)
    return hasher


def hash_descriptor(
    descriptor: int, hasher: Hasher, progress: Callable[[int], None] | None = None
) -> str:
    """The digest of an open file from its start to its end; its position is left alone."""
    buffer = memoryview(bytearray(_CHUNK))
    offset = 0
    while count := os.preadv(descriptor, [buffer], offset):
        hasher.update(buffer[:count])
        offset += count
        if progress is not None:
            progress(count)
    return hasher.hexdigest()


def hash_piece(descriptor: int, hasher: Hasher, start: int, end: int) -> None:
    """Take some bytes of an open file into a hasher.

    Raises:
        CorruptError: when the file ends before them.
    """
    buffer = memoryview(bytearray(min(_CHUNK, end - start)))
    while start < end:
        count = os.preadv(descriptor, [buffer[: end - start]], start)
        if count == 0:
            raise CorruptError("a file grew shorter while it was read")
        hasher.update(buffer[:count])
        start += count


def _file(path: Path, hasher: Hasher, progress: Callable[[int], None] | None) -> str:
    with path.open("rb", buffering=0) as file:
        return hash_descriptor(file.fileno(), hasher, progress)
