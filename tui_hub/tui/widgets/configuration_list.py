"""The keys of a model's configuration, and its versions, below one another."""

from __future__ import annotations

from tui_hub.domain.configuration import ConfigurationReport
from tui_hub.tui.drawing.columns import draw_row, header, layout
from tui_hub.tui.drawing.draw import Line
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.words.configuration import (
    ConfigurationRow,
    consent_columns,
    key_columns,
    rows_of,
    version_columns,
)

_LEAST = 22
"""Cells that a value keeps before other columns are shown beside it."""


class ConfigurationList(RowList):
    """Rows that the cursor passes from, but for the headings."""

    DEFAULT_CSS = "ConfigurationList { padding: 0 1; }"
    header_height = 1

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[ConfigurationRow] = []
        self._keys = key_columns(())
        self._consents, self._versions = consent_columns(), version_columns(self.glyphs)
        self.empty = "asking for what is set"

    def show(self, report: ConfigurationReport) -> None:
        """Replace the rows; the cursor follows the row that it was on."""
        before = self.row
        self._rows = rows_of(report, self.glyphs, self.app.key_of)
        self._keys = key_columns(self._rows)
        if before is not None:
            known = [row.identity for row in self._rows]
            if before.identity in known:
                self.set_reactive(RowList.cursor, known.index(before.identity))
        self.rows_changed()

    @property
    def row(self) -> ConfigurationRow | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def row_count(self) -> int:
        return len(self._rows)

    def selectable(self, row: int) -> bool:
        return bool(self._rows[row].identity)

    def draw_header(self, width: int) -> Line:
        placed = layout(self._keys, width - 2, _LEAST)
        return [("  ", ""), *header(placed, self.glyphs.ellipsis)]

    def draw(self, row: int, width: int) -> Line:
        one = self._rows[row]
        if not self.selectable(row):
            return [("  ", ""), *one.heading]
        mark = f"{self.glyphs.cursor} " if row == self.cursor and self.has_focus else "  "
        columns = self._keys
        if one.key == "":
            columns = self._versions if one.consent is None else self._consents
        return [
            (mark, "accent"),
            *draw_row(one, layout(columns, width - 2, _LEAST), self.glyphs.ellipsis),
        ]

    def draw_beyond(self, row: int) -> Line:
        return [("  ", ""), (self.empty, "muted")] if row == 0 and not self._rows else ()
