"""The line with the box's memory and disk, always in sight."""

from __future__ import annotations

from textual.strip import Strip

from tui_hub import text
from tui_hub.domain.hardware import HostSample
from tui_hub.tui.draw import Piece, bar, spread, width_of
from tui_hub.tui.live import Live
from tui_hub.tui.widgets.drawn import Drawn


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
            wide = width >= 100
            fixed = width_of(self._readings(host, 0, wide=wide)) + width_of(right)
            left = self._readings(host, max(min((width - fixed - 2) // 2, 24), 3), wide=wide)
        return self.strip(
            spread(left, right, width, ellipsis=self.glyphs.ellipsis), width, self.rich_style
        )

    def _readings(self, host: HostSample, bars: int, *, wide: bool) -> list[Piece]:
        used = host.memory_used / max(host.memory_total, 1)
        full = 1 - host.disk_free / max(host.disk_total, 1)
        total = text.size(host.memory_total)
        figure = text.size(host.memory_used).rpartition(" ")[0]
        if text.size(host.memory_used)[-3:] != total[-3:]:
            figure = text.size(host.memory_used)
        pieces: list[Piece] = [
            (host.gpu_message, "muted"),
            ("  ram ", "faint"),
            *self._meter(used, bars),
            (f" {figure}/{total}".rjust(12), "muted"),
            ("  cpu ", "faint"),
            (f"{host.cpu_percent:3.0f}%", "muted"),
            ("  disk ", "faint"),
            *self._meter(full, bars),
            (f" {text.size(host.disk_free).rjust(9)} free", _alarm(full, "muted")),
        ]
        if wide:
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
