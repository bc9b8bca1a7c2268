"""A download as its job remembers it: what is to be had, however often that is tried."""

from __future__ import annotations

from collections.abc import Mapping

from tui_hub.domain.downloads import Plan
from tui_hub.domain.jobs import Job, JobStatus, JobType, Progress
from tui_hub.services.jobs.service import Jobs

LIVE = (JobStatus.PENDING, JobStatus.RUNNING, JobStatus.PAUSED)
"""How jobs stand that have not ended."""


def payload_of(plan: Plan, variant: str | None) -> dict[str, object]:
    """What a job has to know of a plan.

    Args:
        plan: the files.
        variant: the variant that was asked for by name, where the plan does not say so.
    """
    return {
        "model": plan.model,
        "revision": plan.revision,
        "variant": variant or plan.variant,
        "ref": plan.ref,
        "paths": [file.path for file in plan.files],
    }


def progress_of(plan: Plan) -> Progress:
    """Where a download by this plan begins."""
    return Progress(done=plan.bytes_total - plan.bytes_to_transfer, total=plan.bytes_total)


async def unfinished(jobs: Jobs, payload: Mapping[str, object]) -> Job | None:
    """A download of the same that has not ended."""
    for job in await jobs.list((JobType.DOWNLOAD,), LIVE):
        if all(job.payload.get(key) == value for key, value in payload.items()):
            return job
    return None
