"""The line with the keys that do something right now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Input

from tui_hub.tui.command import Command, command_of
from tui_hub.tui.commands import Commands, Help, Quit, Search
from tui_hub.tui.drawing.draw import Piece, fit, width_of
from tui_hub.tui.keys import Keys
from tui_hub.tui.widgets.drawn import Drawn

Entry = tuple[Binding, DOMNode]

_LAST: tuple[type[Command], ...] = (Search, Help, Commands, Quit)
"""Keys of every screen, shown after the screen's own."""
GAP = 2
"""Cells between two keys."""


def _place(binding: Binding, node: DOMNode) -> int:
    """Where a binding stands among those of its node; other keys put it last in Textual's list."""
    named = [getattr(one, "id", None) for base in type(node).__mro__ for one in _own(base)]
    return named.index(binding.id) if binding.id in named else len(named)


def _own(base: type) -> Sequence[object]:
    listed: Sequence[object] = base.__dict__.get("BINDINGS", ())
    return listed


class KeyRow(Drawn):
    """Keys and what they do, generated from the bindings; a click presses the key."""

    DEFAULT_CSS = "KeyRow { height: 1; background: $background; padding: 0 1; }"

    def __init__(self, word_of: Callable[[type[Command]], str]) -> None:
        super().__init__()
        self._word_of = word_of

    def on_mount(self) -> None:
        """Follow the focus, and with it the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self.app.keys_signal.subscribe(self, self._changed)

    def _changed(self, of: Screen[object] | Keys) -> None:
        self.refresh()

    def _entries(self) -> tuple[list[Entry], list[Entry]]:
        """The keys of this screen, and those of every screen."""
        own: dict[type[Command], Entry] = {}
        last: dict[type[Command], Entry] = {}
        for active in self.screen.active_bindings.values():
            command = command_of(active.binding)
            if command is None or not self._offers(command) or not active.enabled:
                continue
            entries = last if command in _LAST else own
            entries.setdefault(command, (active.binding, active.node))
        shown = list(own.values())
        if self.app.keys.keymap:
            nodes = list(dict.fromkeys(node for _, node in shown))
            shown.sort(key=lambda one: (nodes.index(one[1]), _place(*one)))
        return shown, [last[command] for command in _LAST if command in last]

    def _offers(self, command: type[Command]) -> bool:
        """Whether its key does something now: a text box takes letters for itself."""
        sign = self.app.keys.sign(command, typing=self._typing)
        return command.shown and bool(sign) and bool(self._word_of(command))

    @property
    def _typing(self) -> bool:
        return isinstance(self.screen.focused, Input)

    def _pieces(self, binding: Binding) -> list[Piece]:
        command = command_of(binding)
        if command is None:
            return []
        sign = self.app.keys.sign(command, typing=self._typing)
        return [(self.glyphs.key(sign), "key"), (f" {self._word_of(command)}", "muted")]

    def _wide(self, entries: list[Entry]) -> int:
        return sum(width_of(self._pieces(binding)) + GAP for binding, _ in entries) - GAP

    def _placed(self) -> tuple[list[Entry], list[Entry]]:
        """The keys for which there is room; those of every screen stay where it is short."""
        own, last = self._entries()
        room = self.line_width - self._wide(last) - GAP
        if self._wide(own) <= room:
            return own, last
        while own and self._wide(own) > room - GAP - 1:
            own.pop()
        return own, last

    def _line(self) -> list[tuple[list[Piece], Entry | None]]:
        own, last = self._placed()
        line: list[tuple[list[Piece], Entry | None]] = [
            (self._pieces(entry[0]), entry) for entry in own
        ]
        if len(own) < len(self._entries()[0]):
            line.append(([(self.glyphs.ellipsis, "faint")], None))
        return line + [(self._pieces(entry[0]), entry) for entry in last]

    def render_line(self, y: int) -> Strip:
        """Draw the keys; what there is no room for stands in the help."""
        pieces: list[Piece] = []
        for part, _ in self._line():
            if pieces:
                pieces.append((" " * GAP, ""))
            pieces += part
        width = self.line_width
        fitted = fit(pieces, width, ellipsis=self.glyphs.ellipsis)
        return self.strip(fitted, width, self.plain)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the pointer does."""
        at = 1
        for part, entry in self._line():
            end = at + width_of(part)
            if at <= event.x < end and entry is not None:
                await self.app.run_action(entry[0].action, entry[1])
                return
            at = end + GAP
