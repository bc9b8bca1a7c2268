"""The screen as a whole: modes, themes, the worker that follows events, and a clean end."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import TYPE_CHECKING

from textual import events, work
from textual._context import active_message_pump
from textual.await_remove import AwaitRemove
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.notifications import Notify, SeverityLevel
from textual.signal import Signal
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import WorkerFailed, get_current_worker

from tui_hub.domain.jobs import JobStatus
from tui_hub.text import clean
from tui_hub.tui.background import BackgroundApp
from tui_hub.tui.command import Command, bindings
from tui_hub.tui.commands import EVERYWHERE, ChangeTheme
from tui_hub.tui.glyphs import ASCII, UNICODE
from tui_hub.tui.keys import Keys
from tui_hub.tui.marks import Marks
from tui_hub.tui.modes import MODES
from tui_hub.tui.palette import HubCommands
from tui_hub.tui.slot_changes import SlotChanges
from tui_hub.tui.terminal_output import let_go_of_terminal
from tui_hub.tui.themes import DARK, THEMES

if TYPE_CHECKING:
    from tui_hub.services import Services

_log = logging.getLogger(__name__)

LEAST_WIDTH, LEAST_HEIGHT = 60, 14
"""Cells of the smallest terminal that the screens are drawn on."""

NOTES = 3
"""Notes on screen at once; an older one gives way."""
HINT_SECONDS = 3.0
"""How long a hint stays, by which it is told from other notes too."""

_SIGNALS = {signal.SIGHUP: 129, signal.SIGTERM: 143}
"""What ends the program from outside, and the exit code that says so: 128 and the number."""


class HubApp(BackgroundApp):
    """The terminal screen over one open home. Whoever made the services closes them."""

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

    def __init__(self, services: Services, demo: bool = False, temporary: bool = False) -> None:
        super().__init__(services)
        self.demo = demo
        self.temporary = temporary
        """Whether the home is removed at the end."""
        self.changes = SlotChanges(self)
        """The changes of slots that go on, whatever screen is in front."""
        self.marks = Marks()
        self.marks_signal: Signal[Marks] = Signal(self, "marks")
        """Carries what is marked for a comparison whenever that changes."""
        screen = services.configuration.settings.screen
        self.glyphs = ASCII if screen.ascii else UNICODE
        self.greeting = False
        """Whether the first words are on the screen of the catalogue."""
        self.greeting_signal: Signal[bool] = Signal(self, "greeting")
        """Carries that whenever it changes."""
        self.keys = Keys(services.configuration.settings.keys)
        self.set_keymap(self.keys.keymap)
        self._set_up_look(screen.theme, screen.ascii)

    def _set_up_look(self, theme: str, ascii_only: bool) -> None:
        for own in THEMES:
            self.register_theme(own)
        self.theme = theme if theme in self.available_themes else DARK.name
        self.animation_level = "none" if self.over_ssh else "basic"
        self.set_class(ascii_only, "-ascii")

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
        """Begin everything slow once the first frame is out."""
        wanted = self.services.configuration.settings.screen.theme
        if wanted and wanted not in self.available_themes:
            key = self.key_of(ChangeTheme)
            self.notify(f"There is no theme {wanted!r}: {key} shows those that there are.")
        self.call_after_refresh(self.begin)
        if self.services.configuration.settings.keys:
            self.call_after_refresh(self.check_keys)

    @work(group="keys")
    async def check_keys(self) -> None:
        """Say which keys of the settings cannot count; those stay as the program has them."""
        await asyncio.to_thread(self.keys.drop_conflicts)
        self.set_keymap(self.keys.keymap)
        for one in self.keys.problems[:NOTES]:
            words = f"keys.{one.command}: {one.message}\n{one.mend}"
            self.notify(words, severity="warning", timeout=10)

    def key_of(self, command: type[Command]) -> str:
        """How the key of a command is shown."""
        return self.glyphs.key(self.keys.sign(command))

    async def on_event(self, event: events.Event) -> None:
        """Take the first words away at the first key or click, which does its own work too."""
        if self.greeting and isinstance(event, events.Key | events.MouseDown):
            self._greet(shown=False)
        await super().on_event(event)

    async def on_unmount(self) -> None:
        """Let another process look after the schedule, and SIGTERM end what still closes.

        A closed terminal sends SIGHUP twice, by the kernel and by the shell; once is enough.
        """
        await self.services.scheduler.stop()
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGTERM)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a note. What it says is text, never markup."""
        message = clean(message, 600, lines=True)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    def on_notify(self, event: Notify) -> None:
        """Make room for a note: equal ones, hints before a hint, and the oldest give way."""
        new = event.notification
        stays = [
            one
            for one in self._notifications
            if one.message != new.message and not (new.timeout == one.timeout == HINT_SECONDS)
        ][1 - NOTES :]
        for one in [one for one in self._notifications if one not in stays]:
            self._unnotify(one, refresh=False)

    def mark(self, marks: Marks) -> None:
        """Have these marked for a comparison, and no others."""
        self.marks = marks
        self.marks_signal.publish(marks)

    def hint(self, message: str) -> None:
        """Say in a few words why a key does nothing here, in place of the last such words."""
        self.notify(message, timeout=HINT_SECONDS)

    def _handle_exception(self, error: Exception) -> None:
        """Go on where something stumbled only because what it belongs to was closed meanwhile."""
        node: object = active_message_pump.get(None)
        cause: object = error
        if isinstance(error, WorkerFailed):
            node, cause = get_current_worker().node, error.error
        closed = isinstance(node, DOMNode) and not node.display
        if not (closed and isinstance(cause, NoMatches)):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End after a fault of our own; its details are for the log, not for the terminal."""
        from rich.text import Text

        _log.critical("the screen ended by a fault of the program", exc_info=True)
        self.bell()
        fault = sys.exc_info()[0]
        name = fault.__name__ if fault is not None else "unknown"
        logs = clean(str(self.services.configuration.paths.logs), 1000)
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

    async def action_show_mode(self, mode: str) -> None:
        """Go to one of the main screens; from a page on top of it, back down to it."""
        await self.switch_mode(mode)
        while len(self.screen_stack) > 1:
            await self.pop_screen()

    async def action_do_there(self, mode: str, action: str) -> None:
        """Go to one of the main screens, then do something there or on its model's page."""
        await self.action_show_mode(mode)
        self.call_after_refresh(self._do_here, action, True)

    async def _do_here(self, action: str, may_open: bool) -> None:
        if hasattr(self.screen, f"action_{action.partition('(')[0]}"):
            await self.screen.run_action(action)
        elif may_open:
            await self.screen.run_action("choose")
            self.call_after_refresh(self._do_here, action, False)

    def greet(self) -> None:
        """Show the first words, above the catalogue."""
        self._greet(shown=True)

    def _greet(self, *, shown: bool) -> None:
        self.greeting = shown
        self.greeting_signal.publish(shown)

    def action_change_theme(self) -> None:
        """Show the themes, and write the one that is taken into the settings file."""
        self.choose_theme()

    @work(group="edit", exclusive=True)
    async def choose_theme(self) -> None:
        """Ask for a theme, and keep it."""
        from tui_hub.tui.screens.theme import ThemeDialog

        name = await self.push_screen_wait(ThemeDialog())
        if name is not None:
            with self.reporting():
                await self.services.preferences.set("screen.theme", name)

    @work(group="copy", exclusive=True)
    async def action_copy_something(self) -> None:
        """Have the terminal take the id, an address or whatever else the screen has to copy."""
        from tui_hub.tui.screens.base import HubScreen
        from tui_hub.tui.screens.copy import CopyDialog

        screen = self.screen
        with self.reporting():
            offered = await screen.copyables() if isinstance(screen, HubScreen) else []
            if not offered:
                self.hint("There is nothing to copy here.")
                return
            chosen = await self.push_screen_wait(CopyDialog(offered))
            if chosen is not None:
                self.copy_to_clipboard(chosen.value)
                self.notify(f"Sent to the terminal's clipboard: {chosen.value}", timeout=5)

    @work(group="jump", exclusive=True)
    async def action_jump(self) -> None:
        """Put letters on the places of this screen, and go to the one that is named."""
        from tui_hub.tui.screens.jump import JumpScreen, places

        place = await self.push_screen_wait(JumpScreen(places(self.screen)))
        if place is not None:
            place.go()

    async def action_search(self) -> None:
        """Go to the search box, from wherever."""
        await self.action_show_mode("browse")
        await self.screen.run_action("focus_search")

    def action_show_help(self) -> None:
        """Show the keys of this screen."""
        from tui_hub.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def action_help_quit(self) -> None:
        """Say how to leave: people press ctrl+c for it."""
        typing = isinstance(self.focused, Input)
        self.hint("ctrl+q quits" if typing else "q quits")

    @work(group="add", exclusive=True)
    async def action_add_model(self) -> None:
        """Ask for a model, and open its page."""
        from tui_hub.tui.adding import ask_for_model
        from tui_hub.tui.screens.model import ModelScreen

        with self.reporting():
            model = await ask_for_model(self)
            if model is not None:
                self.push_screen(ModelScreen(model))

    async def action_go_back(self) -> None:
        """Close the screen on top, or go back to the catalogue."""
        if len(self.screen_stack) > 1:
            await self.pop_screen()
        else:
            await self.switch_mode("browse")

    async def action_quit(self) -> None:
        """End; a second time, without waiting for an answer."""
        if any(worker.group == "quit" for worker in self.workers):
            self.exit(0)
        else:
            self.ask_to_quit()

    @work(group="quit")
    async def ask_to_quit(self) -> None:
        """End, but ask first when that would stop a download or a change of this process."""
        from tui_hub.tui.screens.confirm import quit_question

        moving = (JobStatus.RUNNING, JobStatus.PENDING)
        running = [one for one in self.live.downloads if one.local and one.status in moving]
        swaps = self.services.activation.swaps()
        if running or swaps:
            agent = await self.services.agent.holder()
            question = quit_question(
                running, swaps, agent=agent is not None, temporary=self.temporary
            )
            if not await self.push_screen_wait(question):
                return
        self.exit(0)


async def run_screen(services: Services, demo: bool = False, temporary: bool = False) -> int:
    """Show the screen until the user leaves it; the exit code of the program."""
    app = HubApp(services, demo, temporary)
    result = await app.run_async()
    await app.changes.close()
    code = (app.return_code or 0) if result is None else result
    if code == _SIGNALS[signal.SIGHUP]:
        let_go_of_terminal()
    return code
