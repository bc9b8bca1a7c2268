"""Downloads that nobody runs, and that whichever process looks for work goes on with."""

from __future__ import annotations

from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.services.jobs.service import INTERRUPTED, Jobs


async def nobodys(jobs: Jobs) -> tuple[Job, ...]:
    """All of them, the newest first."""
    idle = await jobs.list((JobType.DOWNLOAD,), (JobStatus.PAUSED, JobStatus.PENDING))
    return tuple(job for job in idle if is_nobodys(job))


def is_nobodys(job: Job) -> bool:
    """Whether a download waits for some process to run it."""
    if job.status is JobStatus.PENDING:
        return job.owner is None
    return (job.error or "").startswith(INTERRUPTED)


async def leave_to_others(jobs: Jobs, job: str, why: str = "the program ended") -> None:
    """Note of a paused download that nobody asked for its pause, and why it paused."""
    stored = await jobs.get(job)
    if stored.status is JobStatus.PAUSED and not jobs.runs_elsewhere(stored):
        error = f"{INTERRUPTED}: {why}"
        await jobs.finish(stored, JobStatus.PAUSED, error=error)
