"""Bytes that can be read from anywhere without being held: memory, a file, seeded weights."""

from __future__ import annotations

import hashlib
import itertools
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol
from zlib import crc32

from tui_hub.demo.patterns import pattern

_CHUNK = 1024 * 1024


class Content(Protocol):
    """What a file of the hub holds."""

    @property
    def size(self) -> int:
        """Bytes in all."""

    @property
    def identity(self) -> str:
        """A short text that changes whenever the bytes do, known without reading them."""

    def read(self, start: int, length: int) -> bytes:
        """The bytes from `start`, fewer than `length` only at the end."""


@dataclass(frozen=True)
class Bytes:
    """Content in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.data)

    @cached_property
    def identity(self) -> str:
        """The hash of the bytes."""
        return hashlib.sha1(self.data).hexdigest()

    def read(self, start: int, length: int) -> bytes:
        """A slice."""
        return self.data[start : start + length]


@dataclass(frozen=True)
class Disk:
    """Content of a file on disk, read piece by piece."""

    path: Path

    @cached_property
    def size(self) -> int:
        """Bytes in all."""
        return self.path.stat().st_size

    @cached_property
    def identity(self) -> str:
        """Where it lies and when it was written."""
        return f"{self.path} {self.size} {self.path.stat().st_mtime_ns}"

    def read(self, start: int, length: int) -> bytes:
        """A piece of the file."""
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(length)


@dataclass(frozen=True)
class Weights:
    """Numbers of one type that look like trained weights, the same for the same seed.

    A repeated pattern, turned by an amount that depends on the block, so that any range costs no
    more than a copy and pieces put in the wrong order change the hash.
    """

    kind: str
    """The number type or quantisation, as `patterns` names it."""
    size: int
    seed: str

    @property
    def identity(self) -> str:
        """All that decides the bytes."""
        return f"{self.kind} {self.size} {self.seed}"

    def read(self, start: int, length: int) -> bytes:
        """The blocks that the range touches, cut to it."""
        made = pattern(self.kind)
        block = len(made.data)
        end = min(start + length, self.size)
        if start >= end:
            return b""
        first = start // block
        blocks = (self._block(number) for number in range(first, (end - 1) // block + 1))
        return b"".join(blocks)[start - first * block : end - first * block]

    def _block(self, number: int) -> bytes:
        made = pattern(self.kind)
        turn = crc32(f"{self.seed}:{number}".encode()) % (len(made.data) // made.unit) * made.unit
        return made.data[turn:] + made.data[:turn]


class Joined:
    """Contents one after the other."""

    def __init__(self, parts: Sequence[Content]) -> None:
        self._parts = tuple(part for part in parts if part.size)
        self._starts = tuple(itertools.accumulate((part.size for part in self._parts), initial=0))

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self._starts[-1]

    @cached_property
    def identity(self) -> str:
        """Of all the parts."""
        return hashlib.sha1("\n".join(part.identity for part in self._parts).encode()).hexdigest()

    def read(self, start: int, length: int) -> bytes:
        """What the parts hold in this range."""
        pieces: list[bytes] = []
        position, end = start, min(start + length, self.size)
        number = bisect_right(self._starts, start) - 1
        while position < end:
            offset = position - self._starts[number]
            piece = self._parts[number].read(offset, end - position)
            pieces.append(piece)
            position += len(piece)
            number += 1
        return b"".join(pieces)


def chunks(content: Content, start: int, end: int, size: int = _CHUNK) -> Iterator[bytes]:
    """The bytes of a half-open range in pieces of at most `size`."""
    for position in range(start, end, size):
        yield content.read(position, min(size, end - position))
