"""What can be copied of the thing in front, each with a letter."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, getters, on
from textual.app import ComposeResult
from textual.containers import Vertical

from tui_hub.tui.actions.copying import Copyable
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.questions import Cancel, Take
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.drawing.draw import Line
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.table import Table


def _shown(one: Copyable) -> Line:
    """The value, before it what it belongs to, as a long value is cut at its end."""
    return [(f"{one.of}  " if one.of else "", "muted"), (one.value, "")]


class CopyTable(Table[Copyable]):
    """What there is, with the letters that take it; these and a word need no header."""

    header_height = 0
    least = 20

    def __init__(self) -> None:
        super().__init__(
            [
                Column("", 1, lambda one: [(one.letter, "key")]),
                Column("", 9, lambda one: [(one.word, "muted")]),
                Column("", 0, _shown),
            ]
        )


class CopyDialog(HubDialog[Copyable | None]):
    """Asks what to copy; `None` when closed without an answer."""

    BINDINGS = bindings(Take, Cancel)
    BINDING_GROUP_TITLE = "Copy"
    DEFAULT_CSS = """
    CopyDialog CopyTable { background: $panel; max-height: 60vh; }
    """
    table = getters.query_one(CopyTable)

    def __init__(self, offered: Sequence[Copyable]) -> None:
        super().__init__()
        self._offered = offered

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = "Copy"
        box.border_subtitle = f"a letter copies, {self.offer((Cancel, 'closes'))}"
        with box:
            yield CopyTable()

    def on_mount(self) -> None:
        """Show what there is."""
        self.table.styles.height = len(self._offered)
        self.table.show(self._offered)
        self.table.focus()

    def on_key(self, event: events.Key) -> None:
        """Take what a letter stands for; lists have letters of their own, so it comes first."""
        for one in self._offered:
            if event.character == one.letter:
                event.stop()
                event.prevent_default()
                self.dismiss(one)
                return

    @on(RowList.Chosen)
    def _clicked_twice(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Copy what is under the cursor."""
        self.dismiss(self.table.current)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
