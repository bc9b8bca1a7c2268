"""The processes that hold memory, as a table that stands below the bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tui_hub import text
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.hardware import BoxSample, GpuSample
from tui_hub.domain.slots import Slot
from tui_hub.tui.drawing.columns import Column, draw_row, header, layout
from tui_hub.tui.drawing.draw import Line
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.drawing.holders import on_host

_HIDDEN = "not seen from here"
_LEAST = 16
"""Cells that a process's name keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A line of the table."""

    device: str
    name: str
    pid: int | None = None
    user: str | None = None
    memory: int | None = None
    busy: int | None = None
    slot: str | None = None


def process_lines(
    sample: BoxSample, slots: Sequence[Slot], width: int, glyphs: Glyphs
) -> list[Line]:
    """The table with its titles, by device, those with the most memory first."""
    rows = [row for gpu in sample.gpus for row in _on_gpu(gpu)]
    rows += [_of_slot(slot) for slot in slots if on_host(slot)]
    if not rows:
        words = "No process holds memory of a GPU." if sample.gpus else "No slot is in memory."
        return [[(words, "faint")]]
    several = len({row.device for row in rows}) > 1 or len(sample.gpus) > 1
    users = any(row.user for row in rows)
    busy = any(row.busy is not None for row in rows)
    placed = layout(_columns(several, users, busy), width, _LEAST)
    return [
        header(placed, glyphs.ellipsis),
        *(draw_row(row, placed, glyphs.ellipsis) for row in rows),
    ]


def _columns(several: bool, users: bool, busy: bool) -> list[Column[Process]]:
    """The columns: the device where there are several, the user and the use where one is told."""
    device: Column[Process] = Column("On", 4, lambda one: [(one.device, "muted")], rank=1)
    user: Column[Process] = Column("User", 8, lambda one: [(one.user or "", "muted")], rank=4)
    use: Column[Process] = Column(
        "Busy", 4, lambda one: [(_percent(one.busy), "muted")], align="right", rank=3
    )
    return [
        *([device] if several else []),
        Column("Pid", 7, lambda one: [(_number(one.pid), "muted")], align="right", rank=2),
        *([user] if users else []),
        Column("Process", 0, _name),
        *([use] if busy else []),
        Column("Memory", 9, lambda one: [(text.size(one.memory), "")], align="right"),
    ]


def _name(one: Process) -> Line:
    """The slot that it holds, if it is ours, and its name."""
    if one.slot is None:
        return [(one.name, "")]
    return [(f"{one.slot} ", "bar"), (one.name, "strong")]


def _number(pid: int | None) -> str:
    return "" if pid is None else str(pid)


def _percent(share: int | None) -> str:
    return "" if share is None else f"{share}%"


def _on_gpu(gpu: GpuSample) -> Iterator[Process]:
    for one in sorted(gpu.processes, key=lambda process: -(process.memory or 0)):
        yield Process(
            device=gpu.label,
            name=one.label,
            pid=one.pid,
            user=one.user,
            memory=one.memory,
            busy=one.utilization,
            slot=one.slot,
        )
    if gpu.unnamed:
        yield Process(device=gpu.label, name=_HIDDEN, memory=gpu.unnamed)


def _of_slot(slot: Slot) -> Process:
    return Process(
        device="host",
        name=slot.model,
        pid=slot.pid,
        memory=slot.memory.used_after,
        slot=slot.type.value,
    )
