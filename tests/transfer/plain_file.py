"""The simplest destination there is: a file, and its ranges in memory."""

from __future__ import annotations

import os
from pathlib import Path


class PlainFile:
    """A destination that forgets nothing but a power cut, and counts what is asked of it."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self._file = path.open("r+b", buffering=0)
        self.path = path
        self.size: int | None = None
        self.validator: str | None = None
        self.ranges: tuple[tuple[int, int], ...] = ()
        self.resets = 0
        self.checkpoints = 0
        self.notes: list[tuple[tuple[tuple[int, int], ...], str | None]] = []

    def hold(self, content: bytes, *ranges: tuple[int, int], validator: str | None) -> None:
        """Begin as an interrupted attempt left it."""
        self.allocate(len(content))
        for start, end in ranges:
            os.pwrite(self.fileno(), content[start:end], start)
        self.checkpoint(ranges, validator)

    def fileno(self) -> int:
        return self._file.fileno()

    def allocate(self, size: int) -> None:
        if size:
            os.posix_fallocate(self.fileno(), 0, size)
        self.size = size

    def checkpoint(self, ranges: tuple[tuple[int, int], ...], validator: str | None) -> None:
        os.fdatasync(self.fileno())
        self.ranges, self.validator = ranges, validator
        self.checkpoints += 1

    def settle(self, ranges: tuple[tuple[int, int], ...], validator: str | None) -> None:
        self.checkpoint(ranges, validator)

    def note(self, ranges: tuple[tuple[int, int], ...], validator: str | None) -> None:
        self.notes.append((ranges, validator))

    def reset(self) -> None:
        self._file.truncate(0)
        self.size, self.validator, self.ranges = None, None, ()
        self.resets += 1

    def close(self) -> None:
        self._file.close()
