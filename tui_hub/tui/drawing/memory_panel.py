"""The memory of the box as the Active screen draws it: each device by holder, then who they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from textwrap import wrap

from tui_hub import text
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.hardware import BoxSample, GpuMoment, GpuSample
from tui_hub.domain.ollama import OllamaState
from tui_hub.domain.slots import Slot
from tui_hub.tui.drawing.draw import Line, Piece, fit, safe, sparkline, spread, width_of
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.drawing.holders import (
    Holder,
    bar_lines,
    gpu_holders,
    host_holders,
    legend,
    on_host,
)
from tui_hub.tui.drawing.memory_ghost import Ghost, brief_ghost, ghost_lines
from tui_hub.tui.drawing.memory_towers import Column, gpu_column, host_column, towers
from tui_hub.tui.drawing.process_table import process_lines
from tui_hub.tui.words.gpu import degrees, gpu_cells, gpu_memory, percent, watts
from tui_hub.tui.words.ollama import ollama_lines

_TABLE = 4
"""Lines that are kept for the table of processes before towers become higher."""
_LEAST = 10
"""Cells of a bar that are kept before the figures beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """All that the panel shows, at one moment."""

    sample: BoxSample
    slots: Sequence[Slot] = ()
    history: Mapping[str, Sequence[GpuMoment]] = field(default_factory=dict)
    """The last readings of each GPU, by its `uuid`."""
    host_history: Sequence[int] = ()
    """The host's memory in use, oldest first."""
    ollama: OllamaState | None = None
    """What the daemon of Ollama has in memory."""
    frees: str = ""
    """The key that has the daemon let go of models, as a sentence names it."""
    ghost: Ghost | None = None
    """A change that is looked at before anybody agrees to it."""

    @property
    def shows_host(self) -> bool:
        """Whether the host's memory belongs here: without a GPU, or with models in it."""
        return not self.sample.gpus or any(on_host(slot) for slot in self.slots)


