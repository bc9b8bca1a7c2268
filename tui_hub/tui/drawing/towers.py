"""Memory as towers: a device as one tall bar, stacked by holder from the ground up."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub import text
from tui_hub.tui.drawing.draw import Line, Piece, fit, safe
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.drawing.holders import DRIVER, FREE, Holder, seen, shares

_BROADEST, _LABEL = 22, 24
"""Cells of a tower with its names beside it, and of a name with its size."""


def tower(holders: Sequence[Holder], width: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """A tower of exactly `width` cells and `rows` lines, with the names in it where they fit.

    With no size beside it, what the driver keeps has no line that would make it larger than it is.
    """
    return [_floor(one, named, width, glyphs) for one, named in _floors(seen(holders, rows), rows)]


def labelled_tower(
    holders: Sequence[Holder], width: int, rows: int, glyphs: Glyphs
) -> list[list[Piece]]:
    """A tower with name and size of each holder beside it, together exactly `width` cells."""
    broad = tower_width(width)
    return [
        [
            *_floor(one, False, broad, glyphs),
            (" ", ""),
            *_label(one, named, width - broad - 1, glyphs),
        ]
        for one, named in _floors(holders, rows)
    ]


def tower_width(width: int) -> int:
    """Cells of the tower itself where its names stand beside it."""
    return min(max(width * 2 // 5, 6), _BROADEST)


def _floors(holders: Sequence[Holder], rows: int) -> list[tuple[Holder, bool]]:
    """The holder of each line from the top, and whether its name belongs there."""
    order = sorted(holders, key=lambda one: (one.name == FREE, one.name != DRIVER))
    floors: list[tuple[Holder, bool]] = []
    for one, height in zip(order, shares(order, rows), strict=True):
        floors += [(one, row == height // 2) for row in range(height)]
    return floors[::-1]


def _floor(one: Holder, named: bool, width: int, glyphs: Glyphs) -> list[Piece]:
    inner = max(width - 2, 1)
    drawn: list[Piece] = [(one.sign * inner, one.tone)]
    name = safe(one.name)
    if named and len(name) + 2 <= inner:
        left = (inner - len(name) - 2) // 2
        right = inner - len(name) - 2 - left
        drawn = [(one.sign * left, one.tone), (f" {name} ", "muted"), (one.sign * right, one.tone)]
    return [(glyphs.edge_left, "faint"), *drawn, (glyphs.edge_right, "faint")]


def _label(one: Holder, named: bool, width: int, glyphs: Glyphs) -> list[Piece]:
    if not named:
        return [(" " * max(width, 0), "")]
    size = text.size(one.bytes).rjust(9)
    room = min(width, _LABEL) - len(size) - 1
    name = fit([(safe(one.name), "muted" if one.tone in _QUIET else "strong")], room)
    return fit([*name, (" ", ""), (size, "muted")], width, ellipsis=glyphs.ellipsis)


_QUIET = ("partial", "rest", "faint")
"""Tones of what is not ours."""
