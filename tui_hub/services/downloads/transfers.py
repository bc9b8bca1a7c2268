"""Who moves the bytes of a download: threads of this process, or a process beside it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tui_hub.transfer import (
    Brief,
    Destination,
    HostPauses,
    Lanes,
    Options,
    Pool,
    RateLimiter,
    Request,
    Transfer,
    TransferProgress,
    Transferred,
)

if TYPE_CHECKING:
    from tui_hub.transfer.beside import Carrier

_WORTH = 16 * 1024**2
"""Bytes from which a file is worth another process; below it has arrived before that has begun."""


class Running(Protocol):
    """The transfer of one file. `run` blocks; the rest may be called from any thread."""

    def run(self) -> Transferred:
        """Fetch, verify, and return what arrived."""

    def stop(self) -> None:
        """Make `run` return soon."""

    def snapshot(self) -> TransferProgress:
        """Where the transfer stands."""


class Mover:
    """Moves the bytes of all downloads of this process."""

    def __init__(self, options: Options, rate: int) -> None:
        self._options = options
        self._lanes = Lanes(options.connections)
        self._limiter = RateLimiter(rate, lambda: self._lanes.part)
        self._pauses = HostPauses()
        self._carrier: Carrier | None = None
        self._names = itertools.count(1)
        self._lock = threading.Lock()
        self._downloads = 0

    @property
    def rate(self) -> int:
        """Bytes a second for all of them together; 0 is no limit."""
        return self._limiter.rate

    @rate.setter
    def rate(self, rate: int) -> None:
        self._limiter.rate = rate
        if self._carrier is not None:
            self._carrier.limit(rate)

    @property
    def pid(self) -> int | None:
        """The process that moves large files, while there is one."""
        return None if self._carrier is None else self._carrier.pid

    def step_aside(self) -> None:
        """Leave large files to a process of their own from now on."""
        from tui_hub.transfer.beside import Carrier

        if self._carrier is None:
            self._carrier = Carrier(self._lanes, self._options.environment, self._pauses)
            self._carrier.limit(self.rate)

    def begin(self) -> DownloadTransfers:
        """The transfers of one more download; close them at its end."""
        options = self._options
        pool = Pool(
            options.environment, timeout=options.timeout, lanes=self._lanes, pauses=self._pauses
        )
        with self._lock:
            self._downloads += 1
        name = str(next(self._names))
        return DownloadTransfers(options, self._limiter, pool, self._carrier, name, self._ended)

    def _ended(self) -> None:
        with self._lock:
            self._downloads -= 1
            idle = not self._downloads
        if idle and self._carrier is not None:
            self._carrier.close()


class DownloadTransfers:
    """The transfers of one download, which share connections."""

    def __init__(
        self,
        options: Options,
        limiter: RateLimiter,
        pool: Pool,
        carrier: Carrier | None,
        name: str,
        ended: Callable[[], None],
    ) -> None:
        self._options = options
        self._limiter = limiter
        self._pool = pool
        self._carrier = carrier
        self._name = name
        self._ended = ended

    def transfer(self, request: Request, destination: Destination) -> Running:
        """A transfer that has not begun yet."""

        def here() -> Transfer:
            return Transfer(request, destination, self._options, self._limiter, self._pool)

        worth = request.size is None or request.size >= _WORTH or self._one_way
        if self._carrier is None or not worth:
            return here()
        from tui_hub.transfer.beside import Carried

        return Carried(self._carrier, self._name, request, destination, self._options, here)

    def brief(self, request: Request, room: memoryview) -> Brief | None:
        """A fetch of a small file into memory; `None` where that is not for it."""
        if self._one_way:
            return None
        brief = Brief(request, room, self._options, self._limiter, self._pool)
        return brief if brief.is_worth_it else None

    @property
    def _one_way(self) -> bool:
        """Whether all bytes go by the other process: with a limit, each of two would take all."""
        return self._carrier is not None and self._limiter.rate > 0

    def close(self) -> None:
        """Close the connections. May block."""
        self._pool.close()
        if self._carrier is not None:
            self._carrier.leave(self._name)
        self._ended()
