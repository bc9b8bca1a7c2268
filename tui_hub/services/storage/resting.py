"""Downloads that rest: some go on by themselves, and would bring back what was deleted."""

from __future__ import annotations

from tui_hub.domain.artifacts import variants_of
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.services.context import Context
from tui_hub.services.jobs.service import Jobs


async def resting_downloads(context: Context, model: str, variant: str | None = None) -> list[Job]:
    """The paused downloads of a model.

    Args:
        context: the open home.
        model: the model's id.
        variant: only downloads that fetch this variant, and nothing that it does not need.
    """
    paused = await context.hub.jobs.list((JobType.DOWNLOAD,), (JobStatus.PAUSED,), 1000)
    ours = [job for job in paused if job.payload.get("model") == model]
    return [job for job in ours if variant is None or await _is_of(context, job, variant)]


async def give_up_downloads(
    context: Context, jobs: Jobs, model: str, variant: str | None = None
) -> None:
    """Cancel the paused downloads of a model or a variant, with the bytes that they have."""
    for job in await resting_downloads(context, model, variant):
        await jobs.cancel(job.id)


async def _is_of(context: Context, job: Job, variant: str) -> bool:
    paths = job.payload.get("paths")
    wanted = set(paths) if isinstance(paths, list) else set()
    model, revision = str(job.payload.get("model")), str(job.payload.get("revision"))
    own: set[str] = set()
    others: set[str] = set()
    for one in variants_of(await context.hub.artifacts.of(model, revision)):
        (own if one.name.lower() == variant.lower() else others).update(one.paths)
    return wanted <= own and not wanted <= others
