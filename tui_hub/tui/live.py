"""What the frame and several screens show of the background, as one frozen snapshot.

Events of this process say what to read again; a slow poll finds what other processes did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import field, replace
from typing import TYPE_CHECKING

from tui_hub.domain.feeds import FeedState
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.jobs import JobStatus
from tui_hub.domain.schedule import Schedule
from tui_hub.events import (
    CatalogueChanged,
    ChangesSeen,
    DownloadChanged,
    Event,
    FeedChanged,
    FeedsChanged,
    ScheduleChanged,
    SlotChanged,
    SwapMoved,
)

if TYPE_CHECKING:
    from tui_hub.domain.downloads import Download
    from tui_hub.domain.feeds import FeedStatus
    from tui_hub.domain.slots import Slot
    from tui_hub.domain.swaps import SwapPicture
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services

_FEW = 2
"""Downloads up to which each is followed at the full rate; more share it, to spare the link."""
POLL = 3.0
"""Seconds between looks at what other processes do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapFailure:
    """A change of a slot that failed, in words that stay until a person has seen them."""

    type: ModelType
    model: str
    """What should have come."""
    error: str
    hint: str | None
    outcome: str
    """What stands in the slot now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The background at one moment."""

    downloads: tuple[Download, ...] = ()
    slots: tuple[Slot, ...] = ()
    swaps: tuple[SwapPicture, ...] = ()
    """The changes of slots that go on, those of this process first."""
    failures: tuple[SwapFailure, ...] = ()
    """The changes that failed, one for each slot at most, until somebody has seen them."""
    feeds: tuple[FeedStatus, ...] = ()
    schedule: Schedule = field(default_factory=Schedule)
    total: int | None = None
    """Models in the catalogue; `None` before the first look."""
    fresh: int = 0
    """Models that are new since a person last looked at the feed of changes."""
    newest: int = 0
    """The number of the newest change."""
    aside: frozenset[str] = frozenset()
    """Jobs of failed downloads that a person put aside."""

    @property
    def running(self) -> tuple[Download, ...]:
        """The downloads that move."""
        return tuple(d for d in self.downloads if d.status is JobStatus.RUNNING)

    def under_way(self, model: str) -> tuple[Download, ...]:
        """The downloads of a model that have not ended: they move, wait or rest."""
        return tuple(d for d in self.downloads if d.model == model and not d.status.ended)

    @property
    def failed(self) -> tuple[Download, ...]:
        """The downloads that failed and still stand there."""
        failed = JobStatus.FAILED
        return tuple(d for d in self.downloads if d.status is failed and d.job not in self.aside)

    def ended_since(self, before: Live) -> tuple[Download, ...]:
        """The downloads that were completed or failed since an earlier moment."""
        then = {one.job: one.status for one in before.downloads}
        ends = (JobStatus.COMPLETED, JobStatus.FAILED)
        return tuple(
            one for one in self.downloads if one.status in ends and then.get(one.job) not in ends
        )

    @property
    def syncing(self) -> tuple[FeedStatus, ...]:
        """The feeds that are being brought up to date."""
        return tuple(feed for feed in self.feeds if feed.state is FeedState.RUNNING)

    @property
    def failed_feeds(self) -> tuple[FeedStatus, ...]:
        """The feeds whose last sync failed."""
        return tuple(feed for feed in self.feeds if feed.state is FeedState.FAILED)

    @property
    def last_sync(self) -> str | None:
        """When the newest successful sync of a feed ended."""
        return max((feed.last_success for feed in self.feeds if feed.last_success), default=None)

    @property
    def next_run(self) -> str | None:
        """When the next feed's turn is; `None` while no process sees to it."""
        if self.schedule.holder is None:
            return None
        return min((feed.next_run for feed in self.feeds if feed.next_run), default=None)


class LiveState:
    """Keeps the snapshot up to date, and tells when it became another one."""

    def __init__(self, services: Services, rate: float, changed: Callable[[Live], None]) -> None:
        self._services = services
        self._interval = 1 / rate
        self._changed = changed
        self.now = Live()
        self._foreign: int | None = None
        self._elsewhere: tuple[SwapPicture, ...] = ()
        """The changes of slots that other processes are at, by the last look."""
        self.pulsing = False
        """Whether moving figures are being read at the screen's rate."""

    async def look(self) -> None:
        """Read everything."""
        await self._read_downloads()
        await self._read_slots()
        self._elsewhere = await self._services.activation.swaps_elsewhere()
        self._read_swaps()
        await self._read_feeds()
        await self._read_schedule()
        await self._read_total()
        await self._read_changes()
        changes = await self._services.catalogue.foreign_changes()
        if changes != self._foreign:
            if self._foreign is not None:
                self._services.bus.publish(CatalogueChanged())
            self._foreign = changes

    async def take(self, event: Event) -> None:
        """Read again what an event says has changed."""
        match event:
            case DownloadChanged() if not self.pulsing:
                await self._read_downloads()
            case SlotChanged():
                await self._read_slots()
            case SwapMoved():
                self._read_swaps()
            case FeedChanged() | FeedsChanged():
                await self._read_feeds()
            case ScheduleChanged():
                await self._read_schedule()
            case CatalogueChanged():
                await self._read_total()
            case ChangesSeen():
                await self._read_changes()

    async def pulse(self) -> None:
        """Read moving figures at the screen's rate, for as long as any move."""
        if self.pulsing:
            return
        self.pulsing = True
        try:
            while self.now.running:
                await asyncio.sleep(self._interval * max(1.0, len(self.now.running) / _FEW))
                await self._read_downloads()
        finally:
            self.pulsing = False

    def put_aside(self, job: str) -> None:
        """A person wants to see no more of a download that failed, until it is tried again."""
        self._put(replace(self.now, aside=self.now.aside | {job}))

    def put_failure(self, failure: SwapFailure) -> None:
        """A change of a slot failed."""
        self.forget_failure(failure.type)
        self._put(replace(self.now, failures=(*self.now.failures, failure)))

    def forget_failure(self, kind: ModelType) -> None:
        """A person has seen what failed, or something else began since."""
        kept = tuple(one for one in self.now.failures if one.type is not kind)
        self._put(replace(self.now, failures=kept))

    async def _read_downloads(self) -> None:
        downloads = await self._services.downloads.current()
        failed = {one.job for one in downloads if one.status is JobStatus.FAILED}
        self._put(replace(self.now, downloads=downloads, aside=self.now.aside & failed))

    async def _read_slots(self) -> None:
        # Asked for before `now` is looked at, which may be another one after the wait.
        slots = await self._services.activation.slots()
        self._put(replace(self.now, slots=slots))

    def _read_swaps(self) -> None:
        here = self._services.activation.swaps()
        own = {one.type for one in here}
        others = (one for one in self._elsewhere if one.type not in own)
        self._put(replace(self.now, swaps=(*here, *others)))

    async def _read_feeds(self) -> None:
        feeds = await self._services.sync.status()
        self._put(replace(self.now, feeds=feeds))

    async def _read_schedule(self) -> None:
        schedule = await self._services.scheduler.state()
        self._put(replace(self.now, schedule=schedule))

    async def _read_total(self) -> None:
        total = await self._services.catalogue.total()
        self._put(replace(self.now, total=total))

    async def _read_changes(self) -> None:
        newest, fresh = await self._services.changes.last(), await self._services.changes.unseen()
        self._put(replace(self.now, newest=newest, fresh=fresh))

    def _put(self, live: Live) -> None:
        if live != self.now:
            self.now = live
            self._changed(live)
