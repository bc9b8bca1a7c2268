"""The addresses of sources, as the settings or the environment name them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

from tui_hub.domain.errors import UnsafeError, UsageError
from tui_hub.settings import HuggingFaceSettings
from tui_hub.sources.network import origin_of

HUB = "https://huggingface.co"


def endpoint_from(settings: HuggingFaceSettings, environment: Mapping[str, str]) -> str:
    """The address that everything is asked of, without a slash at its end.

    Raises:
        UsageError: naming the setting or variable, and what is wrong; never its value, which may
            hold a password.
    """
    if settings.endpoint:
        name, text = "huggingface.endpoint", settings.endpoint.strip()
    else:
        name, text = "HF_ENDPOINT", environment.get("HF_ENDPOINT", "").strip() or HUB
    return checked_address(name, text, HUB)


@cache
def checked_address(name: str, text: str, example: str) -> str:
    """An address that requests may go to, without a slash at its end.

    Args:
        name: the setting or variable that holds it.
        text: what that says.
        example: what it could say.

    Raises:
        UsageError: naming the setting and what is wrong; never its value, which may hold a
            password.
    """
    fault = _fault(text)
    if fault:
        raise UsageError(
            f"{name} cannot be used: {fault}",
            hint=f"Set {name} to an address like {example}, or leave it out.",
        )
    return text.partition("?")[0].partition("#")[0].rstrip("/")


def _fault(text: str) -> str | None:
    """What is wrong with an address, if something is."""
    if not text.lower().startswith(("http://", "https://")):
        return "it does not begin with https:// or http://"
    try:
        if "@" in urlsplit(text).netloc:
            return "it holds a user name or password"
        origin_of(text)
    except (ValueError, UnsafeError):
        return "it is no web address"
    return None
