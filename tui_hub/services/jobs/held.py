"""The jobs that this process holds, and the heartbeat that keeps them its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from tui_hub import processes
from tui_hub.database import HubDatabase
from tui_hub.domain.jobs import Job
from tui_hub.services.jobs import leases

Lost = Callable[[], None]
"""Told that a job went to another process: whoever runs it here stops and writes nothing more."""

_log = logging.getLogger(__name__)


class HeldJobs:
    """Shows again and again that the jobs of this process are alive, and tells when one is lost."""

    def __init__(self, hub: HubDatabase) -> None:
        self._table = hub.jobs
        self._held: dict[str, tuple[int, Lost]] = {}
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to show it."""
        self._keeper = asyncio.create_task(self._keep(), name="leases of the jobs")

    async def close(self) -> None:
        """Stop showing it; nothing may be running any more."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    def add(self, job: Job, lost: Lost) -> None:
        """Hold a job that was taken; `lost` is called should another process take it over."""
        self._held[job.id] = (job.fence, lost)

    def remove(self, job: str) -> None:
        """Hold a job no longer: it has ended, or rests."""
        self._held.pop(job, None)

    def has(self, job: Job) -> bool:
        """Whether a job, as it was read, is held here."""
        return self._held.get(job.id, (None,))[0] == job.fence

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(leases.BEAT)
            held = {job: fence for job, (fence, _) in self._held.items()}
            try:
                gone = await self._table.renew(held) if held else ()
            except Exception as error:
                _log.warning("the leases of the jobs could not be renewed: %s", error)
                continue
            for job in gone:
                if job in self._held and self._held[job][0] == held[job]:
                    _, lost = self._held.pop(job)
                    _log.warning("another process took over job %s", job)
                    lost()


def is_orphan(job: Job) -> bool:
    """Whether the owner of a live job is dead, or was silent for so long that others may take it.

    A job without an owner is none: it waits for whoever takes it.
    """
    if job.owner is None:
        return False
    return not processes.alive(job.owner) or processes.silent(job.owner, job.beat, leases.TTL)
