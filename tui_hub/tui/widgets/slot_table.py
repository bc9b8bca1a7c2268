"""The slots as a list."""

from __future__ import annotations

from tui_hub.tui.widgets.table import Table
from tui_hub.tui.words.slot_columns import SlotRow


class SlotTable(Table[SlotRow]):
    """One row for each type, known again by that."""

    least = 28

    def key_of(self, row: SlotRow) -> object:
        return row.type
