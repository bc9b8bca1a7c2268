"""The screen as a whole: modes, themes, the worker that follows events, and a clean end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.command import Provider
from textual.notifications import SeverityLevel
from textual.signal import Signal

from tui_hub.domain.errors import HubError
from tui_hub.domain.feeds import FeedState
from tui_hub.events import DownloadChanged, Event
from tui_hub.text import clean
from tui_hub.tui.commands import EVERYWHERE, bindings
from tui_hub.tui.glyphs import ASCII, UNICODE
from tui_hub.tui.live import POLL, Live, LiveState
from tui_hub.tui.modes import MODES
from tui_hub.tui.palette import HubCommands
from tui_hub.tui.themes import DARK, THEMES

if TYPE_CHECKING:
    from tui_hub.services import Services

_SIGNALS = {signal.SIGHUP: 129, signal.SIGTERM: 143}
"""What ends the program from outside, and the exit code that says so: 128 and the number."""


class HubApp(App[int]):
    """The terminal screen over one open home. Whoever made the services closes them."""

    TITLE = "tui-hub"
    CSS_PATH = "app.tcss"
    MODES = dict(MODES)  # noqa: RUF012
    DEFAULT_MODE = "browse"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {HubCommands}
    BINDINGS = bindings(*EVERYWHERE)
    BINDING_GROUP_TITLE = "Everywhere"
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [
        (0, "-narrow"),
        (100, "-normal"),
        (132, "-wide"),
    ]
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, services: Services, demo: bool = False) -> None:
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.services = services
        self.demo = demo
        screen = services.configuration.settings.screen
        self.over_ssh = bool(services.configuration.environment.get("SSH_CONNECTION"))
        self.glyphs = ASCII if screen.ascii else UNICODE
        self.live_state = LiveState(
            services, screen.rate or (4.0 if self.over_ssh else 8.0), self._live_changed
        )
        self.live_signal: Signal[Live] = Signal(self, "live")
        """Carries the snapshot whenever it became another one."""
        self.event_signal: Signal[Event] = Signal(self, "event")
        """Carries the events of the services."""
        self._set_up_look(screen.theme, screen.ascii)

    def _set_up_look(self, theme: str, ascii_only: bool) -> None:
        for own in THEMES:
            self.register_theme(own)
        self.theme = theme if theme in self.available_themes else DARK.name
        self.animation_level = "none" if self.over_ssh else "basic"
        self.set_class(ascii_only, "-ascii")

    @property
    def live(self) -> Live:
        """The background as it is now."""
        return self.live_state.now

    def on_mount(self) -> None:
        """Make sure of a clean end, and begin everything slow once the first frame is out."""
        loop = asyncio.get_running_loop()
        for number, code in _SIGNALS.items():
            loop.add_signal_handler(number, self.exit, code)
        self.call_after_refresh(self._begin)

    def on_unmount(self) -> None:
        """Give the signals back."""
        for number in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _begin(self) -> None:
        self.services.hardware.start()
        self.follow_events()
        self.set_interval(POLL, self.look)
        if self.services.configuration.settings.sync.enabled:
            self.set_timer(self.services.configuration.settings.sync.first_delay, self.first_sync)

    @work(group="events")
    async def follow_events(self) -> None:
        """Carry what the services tell to whoever listens on the screen."""
        with self.services.bus.subscribe() as events:
            with self.reporting():
                await self.live_state.look()
            async for event in events:
                self.event_signal.publish(event)
                with self.reporting():
                    await self.live_state.take(event)
                if isinstance(event, DownloadChanged) and self.live.running:
                    self.pulse()

    @work(group="look", exclusive=True)
    async def look(self) -> None:
        """See what other processes of this home do."""
        with self.reporting():
            await self.live_state.look()
        if self.live.running:
            self.pulse()

    def pulse(self) -> None:
        """Keep the moving figures moving; they stop by themselves."""
        if not any(worker.group == "pulse" for worker in self.workers):
            self.run_worker(self._pulse(), group="pulse")

    async def _pulse(self) -> None:
        with self.reporting():
            await self.live_state.pulse()

    @work(group="sync")
    async def first_sync(self) -> None:
        """Fetch the feeds that this home has never had."""
        with self.reporting():
            known = {status.feed: status for status in await self.services.sync.status()}
            waiting = [
                feed.name
                for feed in self.services.sync.feeds()
                if feed.enabled and known[feed.name].state in (FeedState.NEVER, FeedState.PARTIAL)
            ]
            if waiting:
                self.services.sync.start(waiting)

    def _live_changed(self, live: Live) -> None:
        self.live_signal.publish(live)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Show an error that a person has to know about, and go on."""
        try:
            yield
        except HubError as error:
            self.report(error)

    def report(self, error: HubError) -> None:
        """Say what failed, why, and what to do about it."""
        hint = f"\n{error.hint}" if error.hint else ""
        self.notify(f"{error.message}{hint}", severity="error", timeout=8)

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

    def _fatal_error(self) -> None:
        """End after a fault of our own without printing variables: some hold secrets."""
        from rich.segment import Segments
        from rich.traceback import Traceback

        self.bell()
        traceback = Traceback(show_locals=False, width=None)
        self._exit_renderables.append(
            Segments(self.console.render(traceback, self.console.options))
        )
        self._close_messages_no_wait()

    async def action_show_mode(self, mode: str) -> None:
        """Go to one of the main screens."""
        await self.switch_mode(mode)

    async def action_search(self) -> None:
        """Go to the search box, from wherever."""
        await self.switch_mode("browse")
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        await self.screen.run_action("focus_search")

    def action_show_help(self) -> None:
        """Show the keys of this screen."""
        from tui_hub.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    async def action_go_back(self) -> None:
        """Close the screen on top, or go back to the catalogue."""
        if len(self.screen_stack) > 1:
            await self.pop_screen()
        else:
            await self.switch_mode("browse")

    @work(group="quit", exclusive=True)
    async def action_request_quit(self) -> None:
        """End, but ask first when that would stop a download of this process."""
        from tui_hub.tui.screens.confirm import quit_question

        running = [download for download in self.live.running if download.local]
        if not running or await self.push_screen_wait(quit_question(running)):
            self.exit(0)


async def run_screen(services: Services, demo: bool = False) -> int:
    """Show the screen until the user leaves it; the exit code of the program."""
    app = HubApp(services, demo)
    result = await app.run_async()
    return app.return_code or 0 if result is None else result
