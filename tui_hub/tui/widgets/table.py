"""A row list over things in memory, drawn in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from tui_hub.tui.drawing.columns import Column, draw_row, header, layout, shorten
from tui_hub.tui.drawing.draw import Line
from tui_hub.tui.widgets.row_list import RowList

Row = TypeVar("Row")


class Table(RowList, Generic[Row]):
    """Rows of one kind in columns. The cursor stays on its row when the rows are replaced."""

    DEFAULT_CSS = "Table { padding: 0 1; }"
    header_height = 1

    least = 30
    """Cells that the flexible column keeps before other columns are shown beside it."""
    empty: Line = ()
    """What stands in place of rows when there are none."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.columns = list(columns)
        self.rows: tuple[Row, ...] = ()
        self._laid_out: dict[tuple[int, int], list[tuple[Column[Row], int]]] = {}
        """The columns of these rows, by the width and by what the flexible one keeps of it."""
        self._said: Line | None = None
        """What stood in place of rows when they were last replaced."""

    def key_of(self, row: Row) -> object:
        """By what a row is known again after the rows were replaced."""
        return row

    def show(self, rows: Sequence[Row]) -> None:
        """Replace the rows; the cursor follows the row it was on.

        Where they are the same ones as before, only the cells are drawn that became others.
        """
        before, old = self.current, self.rows
        self.rows = tuple(rows)
        self._laid_out.clear()
        said, self._said = self._said, self.empty
        if not old and not self.rows and said == self.empty:
            return
        if old and list(map(self.key_of, old)) == list(map(self.key_of, self.rows)):
            self.draw_changes()
            if self.current != before:
                self.post_message(self.Moved(self))
            return
        if before is not None:
            key = self.key_of(before)
            at = next((i for i, row in enumerate(self.rows) if self.key_of(row) == key), None)
            if at is not None:
                self.set_reactive(RowList.cursor, at)
        self.rows_changed()

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def row_count(self) -> int:
        return len(self.rows)

    def _placed(self, width: int) -> list[tuple[Column[Row], int]]:
        key = (width, self.least)
        if key not in self._laid_out:
            placed = layout(self.columns, width - 2, self.least)
            self._laid_out[key] = shorten(placed, self.rows)
        return self._laid_out[key]

    def draw_header(self, width: int) -> Line:
        return [("  ", ""), *header(self._placed(width), self.glyphs.ellipsis)]

    def draw(self, row: int, width: int) -> Line:
        mark = f"{self.glyphs.cursor} " if row == self.cursor and self.has_focus else "  "
        return [
            (mark, "accent"),
            *draw_row(self.rows[row], self._placed(width), self.glyphs.ellipsis),
        ]

    def draw_beyond(self, row: int) -> Line:
        return [("  ", ""), *self.empty] if row == 0 and not self.rows else ()
