"""Real small proxies on loopback: HTTP, HTTPS and SOCKS5, with a password where one is wanted."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import struct
import threading
from base64 import b64encode


class _Listener:
    """Accepts connections and serves each on a thread, until the block ends."""

    scheme = "http"

    def __init__(self, user: str | None = None, password: str = "") -> None:
        self.user = user
        self.password = password
        self.seen: list[str] = []
        """Where clients wanted to go."""
        self.raw = b""
        """Everything that clients said to the proxy itself."""

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes whoever accepts
        self._listener.close()

    def url(self, credentials: str = "") -> str:
        return f"{self.scheme}://{credentials}127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.serve(client)

    def serve(self, client: socket.socket) -> None:
        raise NotImplementedError


class Relay(_Listener):
    """An HTTP proxy that tunnels and forwards plain requests."""

    def serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            block = client.recv(4096)
            if not block:
                return
            head += block
        self.raw += head
        method, target = head.decode().split()[:2]
        if self.user is not None:
            pair = b64encode(f"{self.user}:{self.password}".encode()).decode()
            if f"Proxy-Authorization: Basic {pair}\r\n" not in head.decode():
                client.sendall(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
                return
        host = target if method == "CONNECT" else target.split("/")[2]
        self.seen.append(f"{method} {host}")
        name, port = host.rsplit(":", 1)
        with socket.create_connection((name, int(port))) as upstream:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = "/" + target.split("/", 3)[3]
                plain = re.sub(rb"\r\n(?:proxy-)?connection:[^\r]*", b"", head, flags=re.IGNORECASE)
                plain = plain.replace(target.encode(), path.encode(), 1)
                upstream.sendall(plain.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            relay(client, upstream)


class SecureRelay(Relay):
    """The same behind a door that speaks TLS."""

    scheme = "https"

    def __init__(self, tls: ssl.SSLContext, user: str | None = None, password: str = "") -> None:
        super().__init__(user, password)
        self._tls = tls
        self._loop = asyncio.new_event_loop()

    def __enter__(self):
        super().__enter__()
        self._inner = self.port
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        opening = asyncio.start_server(self._door, "127.0.0.1", 0, ssl=self._tls)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result(5)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *arguments: object) -> None:
        super().__exit__(*arguments)
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _door(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._inner)
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.CancelledError):
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
        far_writer.close()
        writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(65536):
        writer.write(block)
        await writer.drain()
    writer.close()


class Socks(_Listener):
    """A SOCKS5 proxy. Told to be slow, it sends every byte of its handshake by itself."""

    scheme = "socks5h"

    def __init__(
        self,
        user: str | None = None,
        password: str = "",
        *,
        slow: bool = False,
        answer: int = 0,
        map_to: str = "",
    ) -> None:
        super().__init__(user, password)
        self._slow = slow
        self._answer = answer
        self._map_to = map_to
        """Where every name leads."""

    def serve(self, client: socket.socket) -> None:
        version, count = self._read(client, 2)
        methods = self._read(client, count)
        assert version == 5
        if self.user is None:
            self._say(client, b"\x05\x00")
        elif 2 not in methods:
            return self._say(client, b"\x05\xff")
        else:
            self._say(client, b"\x05\x02")
            user = self._read(client, self._read(client, 2)[1]).decode()
            password = self._read(client, self._read(client, 1)[0]).decode()
            right = (user, password) == (self.user, self.password)
            self._say(client, b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return None
        host, port = self._address(client)
        self.seen.append(f"{host}:{port}")
        if self._answer:
            return self._say(client, bytes([5, self._answer, 0, 1]) + bytes(6))
        with socket.create_connection((self._map_to or host, port)) as upstream:
            # A name as the bound address, which clients must read past.
            self._say(client, b"\x05\x00\x00\x03\x04here\x00\x01")
            relay(client, upstream)

    def _address(self, client: socket.socket) -> tuple[str, int]:
        kind = self._read(client, 4)[3]
        if kind == 3:
            host = self._read(client, self._read(client, 1)[0]).decode()
        else:
            family, length = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, self._read(client, length))
        return host, struct.unpack("!H", self._read(client, 2))[0]

    def _read(self, client: socket.socket, count: int) -> bytes:
        data = client.recv(count, socket.MSG_WAITALL)
        if len(data) < count:
            raise OSError("the client hung up")
        self.raw += data
        return data

    def _say(self, client: socket.socket, data: bytes) -> None:
        step = 1 if self._slow else len(data)
        for start in range(0, len(data), step):
            client.sendall(data[start : start + step])


class NoSocks(_Listener):
    """Is named as a SOCKS5 proxy, and speaks HTTP only."""

    scheme = "socks5"

    def serve(self, client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        client.recv(4096)


def relay(one: socket.socket, other: socket.socket) -> None:
    """Pass on what comes from either side until both have ended."""
    back = threading.Thread(target=_pump, args=(other, one), daemon=True)
    back.start()
    _pump(one, other)
    back.join(60)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)
