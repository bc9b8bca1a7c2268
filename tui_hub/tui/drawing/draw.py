"""Drawing lines: pieces of toned text cut and padded to exact widths, bars, ranges, sparklines.

A piece is a text and a tone; a tone is the name of a style that the widget looks up in its style
sheet. All text passes through `safe`, so nothing from outside reaches the terminal raw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, get_character_cell_size

from tui_hub.text import clean
from tui_hub.tui.drawing.glyphs import Glyphs

_WORDS = re.compile(r"\s*\S+\s?|\s+")
Piece = tuple[str, str]
"""Text and the name of its tone; an empty tone is the plain one."""
Line = Sequence[Piece]

ROOM = 4_000
"""Characters of one piece that are looked at: more than any terminal is wide."""


def safe(text: str) -> str:
    """Text that a terminal shows and never obeys, without line feeds."""
    return text if text.isprintable() else clean(text, ROOM)


def width_of(pieces: Iterable[Piece]) -> int:
    """Cells that the pieces take."""
    return sum(cell_len(safe(text)) for text, _ in pieces)


def difference(old: Line, new: Line) -> tuple[int, int]:
    """The cells from the first to behind the last in which two lines differ; none: `(0, 0)`."""
    before, after = (
        [(character, tone) for text, tone in line for character in safe(text)]
        for line in (old, new)
    )
    if before == after:
        return 0, 0
    start, width = _alike(before, after), width_of(new)
    # Characters may join into fewer cells than each takes alone: then no cell is sure.
    if not width_of(old) == width == _alike(after, after) == _alike(before, before):
        return 0, max(width, width_of(old))
    return start, max(width - _alike(before[::-1], after[::-1]), start + 1)


def _alike(one: Sequence[Piece], other: Sequence[Piece]) -> int:
    """Cells for which two rows of toned characters begin alike."""
    cells = 0
    for mine, yours in zip(one, other, strict=False):
        if mine != yours:
            break
        cells += get_character_cell_size(mine[0])
    return cells


def _cut(text: str, width: int) -> str:
    """The longest start of a text that takes at most `width` cells."""
    used = 0
    for index, character in enumerate(text):
        used += get_character_cell_size(character)
        if used > width:
            return text[:index]
    return text


def fit(
    pieces: Iterable[Piece], width: int, *, align: str = "left", ellipsis: str = "…"
) -> list[Piece]:
    """The pieces cut or padded to exactly `width` cells; a cut shows the ellipsis."""
    if width <= 0:
        return []
    clean_pieces = [(safe(text[:ROOM]), tone) for text, tone in pieces if text]
    total = width_of(clean_pieces)
    if total <= width:
        padding = (" " * (width - total), "")
        return [padding, *clean_pieces] if align == "right" else [*clean_pieces, padding]
    fitted: list[Piece] = []
    room = width - 1
    for text, tone in clean_pieces:
        part = _cut(text, room)
        room -= cell_len(part)
        fitted.append((part, tone))
        if part != text:
            return [*fitted, (ellipsis, tone), (" " * room, "")]
    return fitted


def wrap(pieces: Iterable[Piece], width: int, indent: int = 4) -> list[list[Piece]]:
    """The pieces in lines of at most `width` cells, broken between words where that can be.

    Args:
        pieces: one line, however long.
        width: cells.
        indent: cells before the lines after the first.
    """
    room = max(width, indent + 8)
    lines: list[list[Piece]] = [[]]
    used = 0
    for text, tone in pieces:
        for word in _WORDS.findall(safe(text[:ROOM])):
            rest = word
            while rest:
                left = room - used
                begins = not lines[-1] or (len(lines) > 1 and len(lines[-1]) == 1)
                bare = rest.rstrip()
                if cell_len(bare) <= left:
                    part, rest = (rest if cell_len(rest) <= left else bare), ""
                else:
                    part = _cut(rest, left) if begins else ""
                    rest = rest[len(part) :]
                if part:
                    lines[-1].append((part, tone))
                    used += cell_len(part)
                if rest:
                    lines.append([(" " * indent, "")])
                    used = indent
    return lines


def bar(fraction: float, width: int, glyphs: Glyphs, tone: str = "bar") -> list[Piece]:
    """A horizontal bar of exactly `width` cells, to an eighth of a cell where glyphs allow."""
    width = max(width, 0)
    eighths = round(min(max(fraction, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    partial = glyphs.fractions[rest].strip() if rest and full < width else ""
    empty = width - full - len(partial)
    return [(glyphs.full * full + partial, tone), (glyphs.rest * empty, "rest")]


def stacked_bar(parts: Sequence[tuple[float, str, str]], width: int) -> list[Piece]:
    """A bar of exactly `width` cells, shared out by size.

    Args:
        parts: size, sign and tone of each part, from left to right.
        width: cells.
    """
    whole = sum(size for size, _, _ in parts) or 1
    pieces: list[Piece] = []
    before = end = 0.0
    for size, sign, tone in parts:
        end += size
        pieces.append((sign * (round(end / whole * width) - round(before / whole * width)), tone))
        before = end
    return pieces


def line_bar(fraction: float, width: int, glyphs: Glyphs, tone: str = "bar") -> list[Piece]:
    """A thin bar of exactly `width` cells, for lists where bars stand one below the other."""
    full = round(min(max(fraction, 0.0), 1.0) * max(width, 0))
    return [(glyphs.line * full, tone), (glyphs.line_rest * (max(width, 0) - full), "rest")]


def ranges_bar(
    ranges: Sequence[tuple[int, int]], size: int, width: int, glyphs: Glyphs
) -> list[Piece]:
    """Which parts of a file have arrived: full cells, partly filled cells, and empty ones.

    Args:
        ranges: half-open byte ranges in order.
        size: bytes of the file, more than zero.
        width: cells.
    """
    filled = [0.0] * max(width, 0)
    scale = width / max(size, 1)
    for start, end in ranges:
        first, last = start * scale, min(end * scale, float(width))
        for cell in range(int(first), min(int(last) + 1, width)):
            filled[cell] += max(min(last, cell + 1) - max(first, cell), 0.0)
    pieces: list[Piece] = []
    for share in filled:
        piece = _range_cell(share, glyphs)
        if pieces and pieces[-1][1] == piece[1]:
            pieces[-1] = (pieces[-1][0] + piece[0], piece[1])
        else:
            pieces.append(piece)
    return pieces


def _range_cell(share: float, glyphs: Glyphs) -> Piece:
    if share >= 0.999:
        return (glyphs.line, "bar")
    if share > 0.001:
        return (glyphs.line_partial, "partial")
    return (glyphs.line_rest, "rest")


def sparkline(values: Sequence[float], width: int, glyphs: Glyphs, top: float | None = None) -> str:
    """The last `width` values as steps of height, right-aligned.

    Args:
        values: oldest first.
        width: cells.
        top: what the highest step stands for; the largest value where it is not given.
    """
    shown = list(values)[-width:] if width > 0 else []
    top = max(shown, default=0.0) if top is None else top
    steps = len(glyphs.levels) - 1
    drawn = "".join(
        glyphs.levels[round(min(value / top, 1.0) * steps)] if top > 0 else glyphs.levels[0]
        for value in shown
    )
    return drawn.rjust(max(width, 0))


def spread(left: Line, right: Line, width: int, *, ellipsis: str = "…") -> list[Piece]:
    """Two groups of pieces on one line, the right one kept whole as long as there is room."""
    taken = min(width_of(right), width)
    gap = 1 if taken and taken < width else 0
    return [
        *fit(left, width - taken - gap, ellipsis=ellipsis),
        (" " * gap, ""),
        *fit(right, taken, align="right", ellipsis=ellipsis),
    ]
