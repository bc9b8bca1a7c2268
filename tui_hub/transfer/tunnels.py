"""Through a proxy to a server: HTTP `CONNECT` and SOCKS5."""

from __future__ import annotations

import http.client
import socket
import struct

from tui_hub.domain.errors import UnauthorizedError
from tui_hub.proxies import Proxy, ProxyKind
from tui_hub.transfer.trouble import Trouble

_REFUSALS = {
    1: "it has trouble of its own",
    2: "its rules forbid it",
    3: "the network cannot be reached",
    4: "the host cannot be reached",
    5: "the connection was refused",
    6: "it took too long",
}
"""The replies of RFC 1928 section 6, in words."""
_ADDRESS_BYTES = {1: 4, 4: 16}
_NO_PASSWORD, _PASSWORD = 0, 2


def tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Make a connection to a proxy one to a server behind it.

    Raises:
        OSError, HTTPException: when the connection fails.
        UnauthorizedError: when the proxy wants a password, or another one.
        Trouble: when the proxy does not let us through, which may pass.
    """
    if proxy.kind is ProxyKind.SOCKS5:
        _greet(sock, proxy)
        _ask(sock, proxy, host, port)
    else:
        _connect(sock, proxy, host, port)


def _connect(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Ask an HTTP proxy for a tunnel (RFC 9110 section 9.3.6)."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
    response = http.client.HTTPResponse(sock, method="CONNECT")
    try:
        response.begin()
    finally:
        response.close()
    if response.status == 407:
        raise wants_password(proxy)
    if response.status // 100 != 2:
        raise Trouble(f"the proxy {proxy.host} refuses {host} ({response.status})", answered=False)


def _greet(sock: socket.socket, proxy: Proxy) -> None:
    """Agree on whether a password is wanted, and send it (RFC 1929)."""
    methods = [_NO_PASSWORD] if proxy.user is None else [_NO_PASSWORD, _PASSWORD]
    sock.sendall(bytes([5, len(methods), *methods]))
    version, method = _read(sock, proxy, 2)
    if version != 5:
        raise _no_socks(proxy)
    if method == _NO_PASSWORD:
        return
    if method != _PASSWORD or proxy.user is None:
        raise wants_password(proxy)
    user, password = proxy.user.encode(), proxy.password.encode()
    if not 0 < len(user) < 256 or len(password) > 255:
        raise wants_password(proxy)
    sock.sendall(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
    if _read(sock, proxy, 2)[1]:
        raise wants_password(proxy)


def _ask(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Ask a SOCKS5 proxy for a connection; the name is the proxy's to resolve."""
    sock.sendall(b"\x05\x01\x00" + _address(host) + struct.pack("!H", port))
    version, reply, _, kind = _read(sock, proxy, 4)
    if version != 5:
        raise _no_socks(proxy)
    if reply:
        reason = _REFUSALS.get(reply, f"it answers {reply}")
        raise Trouble(
            f"the proxy {proxy.host} does not reach {host}: {reason}",
            hint="Check the address, and what the proxy lets through.",
            answered=False,
        )
    length = _read(sock, proxy, 1)[0] if kind == 3 else _ADDRESS_BYTES.get(kind)
    if length is None:
        raise _no_socks(proxy)
    _read(sock, proxy, length + 2)


def _address(host: str) -> bytes:
    """A host as SOCKS5 names it."""
    for kind, family in ((1, socket.AF_INET), (4, socket.AF_INET6)):
        try:
            return bytes([kind]) + socket.inet_pton(family, host)
        except OSError:
            continue
    try:
        name = host.encode("ascii" if host.isascii() else "idna")
    except UnicodeError:
        name = b""
    if not 0 < len(name) < 256:
        raise socket.gaierror(socket.EAI_NONAME, "not a name")
    return bytes([3, len(name)]) + name


def _read(sock: socket.socket, proxy: Proxy, count: int) -> bytes:
    """Exactly so many bytes, and none of what follows them."""
    data = b""
    while len(data) < count:
        block = sock.recv(count - len(data))
        if not block:
            raise Trouble(f"the proxy {proxy.host} hung up", answered=False)
        data += block
    return data


def wants_password(proxy: Proxy) -> UnauthorizedError:
    """What to do about a proxy that does not let this user through."""
    given = proxy.user is not None
    return UnauthorizedError(
        f"the proxy {proxy.host} refuses the user and password that the environment names"
        if given
        else f"the proxy {proxy.host} wants a password",
        hint="Put user:password@ into the proxy's address in the environment; other characters "
        "than letters and digits as %XX.",
    )


def _no_socks(proxy: Proxy) -> Trouble:
    return Trouble(
        f"the proxy {proxy.host} does not speak SOCKS5",
        hint="Name an HTTP proxy as http://host:port.",
        answered=False,
    )
