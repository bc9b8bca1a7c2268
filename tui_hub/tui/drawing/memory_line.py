"""The line with the memory of the GPUs and the box, as full as there is room for."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.tui.drawing.draw import Piece, bar, width_of
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.words.gpu import (
    degrees,
    gpu_bar,
    gpu_cells,
    gpu_memory,
    gpu_name,
    percent,
    short_form,
)

if TYPE_CHECKING:
    from tui_hub.domain.hardware import BoxSample, GpuSample, HostSample

_PARTS = (
    "disk total", "name", "cpu", "disk bar", "ram bar", "temperature", "ram figures",
    "utilization", "unit", "disk",
)  # fmt: skip
"""What may be left out, in the order in which it goes."""

_LEAST, _MOST = 3, 24
"""Cells of a meter; the bar of a GPU has twice as many."""


def memory_line(sample: BoxSample, room: int, glyphs: Glyphs) -> list[Piece]:
    """The readings in at most `room` cells, unless even the least does not fit.

    Each GPU has a bar; where that leaves out too much, all GPUs fold to one cell each.
    """
    barest = _MemoryLine(sample, frozenset(), False, glyphs)
    folded = len(sample.gpus) > 1 and barest.cells(room) < _LEAST
    shown = set(_PARTS)
    for part in ("", *_PARTS):
        shown.discard(part)
        line = _MemoryLine(sample, shown, folded, glyphs)
        if line.cells(room) >= _LEAST:
            break
    return line.pieces(max(min(line.cells(room), _MOST), 0))


class _MemoryLine:
    """One way to draw the readings."""

    def __init__(
        self, sample: BoxSample, shown: AbstractSet[str], folded: bool, glyphs: Glyphs
    ) -> None:
        self._sample = sample
        self._shown = shown
        self._folded = folded
        self._glyphs = glyphs

    def cells(self, room: int) -> int:
        """Cells that there is room for in each meter; where there is no meter, enough or none."""
        bars = 0 if self._folded else sum(gpu.error is None for gpu in self._sample.gpus)
        meters = 2 * bars + ("ram bar" in self._shown) + ("disk bar" in self._shown)
        left = room - width_of(self.pieces(0))
        if not meters:
            return _LEAST if left >= 0 else 0
        return left // meters

    def pieces(self, cells: int) -> list[Piece]:
        """The line with meters of so many cells."""
        host, gpus = self._sample.host, self._sample.gpus
        if not gpus:
            pieces: list[Piece] = [(short_form(self._sample.error or "no GPU"), "muted")]
        elif self._folded:
            pieces = self._all(gpus)
        else:
            pieces = [piece for gpu in gpus for piece in (("  ", ""), *self._one(gpu, 2 * cells))]
            pieces = pieces[1:]
        return [*pieces, *self._memory(host, cells), *self._disk(host, cells)]

    def _one(self, gpu: GpuSample, cells: int) -> list[Piece]:
        label: list[Piece] = [(f"GPU{gpu.label} ", "faint")]
        if gpu.error is not None:
            return [*label, (short_form(gpu.error), "bad")]
        if "name" in self._shown:
            label.append((f"{gpu_name(gpu, self._glyphs)} ", "muted"))
        drawn = gpu_bar(gpu, cells, self._glyphs)
        return [*label, *self._edged(drawn), *self._figures([gpu])]

    def _all(self, gpus: tuple[GpuSample, ...]) -> list[Piece]:
        cells = gpu_cells(gpus, self._glyphs)
        return [(f"{len(gpus)} GPUs ", "faint"), *self._edged(cells), *self._figures(gpus)]

    def _figures(self, gpus: tuple[GpuSample, ...] | list[GpuSample]) -> list[Piece]:
        figures = [gpu_memory(gpus, unit="unit" in self._shown)]
        if "utilization" in self._shown:
            figures.append(percent(gpus))
        if "temperature" in self._shown:
            figures.append(degrees(gpus, self._glyphs))
        return [(f" {figure}", "muted") for figure in figures if figure]

    def _memory(self, host: HostSample, cells: int) -> list[Piece]:
        used = host.memory_used / max(host.memory_total, 1)
        figures = "ram figures" in self._shown
        words = text.share(host.memory_used, host.memory_total) if figures else f"{used:4.0%}"
        return [
            ("  ram", "faint"),
            *(self._meter(used, cells) if "ram bar" in self._shown else []),
            (f" {words}", _alarm(used, "muted")),
            *self._cpu(host),
        ]

    def _cpu(self, host: HostSample) -> list[Piece]:
        if "cpu" not in self._shown:
            return []
        return [("  cpu ", "faint"), (f"{host.cpu_percent:3.0f}%", "muted")]

    def _disk(self, host: HostSample, cells: int) -> list[Piece]:
        if "disk" not in self._shown:
            return []
        full = 1 - host.disk_free / max(host.disk_total, 1)
        pieces: list[Piece] = [
            ("  disk", "faint"),
            *(self._meter(full, cells) if "disk bar" in self._shown else []),
            (f" {text.size(host.disk_free).rjust(9)} free", _alarm(full, "muted")),
        ]
        if "disk total" in self._shown:
            pieces.append((f" of {text.size(host.disk_total)}", "faint"))
        return pieces

    def _meter(self, fraction: float, cells: int) -> list[Piece]:
        drawn = bar(fraction, cells, self._glyphs, _alarm(fraction, "bar"))
        return [(" ", ""), *self._edged(drawn)]

    def _edged(self, drawn: list[Piece]) -> list[Piece]:
        return [(self._glyphs.edge_left, "faint"), *drawn, (self._glyphs.edge_right, "faint")]


def _alarm(fraction: float, calm: str) -> str:
    """The tone of a filling meter."""
    if fraction >= 0.95:
        return "bad"
    return "warn" if fraction >= 0.85 else calm
