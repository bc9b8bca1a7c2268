"""A framed part of a screen, with a title above and a few words below."""

from __future__ import annotations

from dataclasses import dataclass

from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from tui_hub.tui.drawing.draw import safe


class Panel(Vertical):
    """The frame. Its words are plain text, and are drawn again only when they change.

    Drawing a frame draws what is in it too, so nothing that moves belongs into its words.
    """

    @dataclass
    class Shown(Message):
        """The panel came into view: by a key, or as the terminal became wider."""

        panel: Panel

        @property
        def control(self) -> Panel:
            return self.panel

    def __init__(self, title: str = "", *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self._words = ("", "")
        self.label(title)

    def on_show(self) -> None:
        """Tell the screen, which fills what is in view alone."""
        self.post_message(self.Shown(self))

    def label(self, title: str | None = None, note: str | None = None) -> None:
        """Set the title, the words below, or both."""
        words = (
            self._words[0] if title is None else safe(title),
            self._words[1] if note is None else safe(note),
        )
        if words[0] != self._words[0]:
            self.border_title = Content(words[0])
        if words[1] != self._words[1]:
            self.border_subtitle = Content(words[1])
        self._words = words
