"""The line below the downloads: how fast all of them are together."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from tui_hub.domain.downloads import Download
from tui_hub.tui.drawing.draw import Piece, fit
from tui_hub.tui.widgets.drawn import Drawn
from tui_hub.tui.words.download_line import together


class DownloadTotals(Drawn):
    """The speed now, and a small graph of the last half minute."""

    DEFAULT_CSS = "DownloadTotals { height: 1; padding: 0 2; }"

    def __init__(self) -> None:
        super().__init__(id="totals")
        self._line: list[Piece] = []

    def show(self, running: Sequence[Download]) -> None:
        """Take new figures."""
        before, self._line = self._line, together(running, self.glyphs)
        if before != self._line:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw them at the right."""
        width = self.line_width
        return self.strip(fit(self._line, width, align="right"), width, self.plain)
