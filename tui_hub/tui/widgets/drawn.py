"""What all widgets share that draw their own lines: tones, the sign set, and strips."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import getters
from textual.css.styles import RenderStyles
from textual.strip import Strip
from textual.widget import Widget

from tui_hub.tui.app import HubApp
from tui_hub.tui.drawing.draw import Piece, safe
from tui_hub.tui.drawing.glyphs import Glyphs

TONES = (
    "strong",
    "muted",
    "faint",
    "head",
    "key",
    "accent",
    "info",
    "good",
    "warn",
    "bad",
    "bar",
    "partial",
    "rest",
    "gone",
)
"""The tones of a piece, each a component class `drawn--<tone>`."""


class Drawn(Widget):
    """A widget that draws lines of toned pieces."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"drawn--{tone}" for tone in TONES} | {
        "drawn--plain",
        "drawn--cursor",
        "drawn--cursor-blurred",
    }
    DEFAULT_CSS = """
    Drawn {
        & > .drawn--strong { color: $foreground; text-style: bold; }
        & > .drawn--muted { color: $foreground 62%; }
        & > .drawn--faint { color: $foreground 38%; }
        & > .drawn--head { color: $foreground 45%; }
        & > .drawn--key { color: $accent; }
        & > .drawn--accent { color: $accent; }
        & > .drawn--info { color: $primary; }
        & > .drawn--good { color: $success; }
        & > .drawn--warn { color: $warning; }
        & > .drawn--bad { color: $error; }
        & > .drawn--bar { color: $primary; }
        & > .drawn--partial { color: $primary 70%; }
        & > .drawn--rest { color: $foreground 14%; }
        & > .drawn--gone { color: $foreground 62%; text-style: strike; }
        & > .drawn--cursor { background: $primary 22%; }
        & > .drawn--cursor-blurred { background: $foreground 7%; }
        &:ansi > .drawn--cursor { text-style: reverse; }
        &:ansi > .drawn--cursor-blurred { text-style: bold; }
    }
    """

    app = getters.app(HubApp)
    _under: tuple[str, Style] | None = None
    """The theme and the style of what has no tone, as they were when the tones were mixed."""
    _tones: dict[str, Style]

    @property
    def glyphs(self) -> Glyphs:
        """The signs to draw with."""
        return self.app.glyphs

    @property
    def in_sight(self) -> bool:
        """Whether its screen is in front, or lies below one that is."""
        return self.screen in self.app.screen_stack

    @property
    def plain(self) -> Style:
        """The style of what has no tone; Textual's own is worked out anew for every line."""
        return self.get_component_rich_style("drawn--plain")

    @property
    def line_width(self) -> int:
        """Cells of a line, less padding and scrollbar."""
        return self.scrollable_content_region.width

    def get_component_styles(self, *names: str) -> RenderStyles:
        """How parts look, worked out when they are first drawn; most never are."""
        for name in names:
            if name not in self._component_styles and name in Drawn.COMPONENT_CLASSES:
                self._component_styles[name] = self.app.stylesheet.component(self, name)
        return super().get_component_styles(*names)

    def _get_component_classes(self) -> frozenset[str]:  # type: ignore[override]
        """The parts that were drawn: each costs as much as a widget whenever one is styled."""
        return frozenset(self._component_styles)

    def tone(self, name: str) -> Style:
        """The colour and weight of a tone, without a background."""
        if not name:
            return Style.null()
        under = (self.app.theme, self.plain)
        if under != self._under:
            self._under, self._tones = under, {}
        if name not in self._tones:
            full = self.get_component_rich_style(f"drawn--{name}")
            self._tones[name] = Style(
                color=full.color,
                bold=full.bold,
                italic=full.italic,
                underline=full.underline,
                strike=full.strike,
            )
        return self._tones[name]

    def strip(self, pieces: Iterable[Piece], width: int, base: Style) -> Strip:
        """One line of exactly `width` cells.

        Blanks take the tone of what stands before them: it cannot be seen, and every change of
        tone costs bytes on a slow link.
        """
        merged: list[Piece] = []
        for text, tone in pieces:
            if merged and (tone == merged[-1][1] or not text.strip(" ")):
                merged[-1] = (merged[-1][0] + text, merged[-1][1])
            elif text:
                merged.append((text, tone))
        segments = [Segment(safe(text), base + self.tone(tone)) for text, tone in merged]
        return Strip(segments).adjust_cell_length(width, base)
