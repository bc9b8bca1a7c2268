"""Which proxy the environment names for an address."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from tui_hub.domain.errors import UsageError
from tui_hub.transfer.addresses import Address


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy."""

    host: str
    port: int
    authorization: str | None = None
    """The value of `Proxy-Authorization`."""


def proxy_for(address: Address, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy for an address by `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`.

    Raises:
        UsageError: when the variable names a kind of proxy that is not supported.
    """
    for name in (f"{address.scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            value = environment.get(variable, "").strip()
            if value:
                return None if _excluded(address, environment) else _parse(value, variable)
    return None


def _parse(value: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if not host or parts.scheme != "http":
        raise UsageError(
            f"the proxy in {variable} is of a kind that downloads do not support"
            if host
            else f"the proxy in {variable} is not an address",
            hint="Name an HTTP proxy: http://host:port, with user:password@ where it needs one.",
        )
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Proxy(host, port, authorization)


def _excluded(address: Address, environment: Mapping[str, str]) -> bool:
    """Whether `no_proxy` exempts an address: by name, domain, `host:port`, network or `*`."""
    listed = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    host = address.host.lower()
    for entry in (part.strip().lower() for part in listed.split(",")):
        if not entry:
            continue
        domain = entry.lstrip("*").lstrip(".")
        if entry == "*" or entry == f"{host}:{address.port}":
            return True
        if host == domain or (domain and host.endswith("." + domain)):
            return True
        if _in_network(host, entry):
            return True
    return False


def _in_network(host: str, entry: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
