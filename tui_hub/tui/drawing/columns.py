"""Columns of a list: what each shows, its width, and which ones give way on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from tui_hub.domain.frozen import dataclass
from tui_hub.tui.drawing.draw import Line, Piece, fit, width_of

Row = TypeVar("Row")

GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column. Exactly one column of a list has width 0 and takes the room that is left."""

    title: str
    width: int
    draw: Callable[[Row], Line]
    align: str = "left"
    rank: int = 0
    """Columns with a higher rank are dropped first where there is no room."""
    model: Callable[[Row], str | None] | None = None
    """The id in it of a model, which loses its source, then its author, before anything is cut."""
    shortened: int = 0
    """How much the ids have lost: nothing, their source, their author too."""

    def drawn(self, row: Row) -> Line:
        """What it shows of a row, not yet cut."""
        line = self.draw(row)
        name = self.model(row) if self.model is not None else None
        shorter = name
        for mark in ":/"[: self.shortened] if shorter else "":
            shorter = shorter.partition(mark)[2] or shorter if shorter else None
        if name == shorter:
            return line
        return [(shorter if words == name and shorter else words, tone) for words, tone in line]


def layout(
    columns: Sequence[Column[Row]], width: int, least: int = 30
) -> list[tuple[Column[Row], int]]:
    """The columns that fit into `width` cells, with their widths.

    Those of the lowest rank go first, then whichever others there is room for.

    Args:
        least: cells that the flexible column needs before others are shown beside it.
    """
    kept = list(columns)
    while len(kept) > 1:
        if _rest(kept, width) >= least:
            break
        kept.remove(max((c for c in kept if c.width), key=lambda column: column.rank))
    for column in sorted(columns, key=lambda one: one.rank):
        if column not in kept and _rest(kept, width) - column.width - GAP >= least:
            kept.append(column)
    return [(one, one.width or max(_rest(kept, width), 0)) for one in columns if one in kept]


def _rest(kept: Sequence[Column[Row]], width: int) -> int:
    """The cells that are left for the flexible column."""
    return width - sum(column.width for column in kept) - GAP * (len(kept) - 1)


def shorten(
    placed: Sequence[tuple[Column[Row], int]], rows: Sequence[Row]
) -> list[tuple[Column[Row], int]]:
    """The columns with the ids of models as long as all of these rows have room for.

    All rows follow one rule, so that what stands below each other is alike.
    """
    return [(_shortened(column, width, rows), width) for column, width in placed]


def _shortened(column: Column[Row], width: int, rows: Sequence[Row]) -> Column[Row]:
    if column.model is None:
        return column
    for loss in (0, 1):
        one = replace(column, shortened=loss)
        if all(width_of(one.drawn(row)) <= width for row in rows):
            return one
    return replace(column, shortened=2)


def header(placed: Sequence[tuple[Column[Row], int]], ellipsis: str) -> list[Piece]:
    """The line with the titles."""
    pieces: list[Piece] = []
    for column, width in placed:
        if pieces:
            pieces.append((" " * GAP, ""))
        pieces += fit([(column.title, "head")], width, align=column.align, ellipsis=ellipsis)
    return pieces


def draw_row(row: Row, placed: Sequence[tuple[Column[Row], int]], ellipsis: str) -> list[Piece]:
    """The line of one row."""
    pieces: list[Piece] = []
    for column, width in placed:
        if pieces:
            pieces.append((" " * GAP, ""))
        pieces += fit(column.drawn(row), width, align=column.align, ellipsis=ellipsis)
    return pieces
