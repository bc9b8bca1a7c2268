"""Telling whether it is the network or this box that a transfer waits for."""

from __future__ import annotations

import fcntl
import struct
import termios
import threading

from tui_hub.transfer.connection import Stream

_MOST = 0.5
"""Share of bytes that lie waiting, by time, from which on it may be this box that is slow."""
_MEMORY = 1.0
"""Seconds of reading after which what was before counts half."""
_ENOUGH = 0.02
"""Seconds of reading that tell something."""


class Backlog:
    """Adds up for how long lanes read what lay waiting for them, and for how long they waited.

    Where most lies waiting it is the processor, the disk or a limit of ours that is slow, and
    lanes quarrel over it. On a processor that a server shares with them less piles up than all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = self._busy = 0.0

    def add(self, seconds: float, count: int, waiting: int) -> None:
        """Take in how long it took to bring in so many bytes, and how many lay waiting before.

        Nothing may have come: then the lane waited, whatever part of a record lay there.
        """
        with self._lock:
            if self._seconds > _MEMORY:
                self._seconds, self._busy = self._seconds / 2, self._busy / 2
            self._seconds += seconds
            self._busy += seconds * min(1.0, waiting / count) if count else 0.0

    @property
    def crowded(self) -> bool:
        """Whether lanes find most of what they read waiting for them."""
        with self._lock:
            return self._seconds > _ENOUGH and self._busy >= _MOST * self._seconds


def waiting(stream: Stream) -> int:
    """How many bytes lie in the kernel to be read from a connection."""
    try:
        answer = fcntl.ioctl(stream.fileno(), termios.FIONREAD, bytes(4))
    except (OSError, ValueError):
        return 0  # it was closed; whoever reads from it is told why
    return int(struct.unpack("i", answer)[0])
