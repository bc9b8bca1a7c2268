"""What the store holds, as rows of two tables: by type and by model."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub import text
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.storage import ModelUsage, StorageUsage
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Piece, line_bar, width_of
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.widgets.table import Table

_NAME = 48
"""Cells that a long name may take from the other columns."""


@dataclass(frozen=True, slots=True)
class Share:
    """Something in the store, its bytes, and the bytes of the largest thing beside it."""

    name: str
    bytes: int
    largest: int
    model: ModelUsage | None = None


class ShareTable(Table[Share]):
    """Shares, known again by their name. The names have the room before the other columns."""

    least = 10

    def key_of(self, row: Share) -> object:
        return row.name

    def show(self, rows: Sequence[Share]) -> None:
        widest = max((width_of([(row.name, "")]) for row in rows), default=0)
        self.least = max(ShareTable.least, min(widest, _NAME))
        super().show(rows)


def type_shares(usage: StorageUsage) -> list[Share]:
    """The types, largest first."""
    largest = max(usage.by_type.values(), default=0)
    ranked = sorted(usage.by_type.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Share(name, size, largest) for name, size in ranked]


def model_shares(usage: StorageUsage) -> list[Share]:
    """The models, largest first."""
    largest = max((one.bytes for one in usage.models), default=0)
    return [Share(one.model, one.bytes, largest, one) for one in usage.models]


def type_columns(glyphs: Glyphs) -> list[Column[Share]]:
    """The columns of the types."""
    return [
        Column("Type", 0, lambda one: [(one.name, "")]),
        Column("Size", 10, _size, align="right", rank=1),
        Column("", 12, lambda one: _bar(one, 12, glyphs, "partial"), rank=2),
    ]


def model_columns(glyphs: Glyphs) -> list[Column[Share]]:
    """The columns of the models."""
    return [
        Column("", 1, lambda one: [(glyphs.active if _is_active(one) else "", "good")]),
        Column("Model", 0, _named, model=lambda one: one.name),
        Column("Size", 10, _size, align="right", rank=1),
        Column("Frees", 10, _freed, align="right", rank=2),
        Column("Used", 12, _used, align="right", rank=3),
        Column("", 16, lambda one: _bar(one, 16, glyphs, "bar"), rank=4),
    ]


def _is_active(one: Share) -> bool:
    return one.model is not None and one.model.active


def _named(one: Share) -> list[Piece]:
    lost = one.model.lost if one.model is not None else 0
    return [(one.name, ""), *([(f"  {lost} lost", "bad")] if lost else [])]


def _size(one: Share) -> list[Piece]:
    return [(text.size(one.bytes), "strong")]


def _freed(one: Share) -> list[Piece]:
    """What deleting it really frees; less than its size where others share some of it."""
    freed = one.model.bytes_freed if one.model is not None else one.bytes
    return [(text.size(freed), "muted" if freed == one.bytes else "warn")]


def _used(one: Share) -> list[Piece]:
    used = one.model.last_used if one.model is not None else None
    return [(text.ago(used), "muted") if used else ("never", "faint")]


def _bar(one: Share, width: int, glyphs: Glyphs, tone: str) -> list[Piece]:
    return line_bar(one.bytes / max(one.largest, 1), width, glyphs, tone)
