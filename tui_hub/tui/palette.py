"""The command palette: the actions of the screen in front, then those of every other screen."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from tui_hub.tui.command import Command, command_of
from tui_hub.tui.modes import MODES, commands_of, key_command

if TYPE_CHECKING:
    from tui_hub.tui.app import HubApp

Entry = tuple[str, str, IgnoreReturnCallbackType]
"""What the palette calls it, what it is for, and what runs it."""


class HubCommands(Provider):
    """Offers all commands; one of another screen goes there first."""

    def _entries(self) -> Iterator[Entry]:
        offered: set[type[Command]] = set()
        bindings = self.screen.active_bindings.values()
        for active in sorted(bindings, key=lambda one: not one.binding.show):
            command = command_of(active.binding)
            if command is None or command in offered or not active.enabled:
                continue
            offered.add(command)
            run = partial(self.app.run_action, active.binding.action, active.node)
            yield self._title(command), command.explanation(), run
        for mode in MODES:
            here = offered if mode == self.app.current_mode else set()
            yield from self._elsewhere(mode, here)

    def _elsewhere(self, mode: str, here: set[type[Command]]) -> Iterator[Entry]:
        before = self._key(key_command(mode))
        for command in commands_of(mode):
            if command in here:
                continue
            title = f"{mode.capitalize()}: {self._title(command, before)}"
            run = partial(self.app.run_action, f"do_there({mode!r}, {command.action()!r})")
            yield title, command.explanation(), run

    def _title(self, command: type[Command], before: str = "") -> str:
        keys = f"{before} {self._key(command)}".strip() if self._key(command) else "no key"
        return f"{command.title()}  ({keys})"

    def _key(self, command: type[Command]) -> str:
        return cast("HubApp", self.app).sign_of(command)

    async def discover(self) -> Hits:
        """Everything, while nothing is typed."""
        for title, explanation, run in self._entries():
            yield DiscoveryHit(title, run, help=explanation)

    async def search(self, query: str) -> Hits:
        """What matches the words typed."""
        matcher = self.matcher(query)
        for title, explanation, run in self._entries():
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, matcher.highlight(title), run, help=explanation)
