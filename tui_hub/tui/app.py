"""The screen as a whole: modes, themes, the worker that follows events, and a clean end."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual._context import active_message_pump
from textual.await_remove import AwaitRemove
from textual.dom import DOMNode
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.signal import Signal
from textual.widget import Widget

from tui_hub.text import clean
from tui_hub.tui.actions.app import ActingApp
from tui_hub.tui.actions.slot_changes import SlotChanges
from tui_hub.tui.command import Command, bindings
from tui_hub.tui.commands import EVERYWHERE, ChangeTheme, Commands, Quit
from tui_hub.tui.drawing.glyphs import ASCII, UNICODE
from tui_hub.tui.keys import Keys, character_of
from tui_hub.tui.live import POLL
from tui_hub.tui.marks import Marks
from tui_hub.tui.modes import MODES
from tui_hub.tui.notes import NOTES
from tui_hub.tui.palette import HubCommands
from tui_hub.tui.sheets import Sheets
from tui_hub.tui.terminal.keyboard import Keyboard, Typed, press
from tui_hub.tui.terminal.output import let_go_of_terminal
from tui_hub.tui.themes import DARK, THEMES

if TYPE_CHECKING:
    from tui_hub.settings import Configuration
    from tui_hub.tui.background import Opening

_log = logging.getLogger(__name__)

LEAST_WIDTH, LEAST_HEIGHT = 60, 14
"""Cells of the smallest terminal that the screens are drawn on."""

_SIGNALS = {signal.SIGHUP: 129, signal.SIGTERM: 143}
"""What ends the program from outside, and the exit code that says so: 128 and the number."""


class WholeCells(ScrollBarRender):
    """Scrollbars without the signs for a part of a cell, which not every terminal has."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


