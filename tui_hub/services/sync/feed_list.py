"""The feeds as the settings file tells them now, not only as it did when the program began."""

from __future__ import annotations

import asyncio
import logging

from tui_hub import text
from tui_hub.domain.errors import HubError, NotFoundError
from tui_hub.domain.feeds import Feed
from tui_hub.events import FeedsChanged
from tui_hub.services.context import Context
from tui_hub.services.sync.timetable import Timetable
from tui_hub.settings import Settings, reread
from tui_hub.settings import file as settings_file
from tui_hub.sources.feeds import feeds_from

_log = logging.getLogger(__name__)


class FeedList:
    """All feeds with their timetable, read again when the settings file changes.

    Of the settings only the feeds and the sync are read again. A file that cannot be read leaves
    everything as it was, and says so in `problem`.
    """

    def __init__(self, context: Context) -> None:
        self._configuration = context.configuration
        self._random = context.clock.random
        self._bus = context.bus
        self._lock = asyncio.Lock()
        self._stamp: settings_file.Stamp | None = None
        """None at first, as the file may have changed since the settings were read."""
        self.changed = asyncio.Event()
        """Set when anything became another; for the scheduler, which clears it."""
        self.problem: HubError | None = None
        """Why the file as it is now does not count."""
        self._take(self._configuration.settings)

    def get(self, name: str) -> Feed:
        """A feed by its name.

        Raises:
            NotFoundError: when there is none.
        """
        for feed in self.all:
            if feed.name == name:
                return feed
        raise NotFoundError(
            f"there is no feed {text.clean(name, 80)!r}", hint="`tui-hub feeds` lists the feeds."
        )

    async def look(self) -> frozenset[str]:
        """Read the file if it changed; the feeds that are to be synced anew for that.

        Those are the ones that came, and those that ask for something else than before.
        """
        async with self._lock:
            path = self._configuration.paths.config_file
            seen = await asyncio.to_thread(settings_file.stamp, path)
            if seen == self._stamp:
                return frozenset()
            self._stamp = seen
            return await self._read()

    async def _read(self) -> frozenset[str]:
        before = (self.all, self.settings, self.problem)
        try:
            settings = await asyncio.to_thread(reread, self._configuration)
            self._take(settings)
        except HubError as error:
            _log.warning("the feeds stay as they were: %s", error.message)
            self.problem = error
        else:
            self.problem = None
        if (self.all, self.settings, self.problem) != before:
            self._bus.publish(FeedsChanged())
            self.changed.set()
        known = {(feed.name, feed.definition) for feed in before[0]}
        return frozenset(
            feed.name for feed in self.all if (feed.name, feed.definition) not in known
        )

    def _take(self, settings: Settings) -> None:
        feeds = feeds_from(settings)
        self.settings = settings
        """The settings of this run, their feeds and their sync as they are now."""
        self.all: tuple[Feed, ...] = feeds
        """All feeds, shipped and the user's own."""
        self.timetable = Timetable(settings.sync, feeds, self._random)
