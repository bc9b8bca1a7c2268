"""One connection to a server: dialled by hand, checked, called off when need be."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tui_hub.domain.errors import UnauthorizedError, UnsafeError
from tui_hub.transfer.addresses import Address, is_private_name
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.proxies import Proxy
from tui_hub.transfer.trouble import Trouble

if TYPE_CHECKING:
    from tui_hub.transfer.pool import Pool


class Connection(http.client.HTTPConnection):
    """One HTTP/1.1 connection to one origin, over TLS and through a proxy where that is so."""

    def __init__(self, address: Address, proxy: Proxy | None, pool: Pool) -> None:
        super().__init__(address.host, address.port)
        self.default_port = 443 if address.scheme == "https" else 80
        self.address = address
        self.proxy = proxy
        self.public_only = False
        """Whether it may lead to public addresses only."""
        self.private = False
        """Whether the other end turned out to be on a private network."""
        self.used = 0
        """Requests that were answered."""
        self.stall = 30.0
        """Seconds of silence after which a read fails."""
        self.cancellation = Cancellation()
        self._attached: socket.socket | None = None
        self._pool = pool

    def connect(self) -> None:
        """Dial, tunnel and shake hands.

        Raises:
            OSError: when the other end cannot be reached.
            UnsafeError: when it may not be.
            UnauthorizedError: when the proxy wants a password.
        """
        sock = self._dial()
        try:
            if self.address.scheme == "https":
                if self.proxy is not None:
                    self._tunnel_through(sock, self.proxy)
                sock = self._encrypt(sock)
            sock.settimeout(self.stall)
        except BaseException:
            self._hang_up(sock)
            raise
        self.sock = sock

    def ask(self, address: Address, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """Send a GET and read the head of its answer."""
        target, headers = address.target, dict(headers)
        if self.proxy is not None and address.scheme == "http":
            target = address.url
            if self.proxy.authorization:
                headers["Proxy-Authorization"] = self.proxy.authorization
        self.request("GET", target, headers=headers)
        response = self.getresponse()
        self.used += 1
        return response

    def drop(self) -> None:
        """Close for good, whatever was under way.

        `close` alone is what http.client calls while an answer that ends with the connection is
        still to be read.
        """
        self.close()
        self.idle()

    def busy(self, cancellation: Cancellation, stall: float) -> None:
        """Begin to work for somebody. Raises `Cancelled` when it is too late for that."""
        self.cancellation, self.stall = cancellation, stall
        if self.sock is not None:
            self.sock.settimeout(stall)
            self._attach(self.sock)

    @property
    def stream(self) -> socket.socket:
        """The socket that an answer is read from, also when it ends with the connection."""
        assert self._attached is not None  # noqa: S101 - there is an answer
        return self._attached

    def idle(self) -> None:
        """End to work for somebody."""
        if self._attached is not None:
            self.cancellation.detach(self._attached)
            self._attached = None

    def _dial(self) -> socket.socket:
        """A TCP connection to the proxy or to the first address that answers."""
        host, port = self.address.host, self.address.port
        if self.proxy is not None:
            self._judge_name(host)
            host, port = self.proxy.host, self.proxy.port
        failure: OSError | None = None
        for family, kind, protocol, _, peer in _look_up(host, port):
            if self.proxy is None:
                self._judge_peer(str(peer[0]))
            sock = socket.socket(family, kind, protocol)
            try:
                self._attach(sock)
                sock.settimeout(self._pool.timeout)
                sock.connect(peer)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return sock
            except OSError as error:
                self._hang_up(sock)
                self.cancellation.check()
                failure = error
            except BaseException:
                self._hang_up(sock)
                raise
        raise failure or OSError(f"{host} has no address")

    def _judge_peer(self, peer: str) -> None:
        self.private = self._pool.is_private(peer)
        if self.private and self.public_only:
            raise UnsafeError(
                f"a redirect leads to {self.address.host}, which is on a private network"
            )

    def _judge_name(self, host: str) -> None:
        self.private = is_private_name(host)
        if self.private and self.public_only:
            raise UnsafeError(f"a redirect leads to {host}, which is on a private network")

    def _tunnel_through(self, sock: socket.socket, proxy: Proxy) -> None:
        """Ask a proxy for a tunnel (RFC 9110 section 9.3.6)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = [f"CONNECT {host}:{self.port} HTTP/1.1", f"Host: {host}:{self.port}"]
        if proxy.authorization:
            lines.append(f"Proxy-Authorization: {proxy.authorization}")
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
        response = http.client.HTTPResponse(sock, method="CONNECT")
        try:
            response.begin()
        finally:
            response.close()
        if response.status == 407:
            raise UnauthorizedError(
                f"the proxy {proxy.host} wants a password",
                hint="Put user:password@ into the proxy's address in the environment.",
            )
        if response.status // 100 != 2:
            raise Trouble(f"the proxy {proxy.host} refuses {self.host} ({response.status})")

    def _encrypt(self, plain: socket.socket) -> socket.socket:
        sock = self._pool.tls.wrap_socket(
            plain, server_hostname=self.host, do_handshake_on_connect=False
        )
        try:
            self._attach(sock)
            sock.do_handshake()
        except BaseException:
            self._hang_up(sock)
            raise
        return sock

    def _attach(self, sock: socket.socket) -> None:
        self.idle()
        self.cancellation.attach(sock)
        self._attached = sock

    def _hang_up(self, sock: socket.socket) -> None:
        self.idle()
        sock.close()


def _look_up(
    host: str, port: int
) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]]:
    try:
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a name") from None