class HubApp(ActingApp):
    """The terminal screen over one home. Whoever opens that closes it."""

    TITLE = "tui-hub"
    CSS_PATH = "app.tcss"
    MODES = dict(MODES)  # noqa: RUF012
    DEFAULT_MODE = "browse"
    COMMANDS = {HubCommands}  # noqa: RUF012
    BINDINGS = bindings(*EVERYWHERE)
    BINDING_GROUP_TITLE = "Everywhere"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-tiny"),
        (LEAST_WIDTH, "-narrow"),
        (100, "-normal"),
        (132, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (LEAST_HEIGHT, "-low"), (20, "-high")]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = True
    stylesheet: Sheets

    def __init__(
        self,
        configuration: Configuration,
        opening: Opening,
        demo: bool = False,
        temporary: bool = False,
    ) -> None:
        super().__init__(configuration, opening)
        self.demo = demo
        self.temporary = temporary
        self.changes = SlotChanges(self)
        """The changes of slots that go on, whatever screen is in front."""
        self.marks = Marks()
        self.marks_signal: Signal[Marks] = Signal(self, "marks")
        """Carries what is marked for a comparison whenever that changes."""
        screen = configuration.settings.screen
        self.glyphs = ASCII if screen.ascii else UNICODE
        self.greeting = False
        """Whether the first words are on the screen of the catalogue."""
        self.greeting_signal: Signal[bool] = Signal(self, "greeting")
        """Carries that whenever it changes."""
        self._keyboard = Keyboard(self, self._typed, self._answered)
        self._clicked: list[events.MouseEvent] = []
        """Buttons that were pressed and let go before the home was open."""
        self.keys = Keys(configuration.settings.keys)
        self.keys.drop_conflicts_on(self.DEFAULT_MODE)
        self.keys_signal: Signal[Keys] = Signal(self, "keys")
        """Carries them whenever they became others."""
        self.set_keymap(self.keys.keymap)
        self._set_up_look(screen.theme, screen.ascii)

    def _set_up_look(self, theme: str, ascii_only: bool) -> None:
        for own in THEMES:
            self.register_theme(own)
        self.theme = theme if theme in self.available_themes else DARK.name
        self.stylesheet = Sheets(variables=self.get_css_variables())
        self.animation_level = "none" if self.over_ssh else "basic"
        self.set_class(ascii_only, "-ascii")
        ScrollBar.renderer = WholeCells if ascii_only else ScrollBarRender

    def on_load(self) -> None:
        """Make sure of a clean end before the terminal is touched.

        Let tasks start in their turn, too, on every Python alike: from 3.12 on Textual starts them
        at once, and then the search box of the first mode is mounted before its screen is on the
        stack that it asks for.
        """
        loop = asyncio.get_running_loop()
        for number, code in _SIGNALS.items():
            loop.add_signal_handler(number, self.exit, code)
        loop.set_task_factory(None)

    def on_mount(self) -> None:
        """Open the home once the first frame is out."""
        wanted = self.configuration.settings.screen.theme
        if wanted and wanted not in self.available_themes:
            key = self.key_of(ChangeTheme)
            self.notify(f"There is no theme {wanted!r}: {key} shows those that there are.")
        self.call_after_refresh(self.open_home)

    def begin(self) -> None:
        """Hand on what was typed and clicked meanwhile, too."""
        super().begin()
        self.hand_on()
        self.follow_keys()
        clicked, self._clicked = self._clicked, []
        for event in clicked:
            self.post_message(event)

    @work(group="typing")
    async def hand_on(self) -> None:
        """Hand on what is typed for as long as the program runs."""
        await self._keyboard.hand_on()

    @work(group="keys")
    async def follow_keys(self) -> None:
        """Go by the keys as the settings file has them now, and look again after a while."""
        with self.reporting():
            wanted = await self.services.preferences.new_keys()
            if wanted is not None and (wanted != self.keys.wanted or not self.keys.checked):
                await self._take_keys(Keys(wanted))
        self.set_timer(POLL, self.follow_keys)

    async def _take_keys(self, keys: Keys) -> None:
        """Have these keys work, and say which cannot; those stay as the program has them."""
        await asyncio.to_thread(keys.drop_conflicts)
        self.keys = keys
        self.set_keymap(keys.keymap)
        self.keys_signal.publish(keys)
        for one in keys.problems[:NOTES]:
            words = f"keys.{one.command}: {one.message}\n{one.mend}"
            self.notify(words, severity="warning", timeout=10)

    def sign_of(self, command: type[Command]) -> str:
        """How the key of a command is shown; an empty text for one that has none."""
        return self.glyphs.key(self.keys.sign(command))

    def key_of(self, command: type[Command], *, typing: bool = False) -> str:
        """How a sentence names the key of a command; one without a key stands in the palette."""
        sign = ASCII.key(self.keys.sign(command, typing=typing))
        return sign or f"{self.sign_of(Commands)}, {command.title()},"

    async def on_event(self, event: events.Event) -> None:
        """Take the first words away at the first key or click, which does its own work too."""
        if self.greeting and isinstance(event, events.Key | events.MouseDown):
            self._greet(shown=False)
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            if self._quits_early(event):
                self.exit(0)
            self._keyboard.take(event)
        elif isinstance(event, events.MouseEvent) and not self.opened.is_set():
            if isinstance(event, events.MouseDown | events.MouseUp):
                self._clicked.append(event)
        else:
            await super().on_event(event)

    def _quits_early(self, event: events.Key | events.Paste) -> bool:
        """Whether a person has enough of waiting for the home; what types a letter is no answer."""
        if self.opened.is_set() or not isinstance(event, events.Key):
            return False
        return event.key in self.keys.of(Quit) and character_of(event.key) is None

    async def _answered(self) -> None:
        answered = getattr(self.screen, "answered", None)
        if answered is not None:
            await answered()

    async def _typed(self, typed: Typed) -> None:
        if isinstance(typed, events.Key) and self.screen.maximized is None:
            self.app_focus = True
            await press(self, typed)
        else:
            await super().on_event(typed)

    def greet(self) -> None:
        """Show the first words, above the catalogue."""
        self._greet(shown=True)

    def _greet(self, *, shown: bool) -> None:
        self.greeting = shown
        self.greeting_signal.publish(shown)

    async def on_unmount(self) -> None:
        """Let another process look after the schedule, and SIGTERM end what still closes.

        A closed terminal sends SIGHUP twice, by the kernel and by the shell; once is enough.
        """
        if self.opened.is_set():
            await self.services.scheduler.stop()
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGTERM)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def mark(self, marks: Marks) -> None:
        """Have these marked for a comparison, and no others."""
        self.marks = marks
        self.marks_signal.publish(marks)

    def _handle_exception(self, error: Exception) -> None:
        """Note what goes wrong in something that is going already, where it harms nobody."""
        part = active_message_pump.get(None)
        if self._exit or (isinstance(part, Widget) and part._pruning):
            _log.warning("a part of the screen that closed", exc_info=error)
        else:
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End after a fault of our own; its details are for the log, not for the terminal."""
        from rich.text import Text

        _log.critical("the screen ended by a fault of the program", exc_info=True)
        self.bell()
        fault = sys.exc_info()[0]
        name = fault.__name__ if fault is not None else "unknown"
        logs = clean(str(self.configuration.paths.logs), 1000)
        self._exit_renderables.append(
            Text(f"tui-hub ended by a fault of its own ({name}); the log in {logs} tells more.")
        )
        self._close_messages_no_wait()

    def _prune(self, *nodes: Widget, parent: DOMNode | None = None) -> AwaitRemove:
        """Stop the workers of what goes before its children go, so that none of them misses one."""
        for node in nodes:
            for one in node.walk_children(Widget, with_self=True):
                self.workers.cancel_node(one)
        return super()._prune(*nodes, parent=parent)


async def run_screen(
    configuration: Configuration, opening: Opening, demo: bool = False, temporary: bool = False
) -> int:
    """Show the screen until the user leaves it; the exit code of the program.

    Raises:
        HubError: when the home cannot be opened.
    """
    app = HubApp(configuration, opening, demo, temporary)
    app.steps_aside = True
    result = await app.run_async()
    await app.changes.close()
    if app.unopened is not None:
        raise app.unopened
    code = (app.return_code or 0) if result is None else result
    if code == _SIGNALS[signal.SIGHUP]:
        let_go_of_terminal()
    return code
