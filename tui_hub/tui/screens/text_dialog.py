"""A small text file of a model, cleaned, over the screen that asked for it."""

from __future__ import annotations

from pathlib import Path

from textual import events, getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from tui_hub.text import clean
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.questions import Dismiss
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.widgets.document import Document

LIMIT = 200_000
"""Bytes of the largest file that is shown."""
_SUFFIXES = (".json", ".txt", ".md", ".yaml", ".yml", ".jinja")


def is_text(path: str, size: int | None) -> bool:
    """Whether a file is a small one that people read."""
    return path.lower().endswith(_SUFFIXES) and size is not None and size <= LIMIT


def read_text(path: Path) -> str:
    """What a file says, cleaned for a terminal. Reads from the disk: call it in a thread."""
    with path.open("rb") as file:
        content = file.read(LIMIT)
    return clean(content.decode("utf-8", "replace").expandtabs(4), LIMIT, lines=True)


class Lines(Document):
    """Lines broken at the width there is, so that nothing is out of sight."""

    DEFAULT_CSS = "Lines { background: $panel; }"

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines anew."""
        room = max(self.line_width, 10)
        self.show_lines(
            [
                line[start : start + room]
                for line in self._words.splitlines() or ["This file is empty."]
                for start in range(0, max(len(line), 1), room)
            ]
        )
        self.scroll_home(animate=False)


class TextDialog(HubDialog[None]):
    """The text with its name above."""

    BINDINGS = bindings(Dismiss)
    BINDING_GROUP_TITLE = "File"
    AUTO_FOCUS = "Lines"
    lines = getters.query_one(Lines)

    def __init__(self, title: str, words: str) -> None:
        super().__init__()
        self._title, self._words = title, words

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = Content(safe(self._title))
        box.border_subtitle = self.offer((Dismiss, "closes"))
        with box:
            yield Lines(self._words)

    def action_dismiss(self) -> None:  # type: ignore[override]
        """Close."""
        self.dismiss()
