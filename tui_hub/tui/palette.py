"""The command palette: every action that a key has on the screen below it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from tui_hub.tui.command import command_of


class HubCommands(Provider):
    """Offers the commands of the screen and those of the whole program."""

    def _entries(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        offered: set[str] = set()
        bindings = self.screen.active_bindings.values()
        for active in sorted(bindings, key=lambda one: not one.binding.show):
            command = command_of(active.binding)
            if command is None or command.title() in offered or not active.enabled:
                continue
            offered.add(command.title())
            run = partial(self.app.run_action, active.binding.action, active.node)
            yield (
                f"{command.title()}  ({self._key(active.binding.key)})",
                command.explanation(),
                run,
            )

    def _key(self, key: str) -> str:
        for active in self.screen.active_bindings.values():
            if active.binding.key == key:
                return self.app.get_key_display(active.binding)
        return key

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
