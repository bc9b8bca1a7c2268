"""Noticing a connection over which bytes only drip, so that it does not hold a transfer up."""

from __future__ import annotations

import io
import time

_DRIP = 1024
"""Bytes a second below which a connection counts as stalled, over so many stall times."""
_DRIP_STALLS = 4


class Pace:
    """Adds up what reads brought, and how long they waited for it."""

    def __init__(self, stall: float) -> None:
        self._stall = stall
        self._waited = 0.0
        self._received = 0

    def add(self, waited: float, received: int) -> None:
        """Take in one read. Raises `TimeoutError` when they have been too slow for too long."""
        self._waited += waited
        self._received += received
        if self._waited >= _DRIP_STALLS * self._stall:
            if self._received < self._waited * _DRIP:
                raise TimeoutError
            self._waited, self._received = 0.0, 0


class Paced(io.RawIOBase):
    """What comes from a file, as long as it keeps pace."""

    def __init__(self, file: io.RawIOBase, pace: Pace) -> None:
        self._file = file
        self._pace = pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        begin = time.monotonic()
        count: int | None = self._file.readinto(buffer)
        self._pace.add(time.monotonic() - begin, count or 0)
        return count

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._file.close()
