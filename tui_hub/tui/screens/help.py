"""The keys of a screen, generated from its bindings themselves."""

from __future__ import annotations

from textual import getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen

from tui_hub.tui.commands import Command, Dismiss, bindings, command_of
from tui_hub.tui.draw import Line, fit, width_of
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.widgets.row_list import RowList

_SIGNS = {
    "slash": "/",
    "question_mark": "?",
    "enter": "⏎",
    "escape": "esc",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "pagedown": "page down",
    "pageup": "page up",
}


class KeyList(RowList):
    """Keys with their explanation, in groups."""

    DEFAULT_CSS = "KeyList { background: $panel; height: auto; max-height: 80vh; }"

    def __init__(self, groups: list[tuple[str, list[type[Command]]]]) -> None:
        super().__init__()
        self._rows: list[tuple[str, str]] = []
        for title, commands in groups:
            self._rows += [("", ""), (title, "")] if self._rows else [(title, "")]
            self._rows += [(self._keys(one), one.explanation()) for one in commands]

    def on_mount(self) -> None:
        """Lay out."""
        self.rows_changed()

    def _keys(self, command: type[Command]) -> str:
        keys = [_SIGNS.get(key, key.replace("ctrl+", "^")) for key in command.key.split(",")]
        if self.app.glyphs.enter != "⏎":
            plain = {"⏎": "enter", "↓": "down", "↑": "up", "←": "left", "→": "right"}
            keys = [plain.get(key, key) for key in keys]
        return " ".join(keys)

    def row_count(self) -> int:
        return len(self._rows)

    def selectable(self, row: int) -> bool:
        return 0 <= row < len(self._rows) and bool(self._rows[row][1])

    def draw(self, row: int, width: int) -> Line:
        keys, words = self._rows[row]
        if not words:
            return [(keys, "info")]
        wide = max(width_of([(one, "")]) for one, meaning in self._rows if meaning) + 3
        return [
            *fit([("  ", ""), (keys, "key")], wide + 2, ellipsis=self.glyphs.ellipsis),
            *fit([(words, "")], width - wide - 2, ellipsis=self.glyphs.ellipsis),
        ]


class HelpScreen(HubDialog[None]):
    """All keys that work on the screen below, nearest first."""

    BINDINGS = bindings(Dismiss)
    BINDING_GROUP_TITLE = "Help"
    DEFAULT_CSS = """
    HelpScreen .dialog { width: 100; padding: 1 1; }
    """

    keys = getters.query_one(KeyList)

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self._groups: dict[str, list[type[Command]]] = {}
        for active in below.active_bindings.values():
            command = command_of(active.binding)
            title = getattr(active.node, "BINDING_GROUP_TITLE", None) or "Keys"
            group = self._groups.setdefault(title, [])
            if command is not None and command not in group:
                group.append(command)

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = "Keys"
        box.border_subtitle = "esc closes"
        with box:
            yield KeyList([(title, group) for title, group in self._groups.items() if group])

    def on_mount(self) -> None:
        """Let the keys scroll."""
        self.keys.focus()

    def action_dismiss(self) -> None:  # type: ignore[override]
        """Close."""
        self.dismiss()
