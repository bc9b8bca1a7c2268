"""The schedule: one process of a home runs the feeds at their times, the others stand by."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tui_hub import processes, text
from tui_hub.domain.errors import HubError, InterruptedJobError
from tui_hub.domain.schedule import Schedule
from tui_hub.events import ScheduleChanged
from tui_hub.services.context import Context
from tui_hub.services.sync.feed_list import FeedList
from tui_hub.services.sync.run import lease_is_held
from tui_hub.services.sync.service import Sync

if TYPE_CHECKING:
    from tui_hub.services.sync.alarms import Alarms

LEASE = "schedule"
_LEASE_SECONDS = 60.0
_LOOK_SECONDS = 10.0
"""Between two looks at the clocks, the lease, and what other processes did to the feeds."""
_SETTINGS_SECONDS = 2.0
"""Between two looks whether the settings file changed: no more than its stat."""
_BUSY_SECONDS = 2.0
"""Between two looks while feeds wait for the end of another process's sync."""
_JUMP_SECONDS = 2.0
"""A wall clock that moved more than this against real time was set; less is its drift."""

_log = logging.getLogger(__name__)


class Scheduler:
    """Runs feeds when their turns come, for as long as this process holds the schedule's lease.

    APScheduler rings at the times that the feeds' rows tell; then, and every few seconds, one look
    at the rows and the clock decides. So a clock that was set, a suspended box or a sync by another
    process cost no turn: APScheduler alone sleeps until the wall clock comes to the time it noted.
    """

    def __init__(self, context: Context, sync: Sync, known: FeedList) -> None:
        self._context = context
        self._clock = context.clock
        self._sync = sync
        self._known = known
        self._begins = 0.0
        """When the first sync may start, by `Clock.elapsed`."""
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._syncing: asyncio.Task[None] | None = None
        self._ours = False
        self._offset = 0.0
        """Of the wall clock against `Clock.elapsed`, as it was last seen to be set."""

    def start(self) -> None:
        """Hold the schedule or stand by, until `stop`, and follow the settings file.

        Where the settings turn the schedule off, it waits until they turn it on.
        """
        if not self._tasks:
            self._begins = self._clock.elapsed() + self._known.settings.sync.first_delay
            self._tasks = [
                asyncio.create_task(self._serve(), name="scheduler"),
                asyncio.create_task(self._follow_settings(), name="settings"),
            ]

    async def stop(self) -> None:
        """Let another process take over. A sync that runs is not touched."""
        running = [task for task in self._tasks if task.cancel()]
        self._tasks = []
        await asyncio.gather(*running, return_exceptions=True)

    async def state(self) -> Schedule:
        """Who runs the feeds at their times."""
        holder = await self._context.hub.leases.living(LEASE, processes.alive, _LEASE_SECONDS)
        return Schedule(holder=holder, ours=self._ours, off=self._off())

    def _off(self) -> str | None:
        settings = self._known.settings
        if not settings.sync.enabled:
            return "the settings turn it off (sync.enabled)"
        return "offline: nothing is synced" if self._context.configuration.offline else None

    async def _follow_settings(self) -> None:
        """Notice what changes in the settings file, whoever changes it."""
        while True:
            await self._clock.sleep(_SETTINGS_SECONDS)
            try:
                changed = await self._known.look()
                if self._ours:
                    await self._sync.bring_forward(changed)
            except Exception:
                _log.exception("the settings file could not be looked at")

    async def _serve(self) -> None:
        while True:
            try:
                if self._off() is None:
                    await self._try_to_hold()
            except HubError as error:
                _log.warning("the schedule stopped for a while: %s", error.message)
            except Exception:
                _log.exception("the schedule stumbled over a fault of the program")
            await self._pause(_LOOK_SECONDS)

    async def _try_to_hold(self) -> None:
        leases, owner = self._context.hub.leases, self._context.owner
        fence = await leases.acquire(LEASE, owner, processes.alive, _LEASE_SECONDS)
        if fence is not None:
            try:
                await self._hold(fence)
            finally:
                await asyncio.shield(leases.release(LEASE, fence))

    async def _hold(self, fence: int) -> None:
        """Run the feeds until the lease is lost, or the settings turn the schedule off."""
        alarms = (await asyncio.to_thread(_load_alarms))(self._wake.set)
        self._tell(ours=True)
        try:
            self._offset = self._measure_offset()
            if not await lease_is_held(self._context):
                await self._sync.turns.begin()
            while await self._context.hub.leases.renew(LEASE, fence):
                await self._pause(await self._look(alarms))
                if self._off() is not None:
                    return
            _log.warning("another process took the schedule over while this one was silent")
        finally:
            alarms.close()
            self._tell(ours=False)

    async def _look(self, alarms: Alarms) -> float:
        """Start what is due; the seconds until the next look."""
        turns, now = self._sync.turns, self._clock.now()
        await self._sync.bring_forward()
        statuses = await turns.check(self._set_back())
        times = {status.feed: text.parse_time(status.next_run) for status in statuses}
        alarms.set({name: at for name, at in times.items() if at is not None and at > now})
        early = self._begins - self._clock.elapsed()
        if early > 0:
            return min(early, _LOOK_SECONDS)
        due = [status.feed for status in statuses if turns.timetable.is_due(status, now)]
        due += await self._sync.registered.due()
        if not due or (self._syncing is not None and not self._syncing.done()):
            return _LOOK_SECONDS
        if not self._sync.running and await lease_is_held(self._context):
            return _BUSY_SECONDS
        self._syncing = asyncio.create_task(self._run(due), name="scheduled sync")
        return _LOOK_SECONDS

    async def _run(self, feeds: list[str]) -> None:
        """Sync feeds whose turns have come, as one sync, after the one that runs here already."""
        try:
            await self._sync.run(feeds)
        except InterruptedJobError:
            _log.info("the scheduled sync was cancelled")
        except HubError as error:
            _log.warning("the scheduled sync could not be done: %s", error.message)
            await self._sync.turns.failed(feeds)
        except Exception:
            _log.exception("the scheduled sync could not be done")
            await self._sync.turns.failed(feeds)
        finally:
            self._wake.set()

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until something rings."""
        waits = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._wake.wait()),
            asyncio.ensure_future(self._known.changed.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._wake.clear()
        self._known.changed.clear()

    def _measure_offset(self) -> float:
        return self._clock.now().timestamp() - self._clock.elapsed()

    def _set_back(self) -> float:
        """Seconds that the wall clock was set back since this was asked last."""
        offset = self._measure_offset()
        change = offset - self._offset
        if abs(change) <= _JUMP_SECONDS:
            return 0.0
        _log.info("the clock was set by %+.0f seconds", change)
        self._offset = offset
        return max(-change, 0.0)

    def _tell(self, *, ours: bool) -> None:
        self._ours = ours
        self._context.bus.publish(ScheduleChanged())


def _load_alarms() -> type[Alarms]:
    """The class, whose import takes long enough to stay away from the loop."""
    from tui_hub.services.sync.alarms import Alarms

    return Alarms
