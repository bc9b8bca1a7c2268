"""The tabs of a page on one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from tui_hub.tui.drawing.draw import Piece, fit
from tui_hub.tui.widgets.drawn import Drawn


class TabStrip(Drawn):
    """Names side by side, one of them the present one; a click goes there."""

    DEFAULT_CSS = "TabStrip { height: 1; padding: 0 2; }"

    present: reactive[int] = reactive(0)

    @dataclass
    class Changed(Message):
        """Another tab is the present one."""

        present: int

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = list(names)

    def rename(self, index: int, name: str) -> None:
        """Say more in a tab's name, for example how many files there are."""
        self._names[index] = name
        self.refresh()

    def step(self, offset: int) -> None:
        """Go on by some tabs, round at the ends."""
        self.present = (self.present + offset) % len(self._names)

    def watch_present(self, present: int) -> None:
        """Tell the screen."""
        self.post_message(self.Changed(present))

    def render_line(self, y: int) -> Strip:
        pieces: list[Piece] = []
        for index, name in enumerate(self._names):
            here = index == self.present
            pieces.append((f"{self.glyphs.cursor} " if here else "  ", "accent"))
            pieces.append((name, "strong" if here else "muted"))
            pieces.append(("   ", ""))
        width = self.size.width
        fitted = fit(pieces, width, ellipsis=self.glyphs.ellipsis)
        return self.strip(fitted, width, self.plain)

    def lefts(self) -> list[int]:
        """Where each name begins, in cells from the left edge of the strip."""
        begins, at = [], self.styles.padding.left
        for name in self._names:
            begins.append(at)
            at += len(name) + 5
        return begins

    def on_click(self, event: events.Click) -> None:
        """Go to the tab under the pointer."""
        at = 2
        for index, name in enumerate(self._names):
            at += len(name) + 5
            if event.x < at:
                self.present = index
                return
