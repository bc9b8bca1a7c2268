"""The bytes of an answer as they come off the socket."""

from __future__ import annotations

import http.client
import time

from tui_hub.transfer.backlog import waiting
from tui_hub.transfer.connection import Connection, Stream
from tui_hub.transfer.pace import Pace

_MOMENT = 0.2
"""Seconds of silence after which what came is written although the buffer has room."""
_RECORD = 16 * 1024
"""Bytes of a TLS record (RFC 8446 section 5.1); one read brings no more, and fewer are the last."""


class Body:
    """The bytes of an answer, read into the caller's buffer as they come.

    Where the length is known the socket is read directly: `HTTPResponse.readinto` would hold back
    what came until the whole buffer is full, and its reader cannot go on after a timeout.
    """

    def __init__(self, connection: Connection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self._socket: Stream | None = None
        self._buffered = 0
        """Bytes that came together with the head of the answer."""
        self._heard = time.monotonic()
        self._pace = Pace(connection.stall)
        self._failure: OSError | None = None
        """What ended a read that had brought something."""
        self.remaining = response.length
        """Bytes to come; `None` when nobody told."""

    def readinto(self, view: memoryview) -> int | None:
        """What has come, or comes next; 0 at the end, `None` when nothing came for a moment.

        Raises:
            OSError, HTTPException: when the connection fails, or is silent for too long.
        """
        if self.remaining is None:
            block = self._response.read1(len(view))
            view[: len(block)] = block
            return len(block)
        if not self.remaining:
            return 0
        if self._socket is None:
            self._socket = self._connection.stream
            self._buffered = len(self._response.fp.peek())
            self._socket.settimeout(min(_MOMENT, self._connection.stall))
        view = view[: self.remaining]
        if self._buffered:
            count: int | None = self._response.fp.readinto1(view[: self._buffered])
            self._buffered -= count or 0
        else:
            count = self._receive(self._socket, view)
        self.remaining -= count or 0
        return count

    def _receive(self, sock: Stream, view: memoryview) -> int | None:
        if self._failure is not None:
            raise self._failure
        begin = now = time.monotonic()
        filled, silent = 0, False
        try:
            while filled < len(view) and now - begin < _MOMENT:
                count = sock.recv_into(view[filled:])
                filled, now = filled + count, time.monotonic()
                if count < _RECORD:
                    break
        except TimeoutError:
            now, silent = time.monotonic(), not filled
            if silent and now - self._heard >= self._connection.stall:
                raise
        except OSError as error:
            if not filled:
                raise
            self._failure = error
        if not silent:
            self._heard = now
        self._pace.add(now - begin, filled)
        return None if silent else filled

    @property
    def waiting(self) -> int:
        """Bytes that lie in the kernel, encrypted perhaps."""
        return waiting(self._connection.stream)

    @property
    def consumed(self) -> bool:
        """Whether the connection stands at the beginning of the next answer."""
        return self.remaining == 0 and not self._response.will_close
