"""The feed of changes: what syncs found new, changed, ended or gone."""

from __future__ import annotations

from tui_hub import text
from tui_hub.domain.changes import ChangeEntry, ChangeKind
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Piece
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.widgets.table import Table

_SIGNS: dict[ChangeKind, Piece] = {
    ChangeKind.NEW: ("+", "good"),
    ChangeKind.UPDATED: ("~", "info"),
    ChangeKind.DEPRECATED: ("!", "warn"),
    ChangeKind.REMOVED: ("-", "bad"),
    ChangeKind.RENAMED: (">", "muted"),
}


class ChangeList(Table[ChangeEntry]):
    """Changes, newest first; those that nobody has seen yet stand out."""

    least = 24

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(self._columns(glyphs), id=id)
        self.seen = 0
        """The number of the last change that a person had seen before."""

    def key_of(self, row: ChangeEntry) -> object:
        """Changes are numbered."""
        return row.number

    def _columns(self, glyphs: Glyphs) -> list[Column[ChangeEntry]]:
        right = "right"
        return [
            Column("", 1, lambda row: [_SIGNS[row.change.kind]], rank=-1),
            Column("Model", 34, lambda row: [(row.change.model, self._tone(row))], rank=-1),
            Column("What", 0, lambda row: [(words(row), "muted")]),
            Column("Type", 9, lambda row: [(row.model.type if row.model else "", "faint")], rank=4),
            Column("Here", 4, lambda row: _here(row, glyphs), rank=3),
            Column("Size", 10, _size, right, 5),
            Column("Noticed", 12, lambda row: [(text.ago(row.change.at), "faint")], right, 2),
        ]

    def _tone(self, row: ChangeEntry) -> str:
        return "strong" if row.number > self.seen else ""


def words(entry: ChangeEntry) -> str:
    """What changed, in words."""
    change = entry.change
    if change.kind is ChangeKind.RENAMED:
        return f"renamed from {change.before}"
    what = ", ".join(change.what)
    if change.kind is ChangeKind.NEW:
        return "new"
    if change.kind is ChangeKind.DEPRECATED:
        successor = f", successor {change.after}" if change.after else ""
        return f"deprecated {what}{successor}".strip()
    return what or change.kind.value


def _here(entry: ChangeEntry, glyphs: Glyphs) -> list[Piece]:
    installed = entry.model is not None and entry.model.status.value in ("installed", "active")
    return [(glyphs.installed, "good")] if installed else []


def _size(entry: ChangeEntry) -> list[Piece]:
    model = entry.model
    return [(text.model_size(model) if model is not None and model.size else "", "muted")]