def brief_lines(box: Box, width: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """One line for each device; GPUs that there are too many of fold to one line."""
    if box.ghost is not None:
        return brief_ghost(box.ghost, box.sample, box.slots, width, glyphs)
    gpus = box.sample.gpus
    below: list[Line] = [_brief_host(box, width, glyphs)] if box.shows_host else []
    if not gpus:
        reason = [(safe(box.sample.error or "no GPU"), "warn")]
        return [*below, fit(reason, width, ellipsis=glyphs.ellipsis)]
    if len(gpus) + len(below) <= rows:
        return [*(_brief(gpu, width, glyphs) for gpu in gpus), *below]
    kept = max(rows - len(below) - 1, 0)
    rest = gpus[kept:]
    label = f"{len(rest)} more GPUs " if kept else f"{len(rest)} GPUs "
    folded = [(label, "strong"), *gpu_cells(rest, glyphs), (f" {gpu_memory(rest)}", "muted")]
    lines: list[Line] = [_brief(gpu, width, glyphs) for gpu in gpus[:kept]]
    return [*lines, fit(folded, width, ellipsis=glyphs.ellipsis), *below]


def full_lines(box: Box, width: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """A tower for each device, as high as there is room for, and the processes below."""
    if box.ghost is not None:
        return ghost_lines(box.ghost, box.sample, box.slots, width, rows, glyphs)
    table = [
        *process_lines(box.sample, box.slots, width, glyphs),
        *ollama_lines(box.ollama, box.frees, width, glyphs),
    ]
    notes = _notes(box.sample, width)
    kept = min(len(table), max(_TABLE, rows // 4))
    drawn = towers(_columns(box, glyphs), width, rows - len(notes) - kept, glyphs)
    return [*notes, *(_blocks(box, width, glyphs) if drawn is None else drawn), *table]


def _columns(box: Box, glyphs: Glyphs) -> list[Column]:
    columns = [
        gpu_column(gpu, gpu_holders(gpu, glyphs), box.history.get(gpu.uuid, ()), glyphs)
        for gpu in box.sample.gpus
    ]
    if box.shows_host:
        holders = host_holders(box.sample.host, box.slots, glyphs)
        columns.append(host_column(box.sample.host, holders, box.host_history))
    return columns


def _notes(sample: BoxSample, width: int) -> list[Line]:
    """What cannot be known of this box."""
    words = [] if sample.gpus else [sample.error or "no GPU"]
    words += [
        f"GPU{gpu.label} has no memory of its own: these are the figures of the box."
        for gpu in sample.gpus
        if gpu.memory_shared
    ]
    hidden = [f"GPU{gpu.label}" for gpu in sample.gpus if gpu.hidden]
    if hidden:
        words.append(f"CUDA_VISIBLE_DEVICES keeps models from {', '.join(hidden)}.")
    lines: list[Line] = [[(line, "warn")] for one in words for line in wrap(safe(one), width)]
    return [*lines, ()] if lines else []


def _blocks(box: Box, width: int, glyphs: Glyphs) -> list[Line]:
    """A bar for each device, where towers have no room."""
    blocks = [_gpu_block(gpu, box, width, glyphs) for gpu in box.sample.gpus]
    blocks += [_host_block(box, width, glyphs)] if box.shows_host else []
    return [line for block in blocks for line in (*block, ())]


def _brief(gpu: GpuSample, width: int, glyphs: Glyphs) -> Line:
    label = f"GPU{gpu.label} "
    if gpu.error is not None:
        pieces = [(label, "strong"), (safe(gpu.error), "bad")]
        return fit(pieces, width, ellipsis=glyphs.ellipsis)
    figures = [gpu_memory([gpu]), percent([gpu]), degrees([gpu], glyphs), watts(gpu)]
    return _bar_with_figures(label, gpu_holders(gpu, glyphs), figures, width, glyphs)


def _brief_host(box: Box, width: int, glyphs: Glyphs) -> Line:
    host = box.sample.host
    figures = [text.share(host.memory_used, host.memory_total), f"{host.cpu_percent:3.0f}% cpu"]
    holders = host_holders(host, box.slots, glyphs)
    return _bar_with_figures("host ", holders, figures, width, glyphs)


def _bar_with_figures(
    label: str, holders: Sequence[Holder], figures: Sequence[str], width: int, glyphs: Glyphs
) -> Line:
    shown: list[Piece] = [(f" {figure}", "muted") for figure in figures if figure]
    while shown and width - len(label) - width_of(shown) < _LEAST:
        shown.pop()
    cells = width - len(label) - width_of(shown)
    return [(label, "strong"), *bar_lines(holders, cells, 1, glyphs)[0], *shown]


def _gpu_block(gpu: GpuSample, box: Box, width: int, glyphs: Glyphs) -> list[Line]:
    name: list[Piece] = [(f"GPU{gpu.label} ", "strong"), (safe(gpu.short_name), "muted")]
    if gpu.error is not None:
        errors = [[(line, "bad")] for line in wrap(safe(gpu.error), width)]
        return [fit(name, width, ellipsis=glyphs.ellipsis), *errors]
    figures = "  ".join(filter(None, (percent([gpu]), degrees([gpu], glyphs), watts(gpu))))
    memory = gpu_memory([gpu])
    right: list[Piece] = [(memory, ""), (f"  {figures}", "muted")]
    holders = gpu_holders(gpu, glyphs)
    return [
        spread(name, right, width, ellipsis=glyphs.ellipsis),
        *bar_lines(holders, width, 1, glyphs),
        *legend(holders, width),
        *_gpu_sparks(gpu, box.history.get(gpu.uuid, ()), width, glyphs),
    ]


def _gpu_sparks(
    gpu: GpuSample, moments: Sequence[GpuMoment], width: int, glyphs: Glyphs
) -> list[Line]:
    used = [float(moment.memory_used) for moment in moments]
    busy = [float(one.utilization) for one in moments if one.utilization is not None]
    if not busy:
        return [_spark("memory", used, gpu.memory_total, width, glyphs)]
    left = (width - 2) // 2
    return [
        [
            *_spark("memory", used, gpu.memory_total, left, glyphs),
            ("  ", ""),
            *_spark("busy", busy, 100, width - 2 - left, glyphs),
        ]
    ]


def _host_block(box: Box, width: int, glyphs: Glyphs) -> list[Line]:
    host = box.sample.host
    holders = host_holders(host, box.slots, glyphs)
    right: list[Piece] = [
        (text.share(host.memory_used, host.memory_total), ""),
        (f"  {host.cpu_percent:3.0f}% cpu", "muted"),
    ]
    used = [float(one) for one in box.host_history]
    return [
        spread([("Memory of the host", "strong")], right, width, ellipsis=glyphs.ellipsis),
        *bar_lines(holders, width, 1, glyphs),
        *legend(holders, width),
        _spark("memory", used, host.memory_total, width, glyphs),
    ]


def _spark(word: str, values: Sequence[float], top: int, width: int, glyphs: Glyphs) -> Line:
    cells = max(width - len(word) - 1, 0)
    return [(f"{word} ", "faint"), (sparkline(values, cells, glyphs, top), "bar")]
