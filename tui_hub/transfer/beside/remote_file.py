"""The destination of a transfer whose records another process keeps."""

from __future__ import annotations

import os
import threading

from tui_hub.transfer.beside.messages import Asked, Begin, Done, Line, Noted, Ranges


class RemoteFile:
    """A partial file that is open here and recorded by the other process.

    See `Destination` for what each part of it does.
    """

    def __init__(self, line: Line, begin: Begin, descriptor: int) -> None:
        self._line = line
        self._descriptor = descriptor
        self._id = begin.id
        self._state = begin.state
        self._error: int | None = None
        """The `errno` of what was asked last."""
        self._asking = threading.Lock()
        self._answer = threading.Event()

    @property
    def size(self) -> int | None:
        """The size of the whole file, once known."""
        return self._state.size

    @property
    def validator(self) -> str | None:
        """The strong `ETag` or the date of the bytes that are here."""
        return self._state.validator

    @property
    def ranges(self) -> Ranges:
        """What is durably here."""
        return self._state.ranges

    def fileno(self) -> int:
        """The descriptor, open for reading and writing."""
        return self._descriptor

    def allocate(self, size: int) -> None:
        """Give the file its size."""
        self._ask(Asked(self._id, "allocate", size))

    def checkpoint(self, ranges: Ranges, validator: str | None) -> None:
        """Have the bytes flushed and their ranges recorded."""
        self._ask(Asked(self._id, "checkpoint", ranges=ranges, validator=validator))

    def settle(self, ranges: Ranges, validator: str | None) -> None:
        """The last checkpoint."""
        self._ask(Asked(self._id, "settle", ranges=ranges, validator=validator))

    def note(self, ranges: Ranges, validator: str | None) -> None:
        """Have written down what has arrived."""
        self._line.send(Noted(self._id, ranges, validator))

    def reset(self) -> None:
        """Have everything forgotten."""
        self._ask(Asked(self._id, "reset"))

    def answered(self, done: Done) -> None:
        """The other process has done it, or could not."""
        self._state, self._error = done.state, done.error
        self._answer.set()

    def _ask(self, asked: Asked) -> None:
        with self._asking:
            self._answer.clear()
            self._line.send(asked)
            self._answer.wait()
            error = self._error
        if error is not None:
            raise OSError(error, os.strerror(error) if error > 0 else "unknown")
