"""Addresses that a user gives for files: checked before anything is asked or kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from tui_hub.domain.errors import UnsafeError
from tui_hub.sources.network import origin_of
from tui_hub.text import clean

_CREDENTIAL = re.compile(
    r"(?:.*[_-])?(?:token|key|keyid|secret|password|passwd|pwd|auth|authorization|jwt|credential"
    r"|signature|sig)|apikey|awsaccesskeyid|x-(?:amz|goog|ms|oss)-.*",
    re.IGNORECASE,
)
"""Names of query parameters that carry a right of their own."""

_TOKENS = {
    "https://civitai.com:443": ("CIVITAI_TOKEN", "CIVITAI_API_TOKEN"),
    "https://modelscope.cn:443": ("MODELSCOPE_API_TOKEN",),
    "https://www.modelscope.cn:443": ("MODELSCOPE_API_TOKEN",),
}
"""The environment variables that hold the user's token for an origin."""


def checked_address(text: str) -> str:
    """The address of a file, fit to be kept.

    Raises:
        UnsafeError: for anything but http and https, and for credentials inside it.
    """
    address = text.strip()
    origin_of(address)
    parts = urlsplit(address)
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if _CREDENTIAL.fullmatch(name):
            raise UnsafeError(
                f"the address carries a credential ({clean(name, 40)}), which is not kept",
                hint=f"Leave it out. {_instead(address)}",
            )
    return str(parts._replace(fragment="").geturl())


def token_headers(address: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The headers that carry the user's token for the origin of an address, if there is one."""
    for name in _TOKENS.get(origin_of(address), ()):
        token = environment.get(name, "").strip()
        if token:
            return {"Authorization": f"Bearer {token}"}
    return {}


def token_variable(address: str) -> str | None:
    """The environment variable in which a token for the origin of an address is looked for."""
    names = _TOKENS.get(origin_of(address))
    return names[0] if names else None


def _instead(address: str) -> str:
    variable = token_variable(address)
    if variable is not None:
        return f"The token is taken from {variable}."
    return "A signed address stops working soon; the one that led to it is asked anew each time."
