"""The themes: each shows itself while the cursor is on it."""

from __future__ import annotations

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.theme import Theme

from tui_hub.settings.themes import THEMES
from tui_hub.tui.command import bindings
from tui_hub.tui.commands.questions import Cancel, Take
from tui_hub.tui.drawing.columns import Column
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.table import Table


class ThemeTable(Table[Theme]):
    """Themes by name."""

    least = 12

    def __init__(self) -> None:
        super().__init__(
            [
                Column("Theme", 0, lambda theme: [(theme.name, "")]),
                Column("", 5, lambda theme: [("dark" if theme.dark else "light", "faint")]),
            ]
        )

    def key_of(self, row: Theme) -> object:
        return row.name


class ThemeDialog(HubDialog[str | None]):
    """Asks for a theme; closed without an answer, the one before comes back."""

    BINDINGS = bindings(Take, Cancel)
    BINDING_GROUP_TITLE = "Themes"
    DEFAULT_CSS = """
    ThemeDialog ThemeTable { background: $panel; max-height: 80vh; }
    """
    table = getters.query_one(ThemeTable)

    def __init__(self) -> None:
        super().__init__()
        self._before = self.app.theme

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = "Theme"
        box.border_subtitle = self.offer((Take, "keeps it"), (Cancel, "goes back"))
        with box:
            yield ThemeTable()

    def on_mount(self) -> None:
        """Begin at the theme that counts."""
        known = self.app.available_themes
        names = [*(name for name in THEMES if name in known), *sorted(set(known) - set(THEMES))]
        self.table.styles.height = len(names) + 1
        self.table.focus()
        self.table.show([known[name] for name in names])
        self.table.cursor = names.index(self._before)

    @on(RowList.Moved)
    def _show(self) -> None:
        if self.table.current is not None:
            self.app.theme = self.table.current.name

    @on(RowList.Chosen)
    def _clicked_twice(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        """Keep the theme under the cursor."""
        self.dismiss(None if self.table.current is None else self.table.current.name)

    def action_cancel(self) -> None:
        """Let the one before come back."""
        self.app.theme = self._before
        self.dismiss(None)
