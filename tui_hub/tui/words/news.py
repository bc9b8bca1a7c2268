"""What is worth a note on the screen after a sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.notifications import SeverityLevel

from tui_hub import text
from tui_hub.domain.changes import ChangeEntry, ChangeKind, ChangeQuery
from tui_hub.domain.feeds import FeedState
from tui_hub.tui.live import Live
from tui_hub.tui.words.unreached import unreached

if TYPE_CHECKING:
    from tui_hub.services import Services

Note = tuple[str, SeverityLevel]
_MOST = 3
"""Models that a note names."""


class News:
    """Tells each thing once, whichever process of the home brought it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._told: int | None = None
        """The number of the last change that was told; nothing is before the first look."""
        self._failed: frozenset[str] = frozenset()

    async def since_last(self, live: Live) -> list[Note]:
        """The notes that are due; none while a sync goes on."""
        if live.syncing:
            return []
        notes = self._failures(live)
        if self._told is None or live.newest < self._told:
            self._told = live.newest
        if live.newest > self._told:
            beyond, self._told = self._told, live.newest
            changes = self._services.changes
            new = ChangeQuery(kinds=(ChangeKind.NEW,), beyond=beyond)
            here = ChangeQuery(installed=True, beyond=beyond)
            notes += _arrivals(await changes.list(new, _MOST), await changes.count(new))
            notes += _changes(await changes.list(here, _MOST), await changes.count(here))
        return notes

    def _failures(self, live: Live) -> list[Note]:
        failed = {feed.feed: feed for feed in live.feeds if feed.state is FeedState.FAILED}
        fresh = [feed for name, feed in failed.items() if name not in self._failed]
        self._failed = frozenset(failed)
        if not fresh:
            return []
        what = fresh[0].feed if len(fresh) == 1 else f"{len(fresh)} feeds"
        why = fresh[0].error or "no reason given"
        if not any(feed.last_success for feed in fresh):
            why = unreached(self._services.sync.feeds(), fresh) or why
        return [(f"The sync of {what} failed: {why}", "error")]


def _arrivals(first: tuple[ChangeEntry, ...], count: int) -> list[Note]:
    if not count:
        return []
    words = "1 new model" if count == 1 else f"{text.grouped(count)} new models"
    return [(f"{words}: {_names(first, count)}", "information")]


def _changes(first: tuple[ChangeEntry, ...], count: int) -> list[Note]:
    if not count:
        return []
    if count == 1:
        (entry,) = first
        what = ", ".join(entry.change.what) or entry.change.kind.value
        return [(f"{entry.change.model}, which is installed, changed: {what}", "warning")]
    return [(f"{count} installed models changed: {_names(first, count)}", "warning")]


def _names(first: tuple[ChangeEntry, ...], count: int) -> str:
    names = ", ".join(entry.change.model for entry in first)
    return f"{names} and {text.grouped(count - len(first))} more" if count > len(first) else names
