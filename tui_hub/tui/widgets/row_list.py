"""A list of rows with a cursor that draws only what is on screen, at any length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_hub.tui.command import bindings
from tui_hub.tui.commands import LISTS
from tui_hub.tui.drawing.draw import Line, Piece, difference
from tui_hub.tui.widgets.drawn import Drawn

_KEPT = 500
"""Rows that are remembered as they were drawn: more than any terminal is high."""


class RowList(Drawn, ScrollView, can_focus=True):
    """Rows drawn on demand. A subclass says how many there are and how each looks."""

    BINDINGS = bindings(*LISTS)
    BINDING_GROUP_TITLE = "Lists"
    DEFAULT_CSS = """
    RowList { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """

    header_height = 0
    """Lines above the rows that never scroll."""
    cursor: reactive[int] = reactive(0, repaint=False)
    """The row that actions are about."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        self._ready: dict[tuple[int, int], list[Piece]] = {}
        """What is to be on screen in a moment where it was made already, by row and width."""
        super().__init__(id=id)
        self._drawn: dict[int, list[Piece]] = {}
        """What is on screen, by row."""

    @dataclass
    class Moved(Message):
        """The cursor is on another row, or the row under it changed."""

        rows: RowList

        @property
        def control(self) -> RowList:
            return self.rows

    @dataclass
    class Chosen(Message):
        """Enter was pressed, or a row was clicked twice."""

        rows: RowList

        @property
        def control(self) -> RowList:
            return self.rows

    def row_count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def draw(self, row: int, width: int) -> Line:
        """The line of a row, at most `width` cells."""
        raise NotImplementedError

    def draw_header(self, width: int) -> Line:
        """The line above the rows that never scrolls, where there is one."""
        return ()

    def selectable(self, row: int) -> bool:
        """Whether the cursor may rest on a row; headings are no place for it."""
        return True

    def rows_changed(self, *, keep_cursor: bool = True) -> None:
        """Lay out and draw anew after the rows changed."""
        self.virtual_size = Size(0, self.row_count() + self.header_height)
        self._drawn.clear()
        if not keep_cursor:
            self.set_reactive(RowList.cursor, 0)
            self.scroll_to(y=0, animate=False, immediate=True)
        self.set_reactive(RowList.cursor, self._nearest(self.cursor, 1))
        self.refresh()
        self.post_message(self.Moved(self))

    def draw_changes(self) -> None:
        """Draw the cells alone that became others, where the rows are the same ones as before."""
        self._ready.clear()
        top, below, room = self.scroll_offset.y, self.header_height, self.draw_width
        for row in range(top, min(top + self.page_height, self.row_count())):
            drawn, line = self._drawn.get(row), list(self.draw(row, room))
            if drawn is None:
                self.refresh_line(row + below)
            elif line != drawn:
                self._ready[row, room] = line
                start, end = difference(drawn, line)
                super().refresh(Region(start, row - top + below, end - start, 1))

    def render_line(self, y: int) -> Strip:
        """One line of what is on screen."""
        width, room = self.line_width, self.draw_width
        base = self.plain
        if self.header_height and y == 0:
            return self.strip(self.draw_header(room), width, base)
        row = self.scroll_offset.y + y - self.header_height
        if not 0 <= row < self.row_count():
            return self.strip(self.draw_beyond(row), width, base)
        if len(self._drawn) > _KEPT:
            self._drawn.clear()
        line = self._ready.pop((row, room), None) or list(self.draw(row, room))
        self._drawn[row] = line
        if row == self.cursor and self.selectable(row):
            name = "drawn--cursor" if self.has_focus else "drawn--cursor-blurred"
            base = self.get_component_rich_style(name)
        return self.strip(line, width, base)

    @property
    def draw_width(self) -> int:
        """Cells that a row may take: all, but for a gap before a scrollbar."""
        return max(self.line_width - int(self.show_vertical_scrollbar), 1)

    def draw_beyond(self, row: int) -> Line:
        """The line below the last row; a list without rows says why here."""
        return ()

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, self.row_count() - 1))

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Draw anew, or some regions alone; what was made for the next frame is made again."""
        self._ready.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw the two lines that changed, and keep the cursor in sight."""
        self.refresh_line(old + self.header_height)
        self.refresh_line(new + self.header_height)
        self.reveal(new)
        if old != new:
            self.post_message(self.Moved(self))

    def reveal(self, row: int) -> None:
        """Scroll so that a row is on screen."""
        page = self.page_height
        top = self.scroll_offset.y
        target = row if row < top else row - page + 1 if row >= top + page else top
        if target != top:
            # By force: a list that has just become long has no scrollbar before the next layout.
            self.scroll_to(y=target, animate=False, immediate=True, force=True)

    @property
    def page_height(self) -> int:
        """Rows that fit on the screen."""
        return max(self.size.height - self.header_height, 1)

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in sight."""
        self.reveal(self.cursor)

    def on_focus(self) -> None:
        """Show the cursor as the one that keys move."""
        self.refresh_line(self.cursor + self.header_height)

    def on_blur(self) -> None:
        """Show the cursor as resting."""
        self.refresh_line(self.cursor + self.header_height)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to a row; a second click opens it."""
        row = self.scroll_offset.y + event.y - self.header_height
        if event.y < self.header_height or not 0 <= row < self.row_count():
            return
        if self.selectable(row):
            self.cursor = row
            if event.chain > 1:
                self.post_message(self.Chosen(self))

    def move(self, offset: int) -> None:
        """Move the cursor by some rows."""
        self.cursor = self._nearest(self.cursor + offset, 1 if offset > 0 else -1)

    def _nearest(self, row: int, step: int) -> int:
        """A row that may carry the cursor, from `row` on in one direction, else in the other."""
        count = self.row_count()
        row = max(0, min(row, count - 1))
        for direction in (step, -step):
            found = row
            while 0 <= found < count:
                if self.selectable(found):
                    return found
                found += direction
        return row

    def action_cursor_down(self) -> None:
        self.move(1)

    def action_cursor_up(self) -> None:
        self.move(-1)

    def action_page_down(self) -> None:
        self.move(self.page_height)

    def action_page_up(self) -> None:
        self.move(-self.page_height)

    def action_half_page_down(self) -> None:
        self.move(max(self.page_height // 2, 1))

    def action_half_page_up(self) -> None:
        self.move(-max(self.page_height // 2, 1))

    def action_first(self) -> None:
        self.cursor = self._nearest(0, 1)

    def action_last(self) -> None:
        self.cursor = self._nearest(self.row_count() - 1, -1)

    def action_choose(self) -> None:
        """Tell the screen to open the row."""
        if self.row_count():
            self.post_message(self.Chosen(self))
