"""Unfinished files that a download of this home may come back for, be it after a month."""

from __future__ import annotations

from tui_hub.database import HubDatabase
from tui_hub.domain.artifacts import partial_key
from tui_hub.domain.jobs import JobStatus, JobType

_UNFINISHED = (JobStatus.PENDING, JobStatus.RUNNING, JobStatus.PAUSED, JobStatus.FAILED)
_MOST = 1000


async def awaited(hub: HubDatabase, *, but: str | None = None) -> set[str]:
    """The keys of their partials; what was cancelled or deleted is not among them.

    Args:
        hub: the database of the home.
        but: a model whose downloads do not count.
    """
    keys: set[str] = set()
    for job in await hub.jobs.list((JobType.DOWNLOAD,), _UNFINISHED, _MOST):
        model, revision = str(job.payload.get("model")), str(job.payload.get("revision"))
        if model == but:
            continue
        keys.update(map(partial_key, await hub.artifacts.of(model, revision)))
    return keys
