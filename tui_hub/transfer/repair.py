"""Which pieces of a damaged file are in doubt: those that differ from fetch to fetch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable

from tui_hub import text
from tui_hub.domain.errors import CorruptError
from tui_hub.transfer.pieces import Range, Ranges
from tui_hub.transfer.trouble import Mismatch

_PIECE = 8 * 1024**2
_BLOCK = 1024**2
_FETCHES = 4
"""How often a piece is fetched before the way to its source is given up."""
_AFFORDABLE = 64 * 1024**2
"""Bytes that are fetched a third time without asking whether they are few beside the file."""


class Repair:
    """Remembers what each piece hashed to, fetch after fetch.

    A hash of the whole file tells that something is wrong and not where. Two fetches do: where they
    agree, the bytes are most likely those of the source, and where they differ only those few are
    fetched a third time.
    """

    def __init__(self, piece_size: int = _PIECE) -> None:
        self._piece_size = piece_size
        self._seen: dict[int, set[bytes]] = {}
        self._fetches = 0

    def mended(self, descriptor: int, size: int, check: Callable[[], None]) -> tuple[Range, ...]:
        """Where a file that has proved right had arrived damaged before. As `compare`."""
        if not self._fetches:
            return ()
        self._look(descriptor, size, check)
        return self._merged((start for start, seen in self._seen.items() if len(seen) > 1), size)

    def compare(
        self, descriptor: int, size: int, mismatch: Mismatch, check: Callable[[], None]
    ) -> tuple[Range, ...]:
        """What of a wrong file to keep for the next fetch; nothing the first time.

        Args:
            descriptor: the file.
            size: its length.
            mismatch: what is wrong with it.
            check: called now and then; what it raises passes through.

        Raises:
            CorruptError: when another fetch would not help.
            OSError: when the file cannot be read.
        """
        self._fetches += 1
        wrong = self._look(descriptor, size, check)
        if self._fetches == 1:
            return ()
        self._judge(wrong, size, mismatch)
        return self._merged((start for start in self._seen if start not in wrong), size)

    def _look(self, descriptor: int, size: int, check: Callable[[], None]) -> set[int]:
        """The pieces whose bytes were not seen before."""
        fresh: set[int] = set()
        for start in range(0, size, self._piece_size):
            check()
            digest = _digest(descriptor, start, min(size, start + self._piece_size))
            seen = self._seen.setdefault(start, set())
            if digest not in seen:
                fresh.add(start)
                seen.add(digest)
        return fresh

    def _judge(self, wrong: set[int], size: int, mismatch: Mismatch) -> None:
        """Whether a few pieces are worth another fetch."""
        if not wrong:
            raise CorruptError(
                f"the file arrived damaged twice: {mismatch.message}. Its bytes were the same each "
                "time, and were given up",
                hint="The source, or a mirror or cache before it, holds another file than the "
                "listing says; or the checksum that was asked for is another file's.",
            )
        count = len(wrong) * self._piece_size
        if self._fetches >= _FETCHES or count > max(_AFFORDABLE, size // 4):
            raise CorruptError(
                f"the file arrived damaged twice: {mismatch.message}. Its bytes were others each "
                f"time ({_words(self._merged(wrong, size))}), and were given up",
                hint="Something between the source and this box changes them, memory and disk "
                "included: try another network, or leave out a proxy.",
            )

    def _merged(self, starts: Iterable[int], size: int) -> tuple[Range, ...]:
        merged = Ranges()
        for start in starts:
            merged.add(start, min(size, start + self._piece_size))
        return tuple(merged)


def _words(ranges: tuple[Range, ...]) -> str:
    """A few ranges for people."""
    shown = [f"at {text.size(start)} to {text.size(end)}" for start, end in ranges[:3]]
    more = len(ranges) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _digest(descriptor: int, start: int, end: int) -> bytes:
    result = hashlib.sha256()
    while start < end:
        block = os.pread(descriptor, min(_BLOCK, end - start), start)
        if not block:
            raise OSError("the partial file is shorter than what was written to it")
        result.update(block)
        start += len(block)
    return result.digest()
