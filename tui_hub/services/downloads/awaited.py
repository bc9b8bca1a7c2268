"""Unfinished files that a download of this home may come back for, be it after a month."""

from __future__ import annotations

from tui_hub.database import HubDatabase
from tui_hub.domain.artifacts import partial_key
from tui_hub.domain.jobs import JobStatus, JobType

_UNFINISHED = (JobStatus.PENDING, JobStatus.RUNNING, JobStatus.PAUSED, JobStatus.FAILED)
_MOST = 1000


async def awaited(hub: HubDatabase) -> set[str]:
    """The keys of their partials; what was cancelled or deleted is not among them."""
    keys: set[str] = set()
    for job in await hub.jobs.list((JobType.DOWNLOAD,), _UNFINISHED, _MOST):
        model, revision = str(job.payload.get("model")), str(job.payload.get("revision"))
        keys.update(map(partial_key, await hub.artifacts.of(model, revision)))
    return keys
