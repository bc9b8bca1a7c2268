"""One connection to a server: dialled by hand, checked, called off when need be."""

from __future__ import annotations

import http.client
import io
import math
import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui_hub.domain.errors import UnsafeError
from tui_hub.proxies import Proxy, ProxyKind
from tui_hub.transfer.addresses import Address, is_private_name
from tui_hub.transfer.cancellation import Cancellation, shut
from tui_hub.transfer.heads import length_from, read_head
from tui_hub.transfer.nested_tls import NestedTls
from tui_hub.transfer.pace import Pace, Paced
from tui_hub.transfer.tunnels import tunnel

if TYPE_CHECKING:
    from tui_hub.transfer.pool import Pool
_MOST_INTERIM = 100
"""Answers before the answer (RFC 9110 section 15.2) that are read past."""

Stream = socket.socket | NestedTls
"""What bytes come and go over."""


class Response(http.client.HTTPResponse):
    """An answer that keeps pace, without the interim ones before it.

    http.client knows `100 Continue` alone, and would wait for a dripping head for ever.
    """

    def __init__(self, sock: Stream, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)  # type: ignore[arg-type]
        pace = Pace(sock.gettimeout() or math.inf)
        self.fp = io.BufferedReader(Paced(self.fp.detach(), pace))

    def begin(self) -> None:
        """Read the head, and see from it how the body ends (RFC 9112 section 6.3)."""
        if self.headers is not None:
            return
        version, status, reason = self._read_status()
        if not version.startswith("HTTP/1."):
            raise http.client.UnknownProtocol(version)
        self.version = 10 if version == "HTTP/1.0" else 11
        self.code = self.status = status
        self.reason = reason.strip()
        self.headers = self.msg = read_head(self.fp)
        self.chunked = (self.headers.get("Transfer-Encoding") or "").lower() == "chunked"
        if self.chunked:
            self.chunk_left = None
        self.length = None if self.chunked else length_from(self.headers)
        if status in (http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED):
            self.length = 0
        endless = self.length is None and not self.chunked
        self.will_close = endless or self._check_close()

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.BadStatusLine("interim answers without end")


class Connection(http.client.HTTPConnection):
    """One HTTP/1.1 connection to one origin, over TLS and through a proxy where that is so."""

    response_class = Response

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
        self.facing = address.host if proxy is None else f"the proxy {proxy.host}"
        """Whom to name when the connection fails: the proxy, until it has let us through."""
        self._attached: socket.socket | None = None
        """The socket that is shut to wake whoever blocks."""
        self._stream: Stream | None = None
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
            stream = self._speak(sock)
            stream.settimeout(self.stall)
        except BaseException:
            self._hang_up(self._attached or sock)
            raise
        self.facing = self.address.host
        self.sock = self._stream = stream

    def _speak(self, sock: socket.socket) -> Stream:
        """What the server is spoken to over: plain or encrypted, through a proxy or not."""
        proxy, https = self.proxy, self.address.scheme == "https"
        if proxy is not None and proxy.kind is ProxyKind.HTTPS:
            sock = self._encrypt(sock, proxy.host)
        if proxy is not None and (https or proxy.kind is ProxyKind.SOCKS5):
            tunnel(sock, proxy, self.host, self.port)
            self.facing = self.address.host
        if not https:
            return sock
        if isinstance(sock, ssl.SSLSocket):
            return self._encrypt_within(sock)
        return self._encrypt(sock, self.host)

    def ask(self, address: Address, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """Send a GET and read the head of its answer."""
        target, headers = address.target, dict(headers)
        proxy = self.proxy
        if proxy is not None and address.scheme == "http" and proxy.kind is not ProxyKind.SOCKS5:
            target = address.url
            if proxy.authorization:
                headers["Proxy-Authorization"] = proxy.authorization
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
            self._attach(self.sock.outer if isinstance(self.sock, NestedTls) else self.sock)

    def cut(self) -> None:
        """Wake whoever reads from it with an error. From any thread."""
        attached = self._attached  # whoever reads from it may be done with it meanwhile
        if attached is not None:
            shut(attached)

    @property
    def stream(self) -> Stream:
        """What an answer is read from, also when it ends with the connection."""
        assert self._stream is not None  # noqa: S101 - there is an answer
        return self._stream

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

    def _encrypt(self, plain: socket.socket, name: str) -> ssl.SSLSocket:
        sock = self._pool.tls.wrap_socket(
            plain, server_hostname=name, do_handshake_on_connect=False
        )
        try:
            self._attach(sock)
            sock.do_handshake()
        except BaseException:
            self._hang_up(sock)
            raise
        return sock

    def _encrypt_within(self, outer: ssl.SSLSocket) -> NestedTls:
        inner = NestedTls(outer, self._pool.tls, self.host)
        inner.do_handshake()
        return inner

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
