"""The devices of the box side by side, each a tower with its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap

from tui_hub import text
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.hardware import GpuMoment, GpuSample, HostSample
from tui_hub.tui.drawing.draw import Line, Piece, fit, safe, sparkline, spread
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.drawing.holders import Holder, legend
from tui_hub.tui.drawing.towers import labelled_tower, tower
from tui_hub.tui.words.gpu import degrees, percent, short_form, watts

_LABELLED = 26
"""Cells from which on a tower has the names beside it."""
_NARROWEST = 4
"""Cells of a tower in a row of many."""
_LOWEST, _HIGHEST = 4, 20
"""Lines of a tower."""
_PER_HOLDER = 3
"""Lines of the host's tower for each of those who have some of its memory."""
_WORD = 5
"""Cells of the words before a row of figures."""
_STEADY = 5
"""Cells of a figure."""
_GAP = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One device, as it stands among the others."""

    title: str
    name: str
    used: int
    total: int
    holders: Sequence[Holder]
    busy: str = ""
    heat: str = ""
    power: str = ""
    unit: str = ""
    """What is busy, where it is not the device."""
    is_host: bool = False
    history: Sequence[GpuMoment] = ()
    error: str | None = None


def gpu_column(
    gpu: GpuSample, holders: Sequence[Holder], history: Sequence[GpuMoment], glyphs: Glyphs
) -> Column:
    """A GPU or a slice."""
    return Column(
        title=f"GPU{gpu.label}",
        name=gpu.short_name
        + ("" if gpu.instances is None else " GI {} CI {}".format(*gpu.instances)),
        used=gpu.memory_used,
        total=gpu.memory_total,
        holders=holders,
        busy=percent([gpu]),
        heat=degrees([gpu], glyphs),
        power=watts(gpu),
        history=history,
        error=gpu.error,
    )


def _instances(gpu: GpuSample) -> str:
    """What `nvidia-smi` calls a slice by."""
    return "" if gpu.instances is None else f"GI {gpu.instances[0]} CI {gpu.instances[1]}"


def host_column(host: HostSample, holders: Sequence[Holder], history: Sequence[int]) -> Column:
    """The memory of the host."""
    return Column(
        title="Host",
        name="memory",
        used=host.memory_used,
        total=host.memory_total,
        holders=holders,
        busy=f"{host.cpu_percent:3.0f}%",
        unit=" cpu",
        is_host=True,
        history=[GpuMoment(memory_used=one, utilization=None) for one in history],
    )


def towers(
    columns: Sequence[Column], width: int, rows: int, glyphs: Glyphs
) -> list[list[Piece]] | None:
    """The devices in at most `rows` lines of `width` cells; `None` where they have no room."""
    each = (width - _GAP * (len(columns) - 1)) // max(len(columns), 1)
    if each >= _LABELLED:
        return _labelled(columns, each, rows, glyphs)
    return _grid(columns, width, rows, glyphs)


def _labelled(
    columns: Sequence[Column], width: int, rows: int, glyphs: Glyphs
) -> list[list[Piece]] | None:
    high = min(rows - 3, max(map(_height, columns)))
    if high < _LOWEST:
        return None
    return _beside([_block(column, width, high, glyphs) for column in columns])


def _height(column: Column) -> int:
    """Lines that a tower is worth: a host that stands alone has little to tell."""
    return max(_PER_HOLDER * len(column.holders), _LOWEST) if column.is_host else _HIGHEST


def _block(column: Column, width: int, high: int, glyphs: Glyphs) -> list[list[Piece]]:
    name: Line = [(f"{column.title} ", "strong"), (safe(column.name), "muted")]
    if column.error is not None:
        words = wrap(safe(column.error), width)[: high + 2]
        lines = [fit([(line, "bad")], width) for line in words]
        blank: list[list[Piece]] = [[(" " * width, "")]] * (high + 2 - len(lines))
        return [fit(name, width, ellipsis=glyphs.ellipsis), *lines, *blank]
    figures = "  ".join(filter(None, (column.busy + column.unit, column.heat, column.power)))
    used = text.share(column.used, column.total)
    return [
        spread(name, [(used, "")], width, ellipsis=glyphs.ellipsis),
        *labelled_tower(column.holders, width, high, glyphs),
        spread(_spark(column, width - len(figures) - 1, glyphs), [(figures, "muted")], width),
        [(" " * width, "")],
    ]


def _spark(column: Column, width: int, glyphs: Glyphs) -> list[Piece]:
    """How busy it was; how full, where no driver tells how busy."""
    busy = [float(one.utilization) for one in column.history if one.utilization is not None]
    values, top, word = busy, 100.0, "busy "
    if not busy:
        values = [float(one.memory_used) for one in column.history]
        top, word = float(column.total), "used "
    return [(word, "faint"), (sparkline(values, max(width - len(word), 0), glyphs, top), "bar")]


def _grid(
    columns: Sequence[Column], width: int, rows: int, glyphs: Glyphs
) -> list[list[Piece]] | None:
    """Towers beside each other, their figures in rows below; several rows where many stand."""
    room = max((width - _WORD + _GAP) // (_NARROWEST + _GAP), 1)
    floors = -(-len(columns) // room)
    per_floor = -(-len(columns) // floors)
    each = (width - _WORD + _GAP) // per_floor - _GAP
    foot = _foot(columns, width, glyphs)
    high = min((rows - len(foot)) // floors - len(_FIGURES) - 2, _HIGHEST)
    if high < _LOWEST:
        return None
    lines: list[list[Piece]] = []
    for start in range(0, len(columns), per_floor):
        lines += _row(columns[start : start + per_floor], each, high, glyphs)
    return [*lines, *foot]


def _row(columns: Sequence[Column], each: int, high: int, glyphs: Glyphs) -> list[list[Piece]]:
    short = any(len(column.title) > each for column in columns)
    words = [[(" " * _WORD, "")]] * (high + 1) + [
        fit([(word, "faint")], _WORD) for word, _ in _FIGURES
    ]
    parts: list[Sequence[Line]] = [words]
    for column in columns:
        title = column.title.removeprefix("GPU") if short else column.title
        figures = [
            _middle(_figure(value(column), each) if column.error is None else "", each, "muted")
            for _, value in _FIGURES
        ]
        parts.append(
            [_middle(title, each, "strong"), *_tower(column, each, high, glyphs), *figures]
        )
    lines = _beside(parts, first_gap=0)
    return [*lines, []]


def _tower(column: Column, each: int, high: int, glyphs: Glyphs) -> Sequence[Line]:
    if column.error is None:
        return tower(column.holders, each, high, glyphs)
    blank: list[Piece] = [(" " * each, "")]
    why = _middle(short_form(column.error), each, "bad")
    return [why if row == high // 2 else blank for row in range(high)]


def _foot(columns: Sequence[Column], width: int, glyphs: Glyphs) -> list[list[Piece]]:
    """What the signs mean, once for all, and why a device cannot be read."""
    together: dict[str, Holder] = {}
    for column in columns:
        for one in column.holders if column.error is None else ():
            known = together.get(one.name)
            size = one.bytes + (known.bytes if known else 0)
            together[one.name] = Holder(one.name, size, one.sign, one.tone)
    lines = [list(line) for line in legend(list(together.values()), width)]
    for column in columns:
        if column.error is not None:
            words = wrap(safe(f"{column.title} {column.error}"), width)
            lines += [[(line, "bad")] for line in words]
    return [*lines, []]


def _middle(words: str, width: int, tone: str) -> list[Piece]:
    return [(safe(words)[:width].center(width), tone)]


def _figure(words: str, width: int) -> str:
    """A figure as wide as all of its row, without decimals where those have no room."""
    words = words.strip()
    if len(words) > width:
        words = words.partition(".")[0]
    return words.rjust(min(_STEADY, width))


def _beside(parts: Sequence[Sequence[Line]], first_gap: int = _GAP) -> list[list[Piece]]:
    """Blocks of equally many lines, beside each other."""
    lines: list[list[Piece]] = []
    for row in zip(*parts, strict=True):
        line: list[Piece] = []
        for number, part in enumerate(row):
            gap = 0 if number == 0 else first_gap if number == 1 else _GAP
            line += [(" " * gap, ""), *part] if gap else part
        lines.append(line)
    return lines


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f}" if size < 999.5 * 2**30 else f"{size / 2**30:.0f}"


_FIGURES: tuple[tuple[str, Callable[[Column], str]], ...] = (
    ("GiB", lambda column: _gib(column.used)),
    ("of", lambda column: _gib(column.total)),
    ("busy", lambda column: column.busy),
    ("heat", lambda column: column.heat),
)
"""The rows of figures below towers that have no room for words."""
