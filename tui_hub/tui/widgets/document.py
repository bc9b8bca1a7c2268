"""A long text that scrolls: the card of a model, the log of a job."""

from __future__ import annotations

import asyncio

from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.geometry import Size
from textual.strip import Strip

from tui_hub.tui.drawing.draw import ROOM, Line, safe, wrap
from tui_hub.tui.widgets.scrolling import Scrolling


class Document(Scrolling):
    """Lines made once for a width, in a thread, and drawn as they scroll by."""

    DEFAULT_CSS = "Document { padding: 0 2; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._card: str | None = None
        self._source: list[Line] | None = None
        """Lines of our own, to be broken for the width that there is."""
        self._lines: list[list[Segment]] = []
        self._width = 0
        self._made_for: tuple[list[Line], int, str] | None = None
        """The lines of our own, the width and the theme that they were broken for."""

    def show_words(self, words: str, tone: str = "muted") -> None:
        """Show a few words of our own in place of a text."""
        self.show_pieces([[(words, tone)]])

    def show_lines(self, lines: list[str]) -> None:
        """Show plain lines, and stay at the end if the end was in sight."""
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self._break([[(line, "")] for line in lines], keep=True)
        if at_end:
            self.scroll_end(animate=False, immediate=True)

    def show_pieces(self, lines: list[Line]) -> None:
        """Show lines of toned pieces."""
        self._break(lines)

    @property
    def height_wanted(self) -> int:
        """Lines that it has for the width that there is."""
        return len(self._lines)

    def _break(self, lines: list[Line], *, keep: bool = False) -> None:
        """Take lines of our own, and break those that are too long; nothing where they stay."""
        made_for = (lines, self.line_width, self.app.theme)
        if keep and self._card is None and made_for == self._made_for:
            return
        self._made_for = made_for
        self._card, self._source, self._width = None, lines, self.line_width
        broken = [part for line in lines for part in wrap(line, self._width or ROOM)]
        toned = [[Segment(text, self.tone(tone)) for text, tone in line] for line in broken]
        self._put(toned, keep=keep)

    def show_card(self, card: str) -> None:
        """Show Markdown from outside."""
        self._card, self._source = card, None
        self.render_again()

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines anew for another width."""
        if self.line_width == self._width:
            return
        if self._card is not None:
            self.render_again()
        elif self._source is not None:
            self._break(self._source, keep=True)

    @work(group="card", exclusive=True)
    async def render_again(self) -> None:
        """Make the lines in a thread."""
        card, self._width = self._card, self.line_width
        if card is None or not self._width:
            return
        from tui_hub.tui.drawing.markdown import render_card

        code = "nord" if self.app.current_theme.dark else "friendly"
        lines = await asyncio.to_thread(render_card, card, self._width, self._styles(), code)
        if card is self._card:
            self._put(lines)

    def _styles(self) -> dict[str, Style]:
        bold, info, muted = Style(bold=True), self.tone("info"), self.tone("muted")
        styles = {f"markdown.h{level}": bold + info for level in (1, 2, 3)}
        styles |= {f"markdown.h{level}": bold for level in (4, 5, 6, 7)}
        styles |= {
            "markdown.code": self.tone("accent"),
            "markdown.code_block": muted,
            "markdown.link": info,
            "markdown.link_url": self.tone("faint"),
            "markdown.block_quote": muted,
            "markdown.hr": self.tone("rest"),
            "markdown.item.bullet": self.tone("accent"),
            "markdown.item.number": self.tone("accent"),
            "markdown.table.border": self.tone("rest"),
            "markdown.table.header": bold,
        }
        return styles

    def _put(self, lines: list[list[Segment]], *, keep: bool = False) -> None:
        self._lines = lines
        self.virtual_size = Size(0, len(lines))
        if not keep:
            self.scroll_home(animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of what is on screen."""
        row = self.scroll_offset.y + y
        base = self.plain
        width = self.line_width
        if row >= len(self._lines):
            return Strip.blank(width, base)
        plain = Style(color=base.color, bgcolor=base.bgcolor)
        segments = [
            Segment(safe(text), plain + _no_background(style))
            for text, style, control in self._lines[row]
            if not control
        ]
        return Strip(segments).adjust_cell_length(width, base)


def _no_background(style: Style | None) -> Style:
    """A style as it sits on the screen's own background, and links to nowhere."""
    if style is None:
        return Style.null()
    return Style(
        color=style.color,
        bold=style.bold,
        italic=style.italic,
        underline=style.underline,
        strike=style.strike,
    )
