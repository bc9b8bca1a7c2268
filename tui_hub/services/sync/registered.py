"""The turns of registered repositories that are synced by themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from tui_hub import text
from tui_hub.domain.models import Registration
from tui_hub.services.context import Context
from tui_hub.services.sync.feed_list import FeedList
from tui_hub.settings import SyncSettings


class RegisteredTurns:
    """When each is synced next: one interval of the settings after it was synced last.

    Nothing of that is written down: chance is drawn from the name and the time of the last sync,
    so that every process comes to the same turn.
    """

    def __init__(self, context: Context, known: FeedList) -> None:
        self._table = context.hub.registrations
        self._now = context.clock.now
        self._known = known

    async def turns(self) -> Mapping[str, str | None]:
        """The next turn of each model; `None` is at once."""
        settings, now = self._known.settings.sync, self._now()
        if not settings.enabled:
            return {}
        return {
            one.model: text.stamp(turn) if (turn := _turn(one, settings, now)) else None
            for one in await self._table.list()
            if one.auto_sync
        }

    async def due(self) -> list[str]:
        """The models whose turn has come."""
        now = self._now()
        moments = {name: text.parse_time(turn) for name, turn in (await self.turns()).items()}
        return [name for name, turn in moments.items() if turn is None or turn <= now]


def _turn(one: Registration, settings: SyncSettings, now: datetime) -> datetime | None:
    """Its next turn; at once for what was never synced, and where the clock was set back."""
    last = text.parse_time(one.synced_at)
    if last is None or last > now:
        return None
    digest = hashlib.sha256(f"{one.model} {one.synced_at}".encode("utf-8", "replace")).digest()
    chance = int.from_bytes(digest[:6]) / 2**48
    low, high = settings.interval_min, settings.interval_max
    return last + timedelta(seconds=low + (high - low) * chance)
