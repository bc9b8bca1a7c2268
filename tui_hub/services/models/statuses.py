"""A model's status, always worked out from what is really there."""

from __future__ import annotations

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.domain.models import ModelStatus
from tui_hub.events import ModelChanged
from tui_hub.services.context import Context
from tui_hub.services.slots.standing import slots_of


async def settle_status(context: Context, model: str, *, failed: bool = False) -> None:
    """Write a model's status where the catalogue finds it.

    Args:
        context: the open home.
        model: the model's id.
        failed: whether its last download failed, which counts when nothing better is true.
    """
    models = context.catalogue.models
    known = await models.get(model)
    shown = known.id if known is not None else model  # it may have another name upstream by now
    kept = model if await context.hub.installs.get(model) is not None else shown
    await models.set_local(shown, status=await _status(context, kept, failed))
    context.bus.publish(ModelChanged(model))


async def live_downloads(context: Context) -> list[Job]:
    """The downloads of this home that run or wait in line, in whichever process."""
    return await context.hub.jobs.list(
        (JobType.DOWNLOAD,), (JobStatus.PENDING, JobStatus.RUNNING), 1000
    )


async def artifacts_of(context: Context, job: Job) -> list[Artifact]:
    """The files that a download job is about, as the database has them."""
    model, revision = str(job.payload.get("model")), str(job.payload.get("revision"))
    wanted = job.payload.get("paths")
    paths = set(wanted) if isinstance(wanted, list) else set()
    return [file for file in await context.hub.artifacts.of(model, revision) if file.path in paths]


async def _status(context: Context, model: str, failed: bool) -> ModelStatus:
    installed = await context.hub.installs.get(model) is not None
    slots = await slots_of(context, model)
    if slots:
        lost = all(slot.error is not None for slot in slots)
        return ModelStatus.ERROR if lost else ModelStatus.ACTIVE
    if any(job.payload.get("model") == model for job in await live_downloads(context)):
        return ModelStatus.DOWNLOADING
    if installed:
        return ModelStatus.INSTALLED
    return ModelStatus.ERROR if failed else ModelStatus.NOT_INSTALLED
