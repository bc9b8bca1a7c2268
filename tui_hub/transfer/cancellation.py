"""Calling off work that blocks in the network."""

from __future__ import annotations

import contextlib
import socket
import threading

from tui_hub.transfer.trouble import Cancelled


class Cancellation:
    """Wakes every wait and every blocked socket that was attached to it, at once."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    def cancel(self) -> None:
        """Call the work off. May be called from any thread, and more than once."""
        with self._lock:
            self.event.set()
            for sock in self._sockets:
                shut(sock)

    def check(self) -> None:
        """Raise `Cancelled` when the work was called off."""
        if self.event.is_set():
            raise Cancelled

    def attach(self, sock: socket.socket) -> None:
        """Watch over a socket that is about to block.

        Raises:
            Cancelled: when it is too late to begin.
        """
        with self._lock:
            self.check()
            self._sockets.add(sock)

    def detach(self, sock: socket.socket) -> None:
        """Watch no longer over a socket that is closed or goes to somebody else."""
        with self._lock:
            self._sockets.discard(sock)


def shut(sock: socket.socket) -> None:
    """End both directions under whoever blocks in them.

    By the base class's method: the one of a TLS socket would take away the state that another
    thread is reading with.
    """
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
