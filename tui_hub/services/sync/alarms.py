"""Alarms at the times of the feeds, by APScheduler. Import it late: few runs need it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

_LATE_IS_FINE = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}


class Alarms:
    """A job for each feed that rings when its time has come, and does nothing else.

    The times themselves are in the rows of the feeds, so these jobs live in memory alone.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._times: dict[str, datetime] = {}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=_LATE_IS_FINE)
        self._scheduler.start()

    def set(self, times: Mapping[str, datetime]) -> None:
        """Ring at these times, by name, and at no others."""
        for name in self._times.keys() - times.keys():
            if self._scheduler.get_job(name) is not None:
                self._scheduler.remove_job(name)
        for name, at in times.items():
            if at != self._times.get(name):
                self._scheduler.add_job(
                    self._rang, DateTrigger(at, UTC), id=name, name=name, replace_existing=True
                )
        self._times = dict(times)

    def close(self) -> None:
        """Ring no more."""
        self._scheduler.shutdown(wait=False)

    async def _rang(self) -> None:
        self._ring()
