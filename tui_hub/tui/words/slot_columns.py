"""The columns of the slots."""

from __future__ import annotations

from tui_hub import text
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.slots import Slot
from tui_hub.domain.swaps import SwapPicture
from tui_hub.domain.types import ModelType
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Piece
from tui_hub.tui.drawing.glyphs import Glyphs


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A type, the model that stands for it, and the change that is under way."""

    type: ModelType
    slot: Slot | None
    swap: str = ""
    """The present step of that change."""
    comes: str | None = None
    """The model that the change brings."""


def slot_row(kind: ModelType, slot: Slot | None, swap: SwapPicture | None) -> SlotRow:
    """The row of a type; the figures of a change that move stand elsewhere."""
    if swap is None:
        return SlotRow(kind, slot)
    return SlotRow(kind, slot, swap.step.value, swap.model)


def slot_columns(glyphs: Glyphs) -> list[Column[SlotRow]]:
    """The columns of a slot."""
    return [
        Column("", 1, lambda row: [_sign(row, glyphs)]),
        Column("Slot", 9, lambda row: [(row.type.value, "" if row.slot else "muted")]),
        Column("Model", 0, lambda row: _model(row, glyphs), model=_id),
        Column("Memory", 9, lambda row: [_memory(row)], align="right", rank=1),
        Column("Device", 7, lambda row: [(_of(row, "device"), "muted")], rank=4),
        Column("Runtime", 7, lambda row: [(_of(row, "runtime"), "muted")], rank=3),
        Column("Since", 10, lambda row: [(_since(row), "muted")], align="right", rank=2),
    ]


def _sign(row: SlotRow, glyphs: Glyphs) -> Piece:
    if row.swap:
        return (glyphs.syncing, "info")
    if row.slot is None:
        return (glyphs.dot, "faint")
    return (glyphs.active, "good") if row.slot.error is None else (glyphs.failed, "bad")


def _id(row: SlotRow) -> str | None:
    """The model that the row names."""
    return (row.swap and row.comes) or (row.slot.model if row.slot else None)


def _model(row: SlotRow, glyphs: Glyphs) -> list[Piece]:
    if row.swap:
        return [(f"{row.swap} ", "info"), (_id(row) or "", "strong")]
    if row.slot is None:
        return [("empty", "faint")]
    if row.slot.error is not None:
        return [("not in memory ", "bad"), (row.slot.model, "strong")]
    return [(row.slot.model, "strong"), (f"  {row.slot.variant or ''}", "info")]


def _memory(row: SlotRow) -> Piece:
    slot = row.slot
    if slot is None or slot.error is not None:
        return ("", "")
    used = slot.memory.used_after if slot.held else None
    return ("files", "faint") if used is None else (text.size(used), "")


def _of(row: SlotRow, name: str) -> str:
    return str(getattr(row.slot, name) or "") if row.slot else ""


def _since(row: SlotRow) -> str:
    return text.ago(row.slot.since) if row.slot and row.slot.since else ""
