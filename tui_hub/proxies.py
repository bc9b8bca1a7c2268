"""Which proxy the environment names for an address, read as curl reads it."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from tui_hub.domain.errors import UsageError
from tui_hub.domain.frozen import dataclass


class ProxyKind(StrEnum):
    """How a proxy is spoken to."""

    HTTP = "http"
    HTTPS = "https"
    SOCKS5 = "socks5"


_KINDS = {
    "http": ProxyKind.HTTP,
    "https": ProxyKind.HTTPS,
    "socks": ProxyKind.SOCKS5,
    "socks5": ProxyKind.SOCKS5,
    "socks5h": ProxyKind.SOCKS5,
}
_PORTS = {ProxyKind.HTTP: 80, ProxyKind.HTTPS: 443, ProxyKind.SOCKS5: 1080}
_USUAL = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy. It resolves the names of servers itself, in every spelling of its kind."""

    kind: ProxyKind
    host: str
    port: int
    user: str | None = None
    password: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """Its address without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}"

    @property
    def authorization(self) -> str | None:
        """The value of `Proxy-Authorization`, where it wants a password."""
        if self.user is None or self.kind is ProxyKind.SOCKS5:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def proxy_for(url: str, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy for an address by `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`.

    Raises:
        UsageError: when the variable names no proxy, or one of a kind that is not supported.
    """
    scheme = urlsplit(url).scheme
    for name in (f"{scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            value = environment.get(variable, "").strip()
            if value:
                return None if _excluded(url, environment) else _parse(value, variable)
    return None


def _parse(value: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    kind = _KINDS.get(parts.scheme)
    if not host or kind is None:
        raise UsageError(
            f"the proxy in {variable} is of a kind that is not supported"
            if host
            else f"the proxy in {variable} is not an address",
            hint="Name it as http://host:port, https://host:port or socks5h://host:port, with "
            "user:password@ before the host where it needs one.",
        )
    user = None if parts.username is None else unquote(parts.username)
    return Proxy(kind, host, port or _PORTS[kind], user, unquote(parts.password or ""))


def _excluded(url: str, environment: Mapping[str, str]) -> bool:
    """Whether `no_proxy` exempts an address: by name, domain, network, `host:port` or `*`."""
    listed = (environment.get("no_proxy") or environment.get("NO_PROXY") or "").lower()
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or _USUAL.get(parts.scheme)
    return listed.strip() == "*" or any(
        _covers(entry, host, port) for entry in re.split(r"[,\s]+", listed) if entry
    )


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of `no_proxy` names a host, or a domain or network that it belongs to."""
    name, separator, wanted = entry.rpartition(":")
    if separator and wanted.isdigit() and (":" not in name or name.endswith("]")):
        if int(wanted) != port:
            return False
        entry = name
    if entry == "*":
        return True
    entry = entry.strip("[]").rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        domain = entry.removeprefix("*").removeprefix(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
