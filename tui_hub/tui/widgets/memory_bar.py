"""The line with the box's memory and disk, always in sight."""

from __future__ import annotations

from textual.strip import Strip

from tui_hub.events import HardwareSampled
from tui_hub.tui.drawing.draw import Piece, spread, width_of
from tui_hub.tui.drawing.memory_line import memory_line
from tui_hub.tui.widgets.drawn import Drawn


class MemoryBar(Drawn):
    """GPU memory or why there is none, host memory, processor and disk."""

    DEFAULT_CSS = "MemoryBar { height: 1; background: $background; padding: 0 1; }"

    def on_mount(self) -> None:
        """Follow the readings."""
        self._drawn: list[Piece] = []
        self.app.event_signal.follow(self, self._happened, HardwareSampled)

    def _happened(self, event: HardwareSampled) -> None:
        if self.in_sight and self._pieces() != self._drawn:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the readings with bars as wide as the line allows."""
        self._drawn = self._pieces()
        return self.strip(self._drawn, self.size.width, self.plain)

    def _pieces(self) -> list[Piece]:
        width = self.size.width
        sample = self.app.services.hardware.sample if self.app.opened.is_set() else None
        right = self._where()
        if sample is None:
            left: list[Piece] = [("reading memory and disk", "faint")]
        else:
            left = memory_line(sample, width - width_of(right) - 2, self.glyphs)
        return spread(left, right, width, ellipsis=self.glyphs.ellipsis)

    def _where(self) -> list[Piece]:
        offline = self.app.configuration.offline
        words = ["offline"] if offline else []
        if self.app.over_ssh:
            words.append("ssh")
        return [(" ".join(words), "warn" if offline else "faint")] if words else []
