"""Lines that follow moving figures: only those that became others are drawn again."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.strip import Strip

from tui_hub.tui.drawing.draw import Line, fit
from tui_hub.tui.widgets.scrolling import Scrolling


class LinesPane(Scrolling):
    """A pane of lines that a subclass makes for the size that there is."""

    DEFAULT_CSS = "LinesPane { padding: 0 1; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[list[tuple[str, str]]] = []

    def lines(self, width: int, rows: int) -> Sequence[Line]:
        """The lines for so many cells and rows; more lines than rows scroll."""
        raise NotImplementedError

    def follow(self) -> None:
        """Make the lines anew, and draw those that changed."""
        before, self._lines = self._lines, [list(line) for line in self._made()]
        if len(before) != len(self._lines):
            self.virtual_size = Size(0, len(self._lines))
            self.refresh()
            return
        for number, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            row = number - self.scroll_offset.y
            if old != new and 0 <= row < self.size.height:
                self.refresh_line(row)

    def _made(self) -> Sequence[Line]:
        width, rows = self.line_width, self.scrollable_content_region.height
        return self.lines(width, max(rows, 1)) if width > 0 else ()

    def on_resize(self, event: events.Resize) -> None:
        """Make the lines for another size."""
        self.follow()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of what is on screen."""
        row = self.scroll_offset.y + y
        width, base = self.line_width, self.plain
        if row >= len(self._lines):
            return Strip.blank(width, base)
        plain = Style(color=base.color, bgcolor=base.bgcolor)
        pieces = fit(self._lines[row], width, ellipsis=self.glyphs.ellipsis)
        return self.strip(pieces, width, plain)
