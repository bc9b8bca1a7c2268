"""Connections kept alive and shared by the files of a job."""

from __future__ import annotations

import select
import ssl
import threading
from collections.abc import Callable, Mapping

from tui_hub.certificates import trust
from tui_hub.proxies import proxy_for
from tui_hub.transfer.addresses import Address, is_private
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.connection import Connection, Stream
from tui_hub.transfer.sharing import HostPauses, Lanes

_LANES = 16
"""Connections in use at a time, where nobody says otherwise."""
_IDLE = 32
"""Connections kept open to one origin."""


class Pool:
    """Keep-alive connections by origin, and what all of them share: proxies and trust."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        timeout: float = 20.0,
        is_private: Callable[[str], bool] = is_private,
        lanes: Lanes | None = None,
        pauses: HostPauses | None = None,
    ) -> None:
        """Make an empty pool.

        Args:
            environment: names proxies (`HTTPS_PROXY`, `NO_PROXY`, ...) and certificate
                authorities (`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE`).
            timeout: seconds to wait for a connection.
            is_private: tells which IP addresses a public server may not redirect to.
            lanes: how many connections all files together may use.
            pauses: which hosts want to be left alone for how long.
        """
        self.timeout = timeout
        self.is_private = is_private
        self.lanes = lanes or Lanes(_LANES)
        self.pauses = pauses or HostPauses()
        self._environment = dict(environment or {})
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str, int, bool], list[Connection]] = {}
        self._tls: ssl.SSLContext | None = None
        self._closed = False

    @property
    def tls(self) -> ssl.SSLContext:
        """The trust that all connections share. Raises `UsageError` for a bad bundle."""
        with self._lock:
            if self._tls is None:
                self._tls = trust(self._environment)
            return self._tls

    def reaches(self, address: Address) -> bool:
        """Whether a connection to the origin of an address waits for work."""
        with self._lock:
            return bool(self._idle.get((*address.origin, False)))

    def acquire(
        self, address: Address, cancellation: Cancellation, *, stall: float, public_only: bool
    ) -> Connection:
        """A connection that is alive as far as one can tell, or a new one not yet dialled."""
        key = (*address.origin, public_only)
        while True:
            with self._lock:
                waiting = self._idle.get(key)
                connection = waiting.pop() if waiting else None
            if connection is None:
                connection = Connection(address, proxy_for(address.url, self._environment), self)
                connection.public_only = public_only
            elif _stale(connection.sock):
                connection.drop()
                continue
            try:
                connection.busy(cancellation, stall)
            except BaseException:
                connection.drop()
                raise
            return connection

    def release(self, connection: Connection) -> None:
        """Give back a connection whose answer was read to its end."""
        connection.idle()
        if connection.sock is None:
            return
        key = (*connection.address.origin, connection.public_only)
        with self._lock:
            waiting = self._idle.setdefault(key, [])
            if not self._closed and len(waiting) < _IDLE:
                waiting.append(connection)
                return
        connection.drop()

    def close(self) -> None:
        """Close what is idle; what comes back later is closed then."""
        with self._lock:
            self._closed = True
            idle = [connection for waiting in self._idle.values() for connection in waiting]
            self._idle.clear()
        for connection in idle:
            connection.drop()


def _stale(sock: Stream) -> bool:
    """Whether an idle connection was closed by the server, or holds bytes nobody asked for."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
