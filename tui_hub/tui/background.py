"""The part of the program that follows the services while the screen is up."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textual import work
from textual.app import App
from textual.notifications import SeverityLevel
from textual.signal import Signal

from tui_hub import text
from tui_hub.domain.errors import HubError
from tui_hub.domain.jobs import JobStatus
from tui_hub.events import DownloadChanged, QuotaExceeded
from tui_hub.tui.command import Command
from tui_hub.tui.commands import ShowDownloads
from tui_hub.tui.live import POLL, Live
from tui_hub.tui.signals import EventSignal
from tui_hub.tui.terminal.driver import TerminalDriver
from tui_hub.tui.words.hints import on_screen

if TYPE_CHECKING:
    from tui_hub.services import Services
    from tui_hub.settings import Configuration

Opening = Callable[[], Awaitable["Services"]]
"""Opens the home; called once the first frame is out."""


class BackgroundApp(App[int]):
    """Carries events to whoever listens, keeps the snapshot, and starts the schedule."""

    services: Services
    """Everything the program can do. There once the home is open."""

    def __init__(self, configuration: Configuration, opening: Opening) -> None:
        plain = True if "NO_COLOR" in os.environ else None
        super().__init__(driver_class=TerminalDriver, ansi_color=plain)
        self.configuration = configuration
        self._opening = opening
        self.opened = asyncio.Event()
        """The home is open."""
        self.unopened: Exception | None = None
        """Why it could not be opened."""
        self.over_ssh = bool(configuration.environment.get("SSH_CONNECTION"))
        self.live_signal: Signal[Live] = Signal(self, "live")
        """Carries the snapshot whenever it became another one."""
        self.event_signal = EventSignal(self, "event")
        """Carries the events of the services."""
        self.steps_aside = False
        """Whether large files are moved by a process of their own, for the screen to stay quick."""
        self._before = Live()

    @property
    def live(self) -> Live:
        """The background as it is now."""
        return self.live_state.now if self.opened.is_set() else self._before

    @work(group="opening")
    async def open_home(self) -> None:
        """Open the home, and begin everything that needs it; where that fails, end."""
        try:
            services = await self._opening()
        except Exception as error:  # whatever it is, the command line tells it
            self.unopened = error
            self.exit()
        else:
            self._take(services)
            self.opened.set()
            self.call_later(self.begin)

    def _take(self, services: Services) -> None:
        from tui_hub.tui.live import LiveState
        from tui_hub.tui.words.news import News

        self.services = services
        rate = self.configuration.settings.screen.rate or (4.0 if self.over_ssh else 8.0)
        self.live_state = LiveState(services, rate, self._live_changed)
        self.news = News(services)

    def begin(self) -> None:
        """Begin everything slow. Called once the home is open."""
        if self.steps_aside:
            self.services.downloads.step_aside()
        self.services.hardware.start()
        self.follow_events()
        self.fill_empty()
        self.tell_of_damage()
        self.look()
        self.set_interval(POLL, self.look)
        self.settle()
        self.services.scheduler.start()

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
                if isinstance(event, QuotaExceeded):
                    words = f"The store holds {text.size(event.used)}, over its quota of "
                    words += f"{text.size(event.quota)}; the storage screen helps to make room"
                    self.notify(words, severity="warning", timeout=8)
                if isinstance(event, DownloadChanged) and self.live.running:
                    self.pulse()

    @work(group="look", exclusive=True)
    async def look(self) -> None:
        """See what other processes of this home do, and go on with what nobody does."""
        with self.reporting():
            count = await self.services.agent.tend()
            if count:
                words = "1 download goes" if count == 1 else f"{count} downloads go"
                self.notify(f"{words} on; {self.key_of(ShowDownloads)} shows what moves")
            await self.live_state.look()
            for words, severity in await self.news.since_last(self.live):
                self.notify(self.advice(words), severity=severity, timeout=8)
        if self.live.running:
            self.pulse()

    @work(group="settle")
    async def settle(self) -> None:
        """Settle what crashes left of changes of slots; loading a model again takes its time."""
        await self.services.agent.settle()

    def key_of(self, command: type[Command], *, typing: bool = False) -> str:
        """How a sentence names the key of a command."""
        raise NotImplementedError

    def pulse(self) -> None:
        """Keep the moving figures moving; they stop by themselves."""
        if not self.live_state.pulsing:
            self.run_worker(self._pulse(), group="pulse")

    async def _pulse(self) -> None:
        with self.reporting():
            await self.live_state.pulse()

    def greet(self) -> None:
        """Welcome a person whose home is new."""
        raise NotImplementedError

    @work(group="sync")
    async def fill_empty(self) -> None:
        """Show what ships with the program while there is nothing else to show."""
        with self.reporting():
            if await self.services.greeting.due():
                await self.services.greeting.done()
                self.greet()
            if await self.services.catalogue.total() == 0:
                shipped = [feed.name for feed in self.services.sync.feeds() if not feed.networked]
                await self.services.sync.run(shipped)

    @work(group="damage")
    async def tell_of_damage(self) -> None:
        """Say once that a damaged catalogue was put aside."""
        words = await self.services.catalogue.put_aside()
        if words is not None:
            self.notify(words, severity="warning", timeout=15)

    def _live_changed(self, live: Live) -> None:
        before, self._before = self._before, live
        self.live_signal.publish(live)
        if not self.shows_downloads:
            from tui_hub.tui.words.download import how_it_ended

            for one in live.ended_since(before):
                failed = one.status is JobStatus.FAILED
                severity: SeverityLevel = "error" if failed else "information"
                words = how_it_ended(one, self.key_of, self.advice)
                self.notify(words, severity=severity, timeout=8)

    @property
    def shows_downloads(self) -> bool:
        """Whether the list of downloads is in front, where their ends are seen anyway."""
        return self.current_mode == "downloads" and len(self.screen_stack) == 1

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Show an error that a person has to know about, and go on."""
        try:
            yield
        except HubError as error:
            self.report(error)

    def report(self, error: HubError) -> None:
        """Say what failed, why, and what to do about it."""
        words = "\n".join(filter(None, (error.message, self.advice(error.hint))))
        self.notify(words, severity="error", timeout=8)

    def advice(self, hint: str | None, here: str = "") -> str:
        """What an error advises, with the keys of the screen; nothing where it advises nothing.

        Args:
            hint: its advice.
            here: the screen that it is read on, whose keys need no place.
        """
        if not hint:
            return ""
        return self.configuration.invocation.advice(on_screen(hint, self.key_of, here))
