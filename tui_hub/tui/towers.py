"""Memory as towers: a device as one tall bar, stacked by holder from the ground up."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub import text
from tui_hub.tui.draw import Line, Piece, fit, safe
from tui_hub.tui.glyphs import Glyphs
from tui_hub.tui.holders import DRIVER, FREE, Holder

_BROADEST = 16
"""Cells of a tower with its names beside it."""


def tower(holders: Sequence[Holder], width: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """A tower of exactly `width` cells and `rows` lines, with the names in it where they fit.

    With no size beside it, what the driver keeps has no line that would make it larger than it is.
    """
    seen = [one for one in holders if one.name != DRIVER or one.bytes * rows >= _total(holders) / 2]
    return [_floor(one, named, width, glyphs) for one, named in _floors(seen, rows)]


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


def heights(holders: Sequence[Holder], rows: int) -> list[int]:
    """Lines of each holder, together `rows`: by size, and one at least for whatever is there."""
    whole = _total(holders) or 1
    exact = [one.bytes * rows / whole for one in holders]
    lines = [max(int(share), 1 if share > 0 else 0) for share in exact]
    if not any(lines):
        return [rows if one.name == FREE else 0 for one in holders]
    while sum(lines) > rows:
        # The highest gives way; where all are one line high, the smallest holder goes.
        most = max(lines)
        at = min(
            (place for place, height in enumerate(lines) if height == most),
            key=lambda place: exact[place] - lines[place],
        )
        lines[at] -= 1
    while sum(lines) < rows:
        at = max(range(len(lines)), key=lambda place: exact[place] - lines[place])
        lines[at] += 1
    return lines


def _total(holders: Sequence[Holder]) -> int:
    return sum(one.bytes for one in holders)


def _floors(holders: Sequence[Holder], rows: int) -> list[tuple[Holder, bool]]:
    """The holder of each line from the top, and whether its name belongs there."""
    order = sorted(holders, key=lambda one: (one.name == FREE, one.name != DRIVER))
    floors: list[tuple[Holder, bool]] = []
    for one, height in zip(order, heights(order, rows), strict=True):
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
    name = fit([(safe(one.name), "muted" if one.tone in _QUIET else "strong")], width - 10)
    return fit([*name, (" ", ""), (size, "muted")], width, ellipsis=glyphs.ellipsis)


_QUIET = ("partial", "rest", "faint")
"""Tones of what is not ours."""
