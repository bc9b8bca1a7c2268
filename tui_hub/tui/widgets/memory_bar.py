"""The line with the box's memory and disk, always in sight."""

from __future__ import annotations

from textual.strip import Strip

from tui_hub import text
from tui_hub.domain.hardware import HostSample
from tui_hub.tui.draw import Piece, bar, spread, width_of
from tui_hub.tui.live import Live
from tui_hub.tui.widgets.drawn import Drawn

_LEAST, _MOST = 3, 24
"""Cells of a bar."""


class MemoryBar(Drawn):
    """GPU memory or why there is none, host memory, processor and disk."""

    DEFAULT_CSS = "MemoryBar { height: 1; background: $background; padding: 0 1; }"

    def on_mount(self) -> None:
        """Follow the readings."""
        self._shown: HostSample | None = None
        self.app.live_signal.subscribe(self, self._changed)

    def _changed(self, live: Live) -> None:
        if live.host != self._shown:
            self._shown = live.host
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the readings with bars as wide as the line allows."""
        width = self.size.width
        host = self.app.live.host
        right = self._where()
        if host is None:
            left: list[Piece] = [("reading memory and disk", "faint")]
        else:
            left = self._fitted(host, width - width_of(right) - 2)
        return self.strip(
            spread(left, right, width, ellipsis=self.glyphs.ellipsis), width, self.rich_style
        )

    def _fitted(self, host: HostSample, room: int) -> list[Piece]:
        """As much as there is room for, with bars as wide as what is left allows."""
        for detail in (2, 1, 0):
            bars = (room - width_of(self._readings(host, 0, detail))) // 2
            if bars >= _LEAST or detail == 0:
                return self._readings(host, max(min(bars, _MOST), 0), detail)
        return []

    def _readings(self, host: HostSample, bars: int, detail: int) -> list[Piece]:
        used = host.memory_used / max(host.memory_total, 1)
        full = 1 - host.disk_free / max(host.disk_total, 1)
        total, _, unit = text.size(host.memory_total).partition(" ")
        figure = f"{used * float(total):.1f}".rjust(len(total))
        pieces: list[Piece] = [
            (host.gpu_message, "muted"),
            ("  ram ", "faint"),
            *self._meter(used, bars),
            (f" {figure}/{total} {unit}", "muted"),
            ("  cpu " if detail else "", "faint"),
            (f"{host.cpu_percent:3.0f}%" if detail else "", "muted"),
            ("  disk ", "faint"),
            *self._meter(full, bars),
            (f" {text.size(host.disk_free).rjust(9)} free", _alarm(full, "muted")),
        ]
        if detail > 1:
            pieces.append((f" of {text.size(host.disk_total)}", "faint"))
        return pieces

    def _meter(self, fraction: float, width: int) -> list[Piece]:
        glyphs = self.glyphs
        drawn = bar(fraction, width, glyphs, _alarm(fraction, "bar"))
        return [(glyphs.edge_left, "faint"), *drawn, (glyphs.edge_right, "faint")]

    def _where(self) -> list[Piece]:
        settings = self.app.services.configuration.settings
        words = ["offline"] if settings.network.offline else []
        if self.app.over_ssh:
            words.append("ssh")
        return [(" ".join(words), "warn" if settings.network.offline else "faint")] if words else []


def _alarm(fraction: float, calm: str) -> str:
    """The tone of a filling meter."""
    if fraction >= 0.95:
        return "bad"
    return "warn" if fraction >= 0.85 else calm
