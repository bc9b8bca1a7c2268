"""Long work on the disk of this process, a line each; no line when nothing goes on."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from tui_hub import text
from tui_hub.domain.disk_work import WorkPicture
from tui_hub.tui.drawing.draw import Piece, bar, fit, spread
from tui_hub.tui.widgets.drawn import Drawn


class WorkLine(Drawn):
    """Type, bar, figures, and what it is at."""

    DEFAULT_CSS = "WorkLine { height: auto; display: none; padding: 0 2; }"

    def __init__(self) -> None:
        super().__init__(id="work")
        self._works: tuple[WorkPicture, ...] = ()

    def show(self, works: Sequence[WorkPicture]) -> None:
        """Take new figures."""
        before, self._works = self._works, tuple(works)
        if len(before) != len(self._works):
            self.styles.height = max(len(self._works), 1)
            self.display = bool(self._works)
        if before != self._works:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one piece of work."""
        if y >= len(self._works):
            return Strip.blank(self.size.width, self.plain)
        return self.strip(self._pieces(self._works[y]), self.size.width, self.plain)

    def _pieces(self, one: WorkPicture) -> list[Piece]:
        width = self.size.width
        left: list[Piece] = [(f"{one.type.value:<7}", "strong")]
        if one.total:
            share = min(one.done / one.total, 1.0)
            left += [*bar(share, max(width // 5, 8), self.glyphs), (f" {int(share * 100):3d}%", "")]
        left += [(f"  {text.size(one.done):>10}", ""), (f"  {text.speed(one.speed):>11}", "info")]
        eta = text.duration(one.eta) if one.eta is not None else ""
        left.append((f"  {f'eta {eta}' if eta else '':<14}", "faint"))
        room = max(width - sum(len(words) for words, _ in left) - 1, 0)
        return spread(
            left, fit([(one.subject, "muted")], room, ellipsis=self.glyphs.ellipsis), width
        )
