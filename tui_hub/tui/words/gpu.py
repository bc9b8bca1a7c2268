"""How a GPU reads on the screen: its memory by holder, its name and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.tui.drawing.draw import Piece, stacked_bar
from tui_hub.tui.drawing.glyphs import Glyphs

if TYPE_CHECKING:
    from tui_hub.domain.hardware import GpuSample

_NAME = 16
"""Characters of a name that a line has room for."""


def gpu_bar(gpu: GpuSample, width: int, glyphs: Glyphs) -> list[Piece]:
    """Its memory in exactly `width` cells: ours, others', free, and at the end the driver's own."""
    parts = (
        (gpu.ours, glyphs.full, "bar"),
        (gpu.others, glyphs.half, "partial"),
        (gpu.memory_free, glyphs.rest, "rest"),
        (gpu.memory_reserved, glyphs.reserved, "faint"),
    )
    return stacked_bar(parts, width)


def gpu_cells(gpus: Sequence[GpuSample], glyphs: Glyphs) -> list[Piece]:
    """One cell for each GPU: the height says how full it is, the tone whether something is ours."""
    steps = len(glyphs.levels) - 1
    return [
        (glyphs.failed, "bad")
        if gpu.error is not None
        else (
            glyphs.levels[round(gpu.memory_used / max(gpu.memory_total, 1) * steps)],
            "bar" if gpu.ours else "partial",
        )
        for gpu in gpus
    ]


def gpu_name(gpu: GpuSample, glyphs: Glyphs) -> str:
    """Its name, cut to what a line has room for."""
    name = gpu.short_name
    return name if len(name) <= _NAME else name[: _NAME - 1] + glyphs.ellipsis


def gpu_memory(gpus: Sequence[GpuSample], *, unit: bool = True) -> str:
    """Memory in use of all that can be read, always as wide: ` 61.2/139.8 GiB`."""
    total = sum(gpu.memory_total for gpu in gpus)
    if not total:
        return ""
    share = text.share(sum(gpu.memory_used for gpu in gpus), total)
    return share if unit else share.rpartition(" ")[0]


def percent(gpus: Sequence[GpuSample]) -> str:
    """How busy the busiest is, in four cells; nothing where no driver tells."""
    told = [gpu.utilization for gpu in gpus if gpu.utilization is not None]
    return f"{max(told):3}%" if told else ""


def degrees(gpus: Sequence[GpuSample], glyphs: Glyphs) -> str:
    """How hot the hottest is; nothing where no driver tells."""
    told = [gpu.temperature for gpu in gpus if gpu.temperature is not None]
    return f"{max(told):2}{glyphs.degree}C" if told else ""


def watts(gpu: GpuSample) -> str:
    """What it draws of what it may draw; nothing where no driver tells."""
    if gpu.power is None:
        return ""
    limit = "" if gpu.power_limit is None else f"/{gpu.power_limit:.0f}"
    return f"{gpu.power:3.0f}{limit} W"


def short_form(error: str) -> str:
    """Why something cannot be read, where there is little room."""
    return error.partition(":")[0]
