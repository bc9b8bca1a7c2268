"""TLS inside TLS: what an https proxy makes necessary, and `ssl` does not do by itself."""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable
from functools import partial
from typing import TypeVar

_BLOCK = 64 * 1024

_T = TypeVar("_T")


class NestedTls:
    """A TLS connection through another one, as much of a socket as an HTTP client needs.

    One thread uses it at a time.
    """

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, server: str) -> None:
        """Wrap a connection; nothing is sent before `do_handshake`."""
        self.outer = outer
        """The connection below."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server)
        self._buffer = memoryview(bytearray(_BLOCK))
        self._readers = 0
        self._closed = False

    def do_handshake(self) -> None:
        """Agree on keys. Raises `OSError`, `ssl.SSLCertVerificationError` among them."""
        self._drive(self._tls.do_handshake)

    def recv_into(self, view: memoryview) -> int:
        """What comes next, at most so much; 0 at the end."""
        try:
            # With a buffer it gives a count, whatever its type says.
            return int(self._drive(partial(self._tls.read, len(view), view)))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return 0

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._drive(partial(self._tls.write, rest)) :]

    def settimeout(self, seconds: float | None) -> None:
        """How long one read may take."""
        self.outer.settimeout(seconds)

    def gettimeout(self) -> float | None:
        """How long that is."""
        return self.outer.gettimeout()

    def fileno(self) -> int:
        """The descriptor of the connection below."""
        return self.outer.fileno()

    def makefile(self, mode: str) -> io.BufferedReader:
        """A file to read from; the connection stays open as long as it."""
        self._readers += 1
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Close the connection, once no file is open on it."""
        self._closed = True
        if not self._readers:
            self.outer.close()

    def reader_closed(self) -> None:
        """One file less."""
        self._readers -= 1
        if self._closed:
            self.close()

    def _drive(self, step: Callable[[], _T]) -> _T:
        """Do something that may need bytes to go either way first."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
                count = self.outer.recv_into(self._buffer)
                if count:
                    self._incoming.write(self._buffer[:count])
                else:
                    self._incoming.write_eof()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self.outer.sendall(data)


class _Reader(io.RawIOBase):
    """The reading end as a file."""

    def __init__(self, stream: NestedTls) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._stream.recv_into(memoryview(buffer))

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._stream.reader_closed()
