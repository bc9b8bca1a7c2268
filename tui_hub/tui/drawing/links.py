"""Addresses as the terminal may open them: by OSC 8, and only where nothing can go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from textual.content import Content
from textual.style import Style

from tui_hub.tui.drawing.draw import safe

_LONGEST = 2_000
_UNABLE = ("", "dumb", "linux")
"""Terminals that would show the sequence, or do nothing with it."""


def can_link(environment: Mapping[str, str]) -> bool:
    """Whether the terminal is one that may know links; those that do not leave them out."""
    return environment.get("TERM", "") not in _UNABLE


def safe_address(address: str) -> str | None:
    """The address, where it is a plain one of the web; `None` for anything else.

    What is shown is then just what is opened: no other schemes, no names before the host that
    look like one, no letters that only seem to be others.
    """
    if len(address) > _LONGEST or not (address.isascii() and address.isprintable()):
        return None
    if any(character in address for character in ' "<>\\^`{|}'):
        return None
    try:
        parts = urlsplit(address)
        plain = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and plain else None


def link(address: str, style: str, *, linked: bool = True) -> Content:
    """An address as it is shown, to be opened by the terminal where that is sure to be right."""
    shown = safe(address)
    target = safe_address(address) if linked else None
    content = Content.styled(shown, style)
    return content if target is None else content.stylize(Style(link=target))
