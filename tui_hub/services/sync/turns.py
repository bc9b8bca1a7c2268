"""The turns of the feeds, kept in their rows so that every process and the next start know them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from tui_hub.domain.feeds import FeedReport, FeedStatus
from tui_hub.domain.schedule import Turn
from tui_hub.events import FeedChanged
from tui_hub.services.context import Context
from tui_hub.services.sync.feed_list import FeedList
from tui_hub.services.sync.timetable import Timetable
from tui_hub.settings import SyncSettings


class Turns:
    """Writes down what the timetable says.

    Whoever syncs a feed sets its next turn, in whichever process; the one that holds the schedule
    looks after the turns of the others.
    """

    def __init__(self, context: Context, known: FeedList) -> None:
        self._known = known
        self._table = context.catalogue.feeds
        self._bus = context.bus
        self._now = context.clock.now

    @property
    def timetable(self) -> Timetable:
        """The rules of the turns, as the settings tell them now."""
        return self._known.timetable

    @property
    def settings(self) -> SyncSettings:
        """The settings of the sync, as the file tells them now."""
        return self._known.settings.sync

    @property
    def _feeds(self) -> tuple[str, ...]:
        return tuple(feed.name for feed in self._known.all)

    async def statuses(self) -> list[FeedStatus]:
        """What is known of each feed, in their order."""
        known = {status.feed: status for status in await self._table.list()}
        return [known.get(name, FeedStatus(feed=name)) for name in self._feeds]

    def shown(self, status: FeedStatus) -> FeedStatus:
        """What is known of a feed, with the turn that it really has, and what is wrong with it."""
        problem = self.timetable.problems.get(status.feed)
        if problem is not None:
            status = replace(status, error=problem.message)
        if not self.timetable.has(status.feed):
            status = replace(status, next_run=None, retries=0)
        return status

    async def ended(self, reports: Sequence[FeedReport]) -> None:
        """Set the turns of feeds whose sync ended: the next one, or a retry."""
        short = {report.feed: report.fell_short for report in reports}
        await self._plan(
            [name for name in self._feeds if name in short],
            lambda status: self.timetable.ended(status, short[status.feed], self._now()),
        )

    async def failed(self, feeds: Sequence[str]) -> None:
        """Let feeds be tried again whose sync ended without a word."""
        await self._plan(
            [name for name in self._feeds if name in feeds],
            lambda status: self.timetable.ended(status, True, self._now()),
        )

    async def put_off(self, feeds: Sequence[str]) -> None:
        """Let feeds wait for their next turn."""
        await self._plan(feeds, lambda status: self.timetable.regular(status.feed, self._now()))

    async def at_once(self, feeds: Collection[str]) -> None:
        """Let feeds have their turn now."""
        await self._plan([name for name in self._feeds if name in feeds], lambda status: Turn())

    async def begin(self) -> None:
        """Set the turns right where a process takes the schedule over, while nothing is synced."""
        await self._plan(self._feeds, lambda status: self.timetable.begun(status, self._now()))

    async def check(self, set_back: float = 0.0) -> list[FeedStatus]:
        """Set those turns right that the clock or the settings changed; what is known then.

        Args:
            set_back: seconds that the wall clock was set back since the last check.
        """
        before = await self.statuses()
        wrong = [status.feed for status in before if self._checked(status, set_back) != _of(status)]
        if not wrong:
            return before
        await self._plan(wrong, lambda status: self._checked(status, set_back))
        return await self.statuses()

    def _checked(self, status: FeedStatus, set_back: float) -> Turn:
        return self.timetable.checked(status, self._now(), set_back)

    async def _plan(self, feeds: Sequence[str], turn: Callable[[FeedStatus], Turn]) -> None:
        if feeds:
            await self._table.plan(feeds, turn)
        for name in feeds:
            self._bus.publish(FeedChanged(name))


def _of(status: FeedStatus) -> Turn:
    return Turn(next_run=status.next_run, retries=status.retries)
