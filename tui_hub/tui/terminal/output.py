"""What goes to the terminal: written on a thread of its own, for which nobody waits.

A terminal may take no more bytes for hours, as over an SSH connection whose laptop sleeps. What
the program works at goes on meanwhile; what should have been drawn is dropped, and drawn anew once
the terminal is back.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from collections import deque
from collections.abc import Callable
from threading import Condition, Lock, Thread
from typing import TextIO

_MOST = 1_000_000
"""Bytes that wait for the terminal; more than a minute of moving figures."""
_GONE = (errno.EIO, errno.ENXIO, errno.EPIPE)
"""What reading and writing say of a terminal whose other end was closed."""
_once = Lock()


class TerminalOutput:
    """Stands in for the stream of the terminal; writing never waits, and never fails."""

    def __init__(self, stream: TextIO, caught_up: Callable[[], object]) -> None:
        """Begin to write.

        Args:
            stream: the terminal, whose descriptor and encoding count.
            caught_up: called on the writing thread when the terminal takes bytes again after some
                were dropped.
        """
        self._stream = stream
        self._caught_up = caught_up
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = False
        self._changed = Condition()
        Thread(target=self._run, name="terminal", daemon=True).start()

    def write(self, words: str) -> int:
        """Take words to be written."""
        data = words.encode(self._stream.encoding, "replace")
        with self._changed:
            if self._size > _MOST:
                self._waiting.clear()
                self._size, self._dropped = 0, True
            self._waiting.append(data)
            self._size += len(data)
            self._changed.notify_all()
        return len(words)

    def flush(self) -> None:
        """Nothing is held back."""

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether it is one."""
        return self._stream.isatty()

    def drain(self, seconds: float) -> None:
        """Wait until all is written, but no longer than that."""
        with self._changed:
            self._changed.wait_for(lambda: not self._size, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                data = self._waiting.popleft()
            self._send(data)
            with self._changed:
                self._size = sum(map(len, self._waiting))
                behind, self._dropped = self._dropped, False
                self._changed.notify_all()
            if behind:
                self._caught_up()

    def _send(self, data: bytes) -> None:
        """Write all of it, however long the terminal takes; nothing where it is gone."""
        while data:
            try:
                data = data[os.write(self._stream.fileno(), data) :]
            except BlockingIOError:
                # Whoever had the terminal before may have left it so.
                select.select([], [self._stream], [])
            except OSError as error:
                if error.errno in _GONE:
                    hang_up()
                return


def is_gone(error: OSError) -> bool:
    """Whether an error says that the terminal's other end was closed."""
    return error.errno in _GONE


def hang_up() -> None:
    """Let go of a lost terminal, and end as the signal does that should have told of it."""
    if _once.acquire(blocking=False):
        let_go_of_terminal()
        os.kill(os.getpid(), signal.SIGHUP)


def let_go_of_terminal() -> None:
    """Write nowhere from now on: a flush that fails at the end would replace the exit code."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    os.close(null)
