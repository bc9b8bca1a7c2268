"""Origins, proxies, certificates and private addresses: what decides whom a request may reach."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from tui_hub import certificates, proxies
from tui_hub.domain.errors import UnreachableError, UnsafeError, UsageError
from tui_hub.proxies import Proxy
from tui_hub.text import clean

_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, in one spelling.

    Raises:
        UnsafeError: for anything but http and https, for credentials in the URL, for nonsense.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnsafeError("an address cannot be read") from None
    if parts.scheme not in _PORTS:
        raise UnsafeError(f"an address of the kind {clean(parts.scheme, 20)!r} is not followed")
    if not parts.hostname:
        raise UnsafeError(
            f"an address has no host behind {parts.scheme}://",
            hint="A whole one is https://example.org/model.safetensors.",
        )
    if "@" in parts.netloc:
        raise UnsafeError("an address carries a user name or password")
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise UnsafeError("an address holds characters that none may hold")
    host = parts.hostname.lower()
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{port if port is not None else _PORTS[parts.scheme]}"


def host_of(url: str) -> str:
    """The host of a URL for people, with its port where that is not the usual one."""
    scheme, _, address = origin_of(url).partition("://")
    return address.removesuffix(f":{_PORTS[scheme]}")


def redirect_target(url: str, location: str) -> str:
    """Where a redirect leads.

    Raises:
        UnsafeError: from https to http, or to what `origin_of` refuses.
    """
    if not location or len(location) > 16_384:
        raise UnsafeError(f"{host_of(url)} redirects to nowhere")
    try:
        target = urljoin(url, location)
    except ValueError:
        raise UnsafeError(f"{host_of(url)} redirects to an address that cannot be read") from None
    if origin_of(url).startswith("https:") and not origin_of(target).startswith("https:"):
        raise UnsafeError(f"{host_of(url)} redirects to an address without encryption")
    return target


async def is_private(url: str) -> bool:
    """Whether a URL's host is this machine, or one in a private network. Unknown names are not."""
    host = urlsplit(url).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(_private_address(str(entry[4][0])) for entry in found)


def _private_address(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return not address.is_global or address.is_multicast


def proxy_for(url: str, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy that the environment names for a URL, or `None` to connect directly.

    Raises:
        UnreachableError: for a proxy of a kind that is not supported.
    """
    try:
        return proxies.proxy_for(url, environment)
    except UsageError as wrong:
        raise UnreachableError(wrong.message, hint=wrong.hint) from None


def trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """What to trust: the bundle that the environment names, else the system's and certifi's roots.

    Raises:
        UnreachableError: when the named bundle cannot be read.
    """
    try:
        return certificates.trust(environment)
    except UsageError as wrong:
        raise UnreachableError(wrong.message, hint=wrong.hint) from None
