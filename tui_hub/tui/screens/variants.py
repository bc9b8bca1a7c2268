"""Which one of several: a question that is answered from a list."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui_hub.tui.columns import Column
from tui_hub.tui.command import bindings
from tui_hub.tui.question_commands import Cancel, Take
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.table import Table


class NameTable(Table[str]):
    """Names to choose from."""

    least = 10

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__([Column("Variant", 0, lambda name: [(name, "strong")])])
        self._names = names

    def on_mount(self) -> None:
        """Show the names."""
        self.styles.height = len(self._names) + 1
        self.show(self._names)


class VariantDialog(HubDialog[str | None]):
    """Asks for one of the installed variants; `None` when closed without an answer."""

    BINDINGS = bindings(Take, Cancel)
    BINDING_GROUP_TITLE = "Variants"
    DEFAULT_CSS = """
    VariantDialog .dialog { width: 60; }
    VariantDialog NameTable { background: $panel; max-height: 60vh; margin-top: 1; }
    """

    def __init__(self, title: str, names: Sequence[str], chosen: str | None = None) -> None:
        super().__init__()
        self._title, self._names, self._chosen = title, names, chosen

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = self._title
        box.border_subtitle = "enter takes it, esc closes"
        with box:
            yield Static(Content("Several variants are here. Which one?"))
            yield NameTable(self._names)

    def on_mount(self) -> None:
        """Rest on the variant that is most likely meant."""
        table = self.query_one(NameTable)
        table.focus()
        if self._chosen in self._names:
            table.cursor = self._names.index(self._chosen)

    @on(RowList.Chosen)
    def _clicked_twice(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Take the variant under the cursor."""
        self.dismiss(self.query_one(NameTable).current)

    def action_cancel(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
