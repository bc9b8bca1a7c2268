"""A few bytes of a remote file, without the file."""

from __future__ import annotations

import http.client

from tui_hub.domain.errors import UnreachableError
from tui_hub.transfer.answers import Answer, Asked
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.patience import Clock, Patience
from tui_hub.transfer.pool import Pool
from tui_hub.transfer.request import Options, Request
from tui_hub.transfer.resolve import Resolver
from tui_hub.transfer.trouble import Trouble, trouble_from


class RangeReader:
    """Reads ranges of one file, under the same rules of tokens and redirects as a transfer.

    `read` blocks in the calling thread. A server that answers a range with the whole file is read
    as far as the range goes, and its connection dropped.
    """

    def __init__(
        self, request: Request, options: Options, pool: Pool, cancellation: Cancellation
    ) -> None:
        self._size = request.size
        self._pool = pool
        self._cancellation = cancellation
        self._patience = Patience(options.retries, Clock(), pool.pauses)
        self._resolver = Resolver(request, pool, self._patience, cancellation, stall=options.stall)

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the file, fewer than `length` only where it ends.

        Raises:
            HubError: when they cannot be had: no access, no such file, nobody answers.
            Cancelled: when the work is called off.
        """
        data = b""
        while len(data) < length and (self._size is None or offset + len(data) < self._size):
            self._patience.wait(self._cancellation)
            try:
                got = self._read(Asked(start=offset + len(data), end=offset + length))
            except Trouble as trouble:
                self._patience.failed(trouble)
                continue
            if not got:
                break
            data += got
        return data

    def _read(self, asked: Asked) -> bytes:
        """What one request brings."""
        answer = self._resolver.open(asked)
        try:
            self._agree(answer)
            end = asked.end if answer.end is None else min(asked.end or 0, answer.end)
            data = _received(answer, (end or 0) - answer.start)
        except (OSError, http.client.HTTPException) as error:
            self._cancellation.check()
            raise trouble_from(error, answer.connection.address.host) from None
        finally:
            answer.close(self._pool)
        self._patience.progressed(len(data))
        return data[asked.start - answer.start :]

    def _agree(self, answer: Answer) -> None:
        """Two sizes are two files."""
        if answer.total is not None and self._size not in (None, answer.total):
            raise UnreachableError(
                f"the server offers {answer.total} bytes where the listing says {self._size}",
                hint="List the files again: `tui-hub files MODEL --refresh`.",
            )


def _received(answer: Answer, count: int) -> bytes:
    """The first bytes of a body."""
    buffer = bytearray(max(count, 0))
    view, filled = memoryview(buffer), 0
    while filled < len(view):
        got = answer.body.readinto(view[filled:])
        if got == 0:
            if answer.end is None:
                break
            raise Trouble(f"{answer.connection.address.host} ended the file too early")
        filled += got or 0
    return bytes(view[:filled])
