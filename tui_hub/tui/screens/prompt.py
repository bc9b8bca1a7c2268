"""A question that is answered by typing."""

from __future__ import annotations

import re

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui_hub.domain.errors import UsageError
from tui_hub.tui.command import bindings
from tui_hub.tui.commands import LeaveSearch
from tui_hub.tui.screens.base import HubDialog

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?(?:/s)?", re.IGNORECASE)
_UNITS = {"": 1024**2, "k": 1024, "m": 1024**2, "g": 1024**3}


class Prompt(HubDialog[str | None]):
    """Takes one line of text; `None` when it is closed without an answer."""

    BINDINGS = bindings(LeaveSearch)
    BINDING_GROUP_TITLE = "Question"
    DEFAULT_CSS = """
    Prompt Input, Prompt Input:focus {
        border: none; height: 1; padding: 0 1; margin: 1 0; background: $background;
    }
    """

    def __init__(self, title: str, words: str, value: str) -> None:
        super().__init__()
        self._title, self._words, self._value = title, words, value

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = self._title
        with box:
            yield Static(Content(self._words))
            yield Input(value=self._value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_leave_search(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


def parse_rate(words: str) -> int:
    """Bytes a second from `10M`, `512k`, `1.5 GiB/s`; a bare number counts MiB; 0 is no limit.

    Raises:
        UsageError: when the words are no rate.
    """
    words = words.strip()
    if not words:
        return 0
    found = _RATE.fullmatch(words)
    if found is None:
        raise UsageError(f"{words[:40]!r} is no speed", hint="Type 10M or 512k; 0 is no limit.")
    return round(float(found[1]) * _UNITS[found[2].lower()])
