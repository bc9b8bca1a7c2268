"""Columns of a list: what each shows, its width, and which ones give way on a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

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

    def drawn(self, row: Row, width: int) -> Line:
        """What it shows of a row, made shorter where that can be, but not yet cut."""
        line = self.draw(row)
        name = self.model(row) if self.model is not None else None
        for mark in ":/" if name else "":
            if width_of(line) <= width:
                break
            shorter = (name or "").partition(mark)[2] or name or ""
            line = [(shorter if words == name else words, tone) for words, tone in line]
            name = shorter
        return line


def layout(
    columns: Sequence[Column[Row]], width: int, least: int = 30
) -> list[tuple[Column[Row], int]]:
    """The columns that fit into `width` cells, with their widths.

    Args:
        least: cells that the flexible column needs before others are shown beside it.
    """
    kept = list(columns)
    while len(kept) > 1:
        rest = width - sum(column.width for column in kept) - GAP * (len(kept) - 1)
        if rest >= least:
            break
        kept.remove(max((c for c in kept if c.width), key=lambda column: column.rank))
    rest = width - sum(column.width for column in kept) - GAP * (len(kept) - 1)
    return [(column, column.width or max(rest, 0)) for column in kept]


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
        pieces += fit(column.drawn(row, width), width, align=column.align, ellipsis=ellipsis)
    return pieces
