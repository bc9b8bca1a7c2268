"""The line with the keys that do something right now."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Input

from tui_hub.tui.commands import Commands, Help, Quit, Search, command_of
from tui_hub.tui.draw import Piece, fit, width_of
from tui_hub.tui.widgets.drawn import Drawn

_LAST = (Search, Help, Commands, Quit)
"""Keys of every screen, shown after the screen's own."""


class KeyRow(Drawn):
    """Keys and what they do, generated from the bindings; a click presses the key."""

    DEFAULT_CSS = "KeyRow { height: 1; background: $background; padding: 0 1; }"

    def on_mount(self) -> None:
        """Follow the focus, and with it the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        self.refresh()

    def _entries(self) -> list[tuple[Binding, DOMNode]]:
        own: list[tuple[Binding, DOMNode]] = []
        last: dict[object, tuple[Binding, DOMNode]] = {}
        typing = isinstance(self.screen.focused, Input)
        seen: set[object] = set()
        for active in self.screen.active_bindings.values():
            binding, command = active.binding, command_of(active.binding)
            if command is None or not binding.show or command in seen or not active.enabled:
                continue
            if typing and len(self.app.get_key_display(binding)) == 1 and binding.key != "enter":
                continue
            seen.add(command)
            if command in _LAST:
                last[command] = (binding, active.node)
            else:
                own.append((binding, active.node))
        return own + [last[command] for command in _LAST if command in last]

    def _pieces(self, binding: Binding) -> list[Piece]:
        sign = binding.key_display or self.app.get_key_display(binding)
        if sign == "⏎":
            sign = self.glyphs.enter
        return [(sign, "key"), (f" {binding.description}", "muted")]

    def _placed(self) -> list[tuple[int, int, Binding, DOMNode]]:
        placed, at = [], 0
        for binding, node in self._entries():
            wide = width_of(self._pieces(binding))
            placed.append((at, at + wide, binding, node))
            at += wide + 2
        return placed

    def render_line(self, y: int) -> Strip:
        """Draw as many keys as there is room for; the rest stands in the help."""
        pieces: list[Piece] = []
        for _, _, binding, _ in self._placed():
            if pieces:
                pieces.append(("  ", ""))
            pieces += self._pieces(binding)
        width = self.size.width
        fitted = fit(pieces, width, ellipsis=self.glyphs.ellipsis)
        return self.strip(fitted, width, self.rich_style)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the pointer does."""
        for start, end, binding, node in self._placed():
            if start <= event.x - 1 < end:
                await self.app.run_action(binding.action, node)
                return
