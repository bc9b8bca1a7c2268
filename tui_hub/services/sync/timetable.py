"""When the turn of each feed is. Pure rules: what is known of a feed goes in, a turn comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from tui_hub import text
from tui_hub.domain.cron import Cron
from tui_hub.domain.errors import UsageError
from tui_hub.domain.feeds import Feed, FeedState, FeedStatus
from tui_hub.domain.schedule import Turn
from tui_hub.settings import SyncSettings

_ALMOST_A_SECOND = timedelta(microseconds=999_999)


class Timetable:
    """The rules for a set of feeds.

    A feed with a cron expression has its turn at those times, any other after a random interval.
    A failed one is tried again a few times soon after, before it waits for its next turn.
    """

    def __init__(
        self, settings: SyncSettings, feeds: Sequence[Feed], random: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._random = random
        self._feeds = {feed.name: feed for feed in feeds}
        self._crons: dict[str, Cron] = {}
        self.problems: dict[str, UsageError] = {}
        """What is wrong with the schedule of a feed, by the feed's name."""
        for feed in feeds:
            if feed.schedule:
                self._read(feed)

    def _read(self, feed: Feed) -> None:
        try:
            self._crons[feed.name] = Cron.parse(feed.schedule)
        except UsageError as error:
            expression = text.clean(feed.schedule, 60)
            self.problems[feed.name] = UsageError(
                f"the schedule {expression!r} of {feed.name} is wrong: {error.message}",
                hint=error.hint,
            )

    @property
    def retries(self) -> int:
        """How often a feed that failed is tried again."""
        return self._settings.retries

    def has(self, name: str) -> bool:
        """Whether the feed has turns at all."""
        feed = self._feeds.get(name)
        return (
            self._settings.enabled
            and feed is not None
            and feed.enabled
            and name not in self.problems
        )

    def expression(self, name: str) -> str:
        """A feed's schedule for scripts: its cron expression, or `random 3-4 h`."""
        feed = self._feeds[name]
        return text.clean(feed.schedule, 60) if feed.schedule else self.interval_words()

    def words(self, name: str) -> str:
        """A feed's schedule for people: `daily 02:00Z`, another cron expression, `random 3-4 h`."""
        cron = self._crons.get(name)
        return (cron.words if cron else None) or self.expression(name)

    def regular(self, name: str, now: datetime) -> Turn:
        """A feed's next turn, counted from now."""
        if not self.has(name):
            return Turn()
        cron = self._crons.get(name)
        return Turn(next_run=_stamp(cron.after(now) if cron else now + self._interval()))

    def ended(self, status: FeedStatus, failed: bool, now: datetime) -> Turn:
        """The turn after a sync: a retry of a failed one while there are any left."""
        if failed and status.retries < self._settings.retries and self.has(status.feed):
            again = now + timedelta(seconds=self._settings.retry_delay)
            return Turn(next_run=_stamp(again), retries=status.retries + 1)
        return self.regular(status.feed, now)

    def begun(self, status: FeedStatus, now: datetime) -> Turn:
        """The turn where a process takes the schedule over.

        At once for what was never finished or asks for something else than its last sync did. Only
        for while nothing is being synced: a feed that is said to run was left by a crash.
        """
        if status.state in (FeedState.NEVER, FeedState.RUNNING):
            return Turn()
        feed = self._feeds.get(status.feed)
        if feed is not None and status.walk.definition not in ("", feed.definition):
            return Turn()
        return self.checked(status, now, 0.0)

    def checked(self, status: FeedStatus, now: datetime, set_back: float) -> Turn:
        """The turn as it stands, or moved where the clock or the settings changed under it.

        Args:
            status: what is known of the feed.
            now: the wall clock.
            set_back: seconds that the wall clock was set back since the turn was looked at last;
                a random interval goes on as if it had not been.
        """
        name, at = status.feed, text.parse_time(status.next_run)
        if not self.has(name):
            return Turn()
        if at is None or at <= now:
            return Turn(next_run=status.next_run, retries=status.retries)
        if name in self._crons and not status.retries:
            return self.regular(name, now)
        longest = timedelta(seconds=self._settings.interval_max)
        fresh = self._interval()
        if status.retries:
            longest = fresh = timedelta(seconds=self._settings.retry_delay)
        moved = at - timedelta(seconds=set_back)
        if moved > now + longest + _ALMOST_A_SECOND:
            moved = now + fresh
        return Turn(next_run=_stamp(moved), retries=status.retries)

    def is_due(self, status: FeedStatus, now: datetime) -> bool:
        """Whether a feed's turn has come; one whose turn was never set has it at once."""
        at = text.parse_time(status.next_run)
        return self.has(status.feed) and (at is None or at <= now)

    def _interval(self) -> timedelta:
        low, high = self._settings.interval_min, self._settings.interval_max
        return timedelta(seconds=low + (high - low) * self._random())

    def interval_words(self) -> str:
        """The schedule of a feed without a cron expression, for people: `random 3-4 h`."""
        low = text.duration(self._settings.interval_min)
        high = text.duration(self._settings.interval_max)
        if low == high:
            return f"every {low}"
        number, _, unit = low.partition(" ")
        return f"random {number if high.endswith(unit) else low}-{high}"


def _stamp(moment: datetime) -> str:
    """A moment in whole seconds, never an earlier one."""
    return text.stamp(moment + _ALMOST_A_SECOND)
