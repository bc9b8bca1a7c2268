"""Aligned tables for people, no wider than their terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from tui_hub.text import clean

_GAP = 2
_NARROWEST = 12


def cells(text: str) -> int:
    """How many columns of a terminal a clean text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def cut(text: str, width: int) -> str:
    """The text in at most `width` columns, with an ellipsis where something is missing."""
    if cells(text) <= width:
        return text
    kept: list[str] = []
    room = width - 1
    for character in text:
        room -= _cells(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + "…" if width > 0 else ""


def table(
    titles: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    width: int | None = None,
    flexible: int = 0,
) -> Iterator[str]:
    """The rows under their titles, one line each; the first line is the titles.

    Args:
        titles: the columns; one that starts with `>` is aligned to the right.
        rows: the cells; `None` shows as `-`. They are cleaned here.
        width: columns of the terminal; `None` cuts nothing.
        flexible: the column that gives way where the terminal is narrow.
    """
    right = [title.startswith(">") for title in titles]
    lines = [[title.lstrip(">") for title in titles]]
    lines += [["-" if cell is None else clean(str(cell)) for cell in row] for row in rows]
    widths = [max(cells(line[column]) for line in lines) for column in range(len(titles))]
    if width is not None:
        missing = sum(widths) + _GAP * (len(widths) - 1) - width
        widths[flexible] = max(widths[flexible] - max(missing, 0), _NARROWEST)
    for line in lines:
        drawn = (" " * _GAP).join(
            _pad(cut(cell, room), room, to_right)
            for cell, room, to_right in zip(line, widths, right, strict=True)
        )
        yield cut(drawn.rstrip(), width) if width is not None else drawn.rstrip()


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - cells(text))
    return space + text if right else text + space


def fields(pairs: Sequence[tuple[str, object]]) -> Iterator[str]:
    """Names and values in two columns; pairs without a value are left out."""
    shown = [(name, clean(str(value))) for name, value in pairs if value not in (None, "", ())]
    widest = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        yield f"{name.ljust(widest)}  {value}"
