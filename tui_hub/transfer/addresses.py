"""Addresses on the web: parsed once, followed by hand, shown without their secrets."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, urljoin, urlsplit

from tui_hub.domain.errors import UnsafeError
from tui_hub.domain.frozen import dataclass
from tui_hub.text import clean

_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(r"(https?)://([a-z0-9.-]+)(?::([1-9][0-9]{0,3}))?(/[A-Za-z0-9._/-]*)")
"""What most addresses are, in which nothing need be quoted, resolved or refused."""
_KEPT = "%/:=&?~+!$,;'@()*[]|"
"""Characters that mean something in a path or query and are not quoted again."""


@dataclass(frozen=True, slots=True)
class Address:
    """An `http` or `https` address. As text it is without its query, which may be a signature."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query, as they go into the request line."""

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read an address.

        Raises:
            UnsafeError: for other schemes, passwords inside the address, and what is no address.
        """
        if plain := _PLAIN.fullmatch(url):
            scheme, host, port, path = plain.groups()
            return cls(scheme, host, int(port or _PORTS[scheme]), path)
        shown = clean(url.partition("?")[0], 200)
        try:
            parts = urlsplit(url)
            host, number = _in_ascii(parts.hostname or ""), parts.port
            secret = parts.username is not None or parts.password is not None
        except ValueError:
            raise UnsafeError(f"{shown!r} is not a web address") from None
        if secret:
            raise UnsafeError("an address with a password inside it is not followed")
        if parts.scheme not in _PORTS or not host or any(c in host for c in " \\%<>"):
            raise UnsafeError(f"{shown!r} is not an http or https address")
        target = quote(parts.path or "/", safe=_KEPT)
        if parts.query:
            target += "?" + quote(parts.query, safe=_KEPT)
        return cls(parts.scheme, host, number or _PORTS[parts.scheme], target)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what a token is bound to."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Host and port as they stand in an address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address, secrets included."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def follow(self, location: str) -> Address:
        """Where a redirect leads.

        Raises:
            UnsafeError: from https to http, and to anything but a web address.
        """
        # http.client reads headers as Latin-1; servers that send more mean UTF-8.
        raw = location.encode("latin-1", "replace")
        ascii_location = "".join(chr(byte) if byte < 128 else f"%{byte:02X}" for byte in raw)
        try:
            address = Address.parse(urljoin(self.url, ascii_location.strip()))
        except ValueError:
            raise UnsafeError("a redirect leads to something that is no address") from None
        if self.scheme == "https" and address.scheme == "http":
            raise UnsafeError(f"{self.host} redirects from https to plain http on {address.host}")
        return address

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"


def _in_ascii(host: str) -> str:
    """A host as it goes over the wire, to a proxy too. Raises `ValueError` where it cannot."""
    return host if host.isascii() else host.encode("idna").decode()


def is_private(address: str) -> bool:
    """Whether an IP address belongs to this box, a local network, or nobody.

    By the special-purpose registries of RFC 6890, as `ipaddress` knows them.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return not (mapped or parsed).is_global


def is_private_name(host: str) -> bool:
    """Whether a host is private by its looks alone, where somebody else resolves it."""
    return host == "localhost" or host.endswith(".localhost") or is_private(host)
