"""A question that is answered by typing."""

from __future__ import annotations

import re
from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui_hub.domain.errors import UsageError
from tui_hub.text import parse_size
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.questions import Cancel
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.screens.base import Answer, HubDialog

_A_SECOND = re.compile(r"/s$", re.IGNORECASE)
LEAST_RATE = 1024
"""Bytes a second below which a limit would only look like a stall."""


class Prompt(HubDialog[Answer | None]):
    """Takes one line of text until it means something; `None` when closed without an answer."""

    BINDINGS = bindings(Cancel)
    BINDING_GROUP_TITLE = "Question"
    DEFAULT_CSS = """
    Prompt Input, Prompt Input:focus {
        border: none; height: 1; padding: 0 1; margin-top: 1; background: $background;
    }
    Prompt #problem { color: $error; height: auto; display: none; margin-top: 1; }
    """

    def __init__(
        self, title: str, words: str, value: str, meaning: Callable[[str], Answer]
    ) -> None:
        super().__init__()
        self._title, self._words, self._value = title, words, value
        self._meaning = meaning

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = Content(safe(self._title))
        box.border_subtitle = self.offers()
        with box:
            yield Static(Content(self._words))
            yield Input(value=self._value)
            yield Static(id="problem")

    def offers(self) -> str:
        """What keys do, for the lower edge."""
        return f"enter accepts, {self.offer((Cancel, 'closes'))}"

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.give(self._meaning)

    def give(self, meaning: Callable[[str], Answer]) -> None:
        """Close with what the words mean, or say why they mean nothing."""
        try:
            answer = meaning(self.query_one(Input).value)
        except UsageError as error:
            problem = self.query_one("#problem", Static)
            advice = safe(self.app.advice(error.hint))
            problem.update(Content("\n".join(filter(None, (safe(error.message), advice)))))
            problem.display = True
            return
        self.dismiss(answer)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


def parse_rate(words: str) -> int:
    """Bytes a second from `10M`, `10 MiB/s`, the decimal `10MB/s` or a number; 0 is no limit.

    Raises:
        UsageError: when the words are no rate, or one below 1 KiB/s.
    """
    words = words.strip()
    if not words:
        return 0
    try:
        rate = parse_size(_A_SECOND.sub("", words))
    except UsageError:
        hint = "Type 500k, 10M (MiB) or 10MB; 0 lifts the limit."
        raise UsageError(f"{words[:40]!r} is no speed.", hint=hint) from None
    if 0 < rate < LEAST_RATE:
        raise UsageError(
            f"{rate} B/s would stall every download.", hint="1k is the least; 0 lifts the limit."
        )
    return rate
