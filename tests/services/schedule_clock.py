"""A clock that moves when told to, and driving the schedule by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from homes import Configure

from tui_hub.domain.feeds import FeedStatus
from tui_hub.domain.jobs import JobType
from tui_hub.services import Services, open_services
from tui_hub.services.sync.clocks import Clock
from tui_hub.settings import Configuration
from tui_hub.sources.feeds import SHIPPED
from tui_hub.text import parse_time

PATIENCE = 60.0
SLEEPERS = 2
"""What a schedule at rest waits for: its next look, and the next at the settings file."""
QUIET = 0.1
"""Seconds without anything happening that count as rest."""
FIRST = 2.0
START = datetime(2031, 3, 7, 12, 0, tzinfo=UTC)
"""In years to come, so that no alarm of the real clock rings."""

FEEDS = ("hf:litert", "hf:text-generation")
"""The feeds that the homes of these tests keep: one with a cron expression, one without."""


class FakeClock:
    """A wall clock, the time that really passes, and sleepers that wait for it."""

    def __init__(self, now: datetime = START, chance: float = 0.5) -> None:
        self.now = now
        self.elapsed = 1000.0
        self._sleepers: list[asyncio.Future[None]] = []
        self.clock = Clock(
            now=lambda: self.now,
            elapsed=lambda: self.elapsed,
            sleep=self._sleep,
            random=lambda: chance,
        )

    @property
    def sleepers(self) -> int:
        """How many wait."""
        return len(self._sleepers)

    def pass_by(self, seconds: float) -> None:
        """Let time pass that no sleeper sees, as in a suspended box."""
        self.elapsed += seconds
        self.now += timedelta(seconds=seconds)

    def set(self, seconds: float) -> None:
        """Set the wall clock forward, or back."""
        self.now += timedelta(seconds=seconds)

    def tick(self) -> None:
        """Let every sleeper go on."""
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    async def _sleep(self, seconds: float) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append(sleeper)
        try:
            await sleeper
        finally:
            self._sleepers.remove(sleeper)


@dataclass
class Driver:
    """A home whose schedule goes by a fake clock."""

    services: Services
    time: FakeClock
    seen: int = 0
    """Syncs that `new_syncs` has told."""

    async def rests(self) -> None:
        """Wait until the schedule has done what was to do, and only waits."""
        loop = asyncio.get_running_loop()
        deadline = quiet = loop.time()
        deadline += PATIENCE
        while loop.time() - quiet < QUIET:
            assert loop.time() < deadline, "the schedule does not come to rest"
            await asyncio.sleep(0.005)
            if self.services.sync.running or self.time.sleepers < SLEEPERS:
                quiet = loop.time()

    async def after(self, seconds: float) -> list[list[str]]:
        """Let time pass; the syncs that came of it."""
        self.time.pass_by(seconds)
        return await self.tick()

    async def tick(self) -> list[list[str]]:
        """Let the schedule look; the syncs that came of it."""
        self.time.tick()
        return await self.new_syncs()

    async def until_next(self) -> list[list[str]]:
        """Let time pass up to the next turn; the syncs that came of it."""
        turns = [parse_time(one.next_run) for one in await self.statuses()]
        wait = (min(turn for turn in turns if turn) - self.time.now).total_seconds()
        return await self.after(wait)

    async def new_syncs(self) -> list[list[str]]:
        """The feeds of each sync since this was asked last, oldest first."""
        await self.rests()
        jobs = await self.services.jobs.list((JobType.SYNC,), limit=10_000)
        told, self.seen = self.seen, len(jobs)
        return [list(job.payload["feeds"]) for job in jobs[::-1][told:]]  # type: ignore[call-overload]

    async def statuses(self) -> list[FeedStatus]:
        """What is known of the feeds."""
        return [one for one in await self.services.sync.status() if one.feed in FEEDS]

    async def status(self, feed: str) -> FeedStatus:
        """What is known of one feed."""
        return next(one for one in await self.statuses() if one.feed == feed)

    async def hours(self, feed: str) -> float:
        """How far away a feed's next turn is."""
        moment = parse_time((await self.status(feed)).next_run)
        assert moment is not None
        return (moment - self.time.now).total_seconds() / 3600


def two_feeds(configure: Configure, more: str = "", **environment: str) -> Configuration:
    """A home that keeps two feeds, and never asks a server twice."""
    configuration = configure()
    names: Sequence[str] = [feed.name for feed in SHIPPED if feed.name not in FEEDS]
    lines = [f'[feeds."{name}"]\nenabled = false\n' for name in names]
    configuration.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    configuration.paths.config_file.write_text("".join(lines) + more)
    return configure(TUI_HUB_NETWORK__RETRIES="0", **environment)


@asynccontextmanager
async def scheduled(configuration: Configuration, time: FakeClock) -> AsyncIterator[Driver]:
    """Open a home and start its schedule; it waits for its first sync then."""
    async with open_services(configuration, time.clock) as services:
        driver = Driver(services, time)
        services.scheduler.start()
        await driver.new_syncs()
        yield driver
