"""Models side by side, one to a column; where there is no room for all, the columns scroll."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from textual import events
from textual.message import Message
from textual.reactive import reactive

from tui_hub.tui.command import bindings
from tui_hub.tui.commands import LISTS
from tui_hub.tui.commands.compare import NextColumn, PreviousColumn
from tui_hub.tui.drawing.draw import Line, Piece, fit, line_bar, wrap
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.words.comparison import Aspect, Candidate, Value, compare

_WORD, _GAP = 14, 2
"""Cells of the words at the left, and between two columns."""
_SCROLLBAR = 2
_LEAST = 24
"""Cells below which a column gives way."""
_VALUE, _BAR, _SHORT_BAR = 18, 12, 3
"""Cells of a value before its bar, of the bar, and of the shortest bar that tells anything."""
_MOST_LINES = 8
"""Lines of one value; what is longer ends with an ellipsis."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line on the screen: an aspect takes as many as its longest value."""

    aspect: Aspect
    first: bool
    cells: tuple[Line, ...] = ()


class ComparisonTable(RowList):
    """What is the same is faint; what differs is marked and stands out."""

    BINDINGS = bindings(NextColumn, PreviousColumn, *LISTS)
    BINDING_GROUP_TITLE = "Comparison"
    DEFAULT_CSS = "ComparisonTable { padding: 0 1; }"
    header_height = 1

    column: reactive[int] = reactive(0)
    """The model that actions are about."""

    @dataclass
    class Turned(Message):
        """Another column is the present one."""

        column: int

    def __init__(self) -> None:
        super().__init__(id="comparison")
        self._candidates: tuple[Candidate, ...] = ()
        self._aspects: list[Aspect] = []
        self._rows: list[_Row] = []
        self._first = 0
        """The first column in sight."""

    def show(self, candidates: Sequence[Candidate], *, only_differences: bool) -> None:
        """Compare these."""
        self._candidates = tuple(candidates)
        self._aspects = compare(candidates, self.glyphs, only_differences=only_differences)
        self.set_reactive(ComparisonTable.column, self.validate_column(self.column))
        self._lay_out()

    def validate_column(self, column: int) -> int:
        """Keep to the columns there are."""
        return max(0, min(column, len(self._candidates) - 1))

    def watch_column(self, column: int) -> None:
        """Bring the column into sight."""
        self._lay_out()
        self.post_message(self.Turned(column))

    def _in_sight(self) -> tuple[int, int]:
        """How many columns have room, and how wide each is."""
        # The room for a scrollbar is kept: it comes and goes with the lines that are made here.
        room = self.outer_size.width - self.styles.gutter.width - _SCROLLBAR - 2 - _WORD
        count = max(1, min(len(self._candidates), room // (_LEAST + _GAP)))
        return count, max(room // count - _GAP, 8)

    def _lay_out(self) -> None:
        """Break the values for the width there is."""
        count, width = self._in_sight()
        self._first = min(max(self._first, self.column - count + 1), self.column)
        self._first = max(0, min(self._first, len(self._candidates) - count))
        rows = [row for one in self._aspects for row in self._rows_of(one, count, width)]
        self._rows = rows[1:]  # no gap above the first heading
        self.rows_changed()

    def _rows_of(self, aspect: Aspect, count: int, width: int) -> list[_Row]:
        if aspect.heading:
            return [_Row(Aspect(""), False), _Row(aspect, True)]
        values = aspect.values[self._first : self._first + count]
        broken = [self._broken(value, aspect, width - 2) for value in values]
        lines = zip_longest(*broken, fillvalue=())
        return [_Row(aspect, number == 0, cells) for number, cells in enumerate(lines)]

    def _broken(self, value: Value | None, aspect: Aspect, width: int) -> list[list[Piece]]:
        if value is None:
            return [[(self.glyphs.ellipsis, "faint")]]
        if not value.text:
            return [[(self.glyphs.dash, "rest")]]
        tone = "faint" if not aspect.differs and len(self._candidates) > 1 else value.tone
        lines = wrap([(value.text, tone)], width, 0)
        if aspect.weighs and value.amount is not None and len(lines) == 1:
            return [self._weighed(lines[0], value.amount / aspect.largest, width)]
        if len(lines) > _MOST_LINES:
            lines = [*lines[: _MOST_LINES - 1], [(self.glyphs.ellipsis, tone)]]
        return lines

    def _weighed(self, pieces: Line, share: float, width: int) -> list[Piece]:
        """A value with a bar at its right, as long as its share of the largest beside it."""
        room = min(width - _VALUE - 1, _BAR)
        if room < _SHORT_BAR:
            return list(pieces)
        return [*fit(pieces, _VALUE), (" ", ""), *line_bar(share, room, self.glyphs)]

    def row_count(self) -> int:
        return len(self._rows)

    def selectable(self, row: int) -> bool:
        return self._rows[row].first and not self._rows[row].aspect.heading

    def draw_header(self, width: int) -> Line:
        count, wide = self._in_sight()
        end = self._first + count
        hidden = len(self._candidates) - count
        words = f"{self._first + 1} to {end} of {len(self._candidates)}" if hidden else ""
        pieces: list[Piece] = fit([("  ", ""), (words, "muted")], _WORD + 2)
        for number, one in enumerate(self._candidates[self._first : end], self._first):
            present = number == self.column
            sign = f"{self.glyphs.cursor} " if present else "  "
            tone = "strong" if present else "head"
            pieces += self._cell([(sign, "accent"), (one.mark.words, tone)], wide)
        return pieces

    def draw(self, row: int, width: int) -> Line:
        one = self._rows[row]
        if one.aspect.heading:
            return [("  ", ""), (one.aspect.word, "info")]
        differs = one.first and one.aspect.differs
        sign = f"{self.glyphs.differs} " if differs else "  "
        word = one.aspect.word if one.first else ""
        label: list[Piece] = [(sign, "accent"), (word, "" if one.aspect.differs else "faint")]
        pieces = fit(label, _WORD + 2, ellipsis=self.glyphs.ellipsis)
        _, wide = self._in_sight()
        for cell in one.cells:
            pieces += self._cell([("  ", ""), *cell], wide)
        return pieces

    def _cell(self, pieces: Line, width: int) -> list[Piece]:
        return [*fit(pieces, width, ellipsis=self.glyphs.ellipsis), (" " * _GAP, "")]

    def draw_beyond(self, row: int) -> Line:
        return [("  ", ""), ("Nothing differs.", "muted")] if row == 0 and not self._rows else ()

    def on_resize(self, event: events.Resize) -> None:
        """Break the values anew."""
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        """Go to the column under the pointer."""
        count, wide = self._in_sight()
        place = (event.x - 2 - _WORD) // (wide + _GAP)
        if 0 <= place < count:
            self.column = self._first + place

    def action_next_column(self) -> None:
        self.column += 1

    def action_previous_column(self) -> None:
        self.column -= 1
