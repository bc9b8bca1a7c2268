"""A job as a row of `hub.db`."""

from __future__ import annotations

from tui_hub.database.connection import Row
from tui_hub.database.values import document, mapping, optional, optional_whole, plain, whole
from tui_hub.domain.jobs import Job, JobStatus, JobType, Owner, Progress

SAVED = (
    "type, status, payload, done, total, unit, attempts, error, "
    "created_at, started_at, finished_at, host, pid, started, boot"
)
"""What the owner of a job writes."""
COLUMNS = f"id, {SAVED}, request, fence, beat"


def owner_values(owner: Owner | None) -> tuple[object, ...]:
    """The columns that name the process which runs a job."""
    if owner is None:
        return (None,) * 4
    return (plain(owner.host), owner.pid, owner.started, plain(owner.boot))


def values(job: Job) -> tuple[object, ...]:
    """The values of `SAVED`."""
    return (
        job.type,
        job.status,
        document(job.payload),
        whole(job.progress.done),
        optional_whole(job.progress.total),
        plain(job.progress.unit),
        whole(job.attempts),
        optional(job.error),
        job.created_at,
        job.started_at,
        job.finished_at,
        *owner_values(job.owner),
    )


def job_of(row: Row, log: tuple[str, ...]) -> Job:
    """The job of a row of `COLUMNS`, with its log."""
    (name, kind, status, payload, done, total, unit, attempts, error, *rest) = row
    (created, began, finished, host, pid, started, boot, request, fence, last) = rest
    return Job(
        id=name,
        type=JobType(kind),
        status=JobStatus(status),
        payload=mapping(payload),
        progress=Progress(done=done, total=total, unit=unit),
        attempts=attempts,
        error=error,
        created_at=created,
        started_at=began,
        finished_at=finished,
        log=log,
        owner=None if host is None else Owner(host=host, pid=pid, started=started, boot=boot),
        request=request,
        fence=fence,
        beat=last,
    )
