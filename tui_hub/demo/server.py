"""Two ports on loopback, one event loop, one thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from tui_hub.demo.outlet import reset

_HOST = "127.0.0.1"
_START_SECONDS = 10.0


def open_socket(port: int = 0) -> socket.socket:
    """A listening socket on loopback; port 0 takes any that is free."""
    # asyncio sets TCP_NODELAY only where the protocol is named; without it answers wait 40 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket) -> str:
    """The origin that a socket serves."""
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def _protocol(offline: Callable[[], bool]) -> type[asyncio.Protocol]:
    class Connection(H11Protocol):
        """A connection that its requests can reach, to drop it."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app_state = {**self.app_state, "transport": transport}
            if offline():
                reset(transport)

    return cast(type[asyncio.Protocol], Connection)


class Server:
    """Serves an application until it is told to stop."""

    def __init__(
        self, application: ASGIApp, sockets: list[socket.socket], offline: Callable[[], bool]
    ) -> None:
        config = uvicorn.Config(
            cast(Any, application),
            http=cast(Any, _protocol(offline)),
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._sockets = sockets
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="demo-hub", daemon=True)

    def start(self) -> None:
        """Return when both ports answer.

        Raises:
            RuntimeError: when the thread ends before that.
        """
        self._thread.start()
        waiter = threading.Event()
        waited = 0.0
        while not self._server.started:
            waiter.wait(0.005)
            waited += 0.005
            if not self._thread.is_alive() or waited > _START_SECONDS:
                raise RuntimeError("the demo hub did not start")

    def stop(self) -> None:
        """Close both ports and end the thread.

        An answer that stalls may take no notice of that; the thread then ends with the program.
        """
        self._server.should_exit = True
        self._thread.join(timeout=5)
        if self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(timeout=5)

    def _run(self) -> None:
        self._server.run(sockets=self._sockets)
