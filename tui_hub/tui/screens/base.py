"""The frame that every main screen stands in, and the one that every question stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from textual import events, getters, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from tui_hub.domain.errors import HubError
from tui_hub.tui.actions.copying import Copyable
from tui_hub.tui.app import LEAST_HEIGHT, LEAST_WIDTH, HubApp
from tui_hub.tui.command import Command, bindings, command_of
from tui_hub.tui.commands import Help, Quit
from tui_hub.tui.commands.questions import Cancel, Dismiss, HintQuit, No
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.widgets.key_row import KeyRow
from tui_hub.tui.widgets.memory_bar import MemoryBar
from tui_hub.tui.widgets.row_list import RowList
from tui_hub.tui.widgets.top_bar import TopBar

Answer = TypeVar("Answer")

_CLOSING = (Cancel, Dismiss, No)
"""What closes a question without doing anything; each has one of them."""


class TooSmall(Static):
    """Covers a screen that has no room, and says how much it needs.

    What is below stays as it is, with its focus, until there is room again.
    """

    def __init__(self) -> None:
        words = f"The terminal is too small: {LEAST_WIDTH}x{LEAST_HEIGHT} is the least."
        super().__init__(Content(words))


class HubScreen(Screen[None]):
    """A screen with the bars around it; where the terminal is too small for it, one line."""

    DEFAULT_CSS = "HubScreen { layout: vertical; }"

    app = getters.app(HubApp)

    def __init__(self) -> None:
        super().__init__()
        self.update_classes(dict.fromkeys(self._room_classes(), True), update=False)
        told = [command_of(one) for one in self.BINDINGS if isinstance(one, Binding)]
        self._own = tuple(command for command in told if command is not None)
        self._words: tuple[str, ...] = ()
        """What the key row said of the screen's own keys."""

    def _room_classes(self) -> set[str]:
        """The classes for the size of the terminal, which Textual gives only after a layout."""
        width, height = self.app.size
        across = self._get_breakpoint_classes(width, self.app.HORIZONTAL_BREAKPOINTS)
        return across | self._get_breakpoint_classes(height, self.app.VERTICAL_BREAKPOINTS)

    def _compositor_refresh(self) -> None:
        """Draw nothing while Textual would throw it away."""
        if not self.app._batch_count:
            super()._compositor_refresh()

    @on(events.ScreenResume)
    def tell_again(self) -> None:
        """Have the bars tell what went on while another screen was in front."""
        for one in self.query("TopBar, MemoryBar"):
            one.refresh()

    def compose(self) -> ComposeResult:
        yield TooSmall()
        yield TopBar()
        yield from self.compose_body()
        yield MemoryBar()
        yield KeyRow(self.word_of)

    @on(RowList.Chosen)
    async def _clicked_twice(self) -> None:
        await self.run_action("choose")

    def word_of(self, command: type[Command]) -> str:
        """What a command does now, for the key row; an empty text where it can do nothing."""
        return command.label

    @on(RowList.Moved)
    def name_keys(self) -> None:
        """Name the keys anew where what they do has become something else."""
        words = tuple(map(self.word_of, self._own))
        if words != self._words:
            self._words = words
            self.query(KeyRow).refresh()

    async def copyables(self) -> list[Copyable]:
        """What of this screen can be copied."""
        return []

    async def links_of(self, model: str) -> Mapping[str, str]:
        """The addresses of a model; none of one that the catalogue does not have."""
        try:
            known = await self.app.services.catalogue.get(model)
        except HubError:
            return {}
        return self.app.services.repositories.links(known)

    def compose_body(self) -> ComposeResult:
        """What stands between the bars."""
        yield from ()


class HubDialog(ModalScreen[Answer]):
    """A question over the screen that asked it."""

    BINDINGS = bindings(Help, HintQuit)
    app = getters.app(HubApp)

    def offer(self, *told: tuple[type[Command], str]) -> str:
        """What keys do, for the lower edge: `enter starts, esc closes`."""
        return ", ".join(f"{self.app.key_of(command)} {does}" for command, does in told)

    def problem_of(self, error: HubError) -> Content:
        """What is wrong, and below it what to do about that."""
        advice = self.app.advice(error.hint)
        told = [Content.styled(safe(error.message), "$error")]
        told += [Content.styled(safe(advice), "$foreground 62%")] if advice else []
        return Content("\n").join(told)

    def on_mount(self) -> None:
        """Have the words ready for a terminal that is too small for the question."""
        self.mount(TooSmall())

    def action_show_help(self) -> None:
        """Show the keys of this question."""
        self.app.action_show_help()

    def action_help_quit(self) -> None:
        """Copy what is marked; without a mark, say how to leave."""
        try:
            self.action_copy_text()
        except SkipAction:
            own = {command_of(one) for one in self.BINDINGS if isinstance(one, Binding)}
            closing = next((one for one in _CLOSING if one in own), Cancel)
            closes, quits = map(self.app.key_of, (closing, Quit))
            self.app.hint(f"{closes} closes this; then {quits} quits")
