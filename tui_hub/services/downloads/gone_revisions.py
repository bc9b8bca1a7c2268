"""Downloads of a revision that its source has no more go on with what their branch is now."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tui_hub.domain.artifacts import Artifact, variants_of
from tui_hub.domain.downloads import Plan
from tui_hub.domain.errors import HubError, NotFoundError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import Job
from tui_hub.domain.models import DEFAULT_REF
from tui_hub.services.context import Context
from tui_hub.services.downloads.choices import Choice
from tui_hub.services.downloads.pictures import remembered, text_of
from tui_hub.services.downloads.plans import Planner


async def plan_instead(context: Context, planner: Planner, job: Job) -> Plan | None:
    """What a failed download would be today, if the revision that it wants is gone.

    `None` where it is still there, or cannot be asked for now, or was itself what was asked for.

    Raises:
        NotFoundError: when what was wanted is not there any more under any revision.
    """
    revision, ref = str(job.payload.get("revision")), ref_of(job)
    if remembered(job).error_code != NotFoundError.code or ref == revision:
        return None
    model = ModelId.parse(str(job.payload.get("model")))
    if not await _is_gone(context, model, revision):
        return None
    listed = await context.hub.artifacts.of(str(model), revision)
    plan = await planner.plan(model, _choice(job, listed), ref, refresh=True)
    return plan if plan.revision != revision else None


def ref_of(job: Job) -> str:
    """The branch, tag or commit that a download was started for."""
    return text_of(job.payload.get("ref")) or DEFAULT_REF


def words_on_gone(job: Job) -> str:
    """What to do about a download whose revision is gone."""
    ref, model = ref_of(job), job.payload.get("model")
    if ref == job.payload.get("revision"):
        return f"`tui-hub download {model} --revision {DEFAULT_REF}` takes what is there now."
    return f"`tui-hub jobs --retry {job.id}` takes what {ref} is now."


async def _is_gone(context: Context, model: ModelId, revision: str) -> bool:
    try:
        await context.source(model).files(model, revision)
    except NotFoundError:
        return True
    except HubError:
        pass
    return False


def _choice(job: Job, listed: Sequence[Artifact]) -> Choice:
    """What was chosen of the files as they were listed then: all, a variant, or some of them."""
    wanted, variant = _paths(job), text_of(job.payload.get("variant"))
    if wanted == {file.path for file in listed}:
        return Choice()
    for one in variants_of(listed):
        if one.name == variant and wanted == set(one.paths):
            return Choice(variant=variant)
    return Choice(paths=tuple(sorted(wanted)))


def _paths(job: Job) -> Collection[str]:
    paths = job.payload.get("paths")
    return set(paths) if isinstance(paths, list) else set()
