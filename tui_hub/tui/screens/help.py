"""The keys of a screen, generated from its bindings themselves."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from textual import events, getters
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen

from tui_hub.tui.command import Command, bindings, command_of
from tui_hub.tui.commands import Help
from tui_hub.tui.commands.questions import Dismiss, HintQuit
from tui_hub.tui.drawing.draw import Line, fit, width_of
from tui_hub.tui.keys import sign_of
from tui_hub.tui.screens.base import HubDialog
from tui_hub.tui.widgets.document import Document


class KeyText(Document):
    """Keys with their explanation, in groups."""

    DEFAULT_CSS = "KeyText { background: $panel; height: auto; max-height: 70vh; padding: 0 1; }"

    def __init__(self, groups: Sequence[tuple[str, Sequence[type[Command]]]]) -> None:
        super().__init__()
        self._groups = [
            (title, [(self._keys(one), one.explanation()) for one in commands])
            for title, commands in groups
        ]
        self._indent = 5 + max(
            (width_of([(keys, "")]) for _, rows in self._groups for keys, _ in rows), default=0
        )

    def on_resize(self, event: events.Resize) -> None:
        """Break the explanations for the width there is."""
        room = max(self.line_width - self._indent, 20)
        lines: list[Line] = []
        for title, entries in self._groups:
            lines += [(), [(title, "info")]] if lines else [[(title, "info")]]
            for keys, words in entries:
                for number, part in enumerate(wrap(words, room)):
                    head = fit([("  ", ""), ("" if number else keys, "key")], self._indent)
                    lines.append([*head, (part, "")])
        self.show_pieces(lines)

    def _keys(self, command: type[Command]) -> str:
        keys = self.app.keys.of(command)
        return " ".join(self.glyphs.key(sign_of(key)) for key in keys) or "no key"


class HelpScreen(HubDialog[None]):
    """All keys that work on the screen below, the screen's own first."""

    BINDINGS = bindings(Dismiss)
    BINDING_GROUP_TITLE = "Help"
    keys = getters.query_one(KeyText)

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self._groups: dict[str, list[type[Command]]] = {below.BINDING_GROUP_TITLE or "Keys": []}
        for active in below.active_bindings.values():
            command = command_of(active.binding)
            title = getattr(active.node, "BINDING_GROUP_TITLE", None) or "Keys"
            group = self._groups.setdefault(title, [])
            if command is not None and command not in group:
                group.append(command)
        for group in self._groups.values():
            group.sort(key=lambda command: command in (Help, HintQuit))

    def compose(self) -> ComposeResult:
        box = Vertical(classes="dialog")
        box.border_title = "Keys"
        box.border_subtitle = self.offer((Dismiss, "closes"))
        with box:
            yield KeyText([(title, group) for title, group in self._groups.items() if group])

    def on_mount(self) -> None:
        """Let the keys scroll."""
        self.keys.focus()

    def action_dismiss(self) -> None:  # type: ignore[override]
        """Close."""
        self.dismiss()

    def action_show_help(self) -> None:
        """Close, with the key that opened it."""
        self.dismiss()
