"""How downloads end: published, written down, given up, or set to wait for their source."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from tui_hub import text
from tui_hub.domain.artifacts import partial_key
from tui_hub.domain.downloads import Download
from tui_hub.domain.errors import GoneError, HubError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import Job, JobStatus, JobType, Progress
from tui_hub.domain.models import DEFAULT_REF
from tui_hub.services.context import Context
from tui_hub.services.downloads.gone_revisions import words_on_gone
from tui_hub.services.downloads.installing import Published, publish
from tui_hub.services.downloads.job import Outcome
from tui_hub.services.downloads.pictures import figures
from tui_hub.services.downloads.waits import WAITS, Wait, next_wait
from tui_hub.services.downloads.words import moved_words
from tui_hub.services.jobs.service import INTERRUPTED, Jobs
from tui_hub.services.models.metadata import Metadata
from tui_hub.services.models.statuses import artifacts_of, settle_status
from tui_hub.services.storage.quota import tell_quota

_UNFINISHED = (JobStatus.PENDING, JobStatus.RUNNING, JobStatus.PAUSED)


class DownloadEndings:
    """Brings downloads to their end, whichever it is."""

    def __init__(self, context: Context, jobs: Jobs, metadata: Metadata) -> None:
        self._context = context
        self._jobs = jobs
        self._metadata = metadata
        self.persistent = False
        """Whether this process stays, and tries again what it cannot reach."""

    async def finish(self, job: Job, outcome: Outcome, picture: Download) -> Download:
        """Publish what is here, then write down how the download ended.

        Raises:
            LostLeaseError: when another process goes on with it.
        """
        await self._jobs.confirm(job)
        published = Published()
        try:
            published = await self._publish(job, outcome, picture)
        except HubError as failure:
            outcome = Outcome(JobStatus.FAILED, outcome.error or failure)
        error = outcome.error
        reason = None if error is None else error.message
        if error is not None:
            hint = words_on_gone(job) if isinstance(error, GoneError) else error.hint
            picture = replace(picture, error_code=error.code, hint=hint)
        wait = self._wait(job, outcome, picture)
        await self._jobs.log(job.id, _sentence(outcome, picture))
        if wait is not None:
            outcome = replace(outcome, status=JobStatus.PAUSED)
            reason = f"{INTERRUPTED}: {reason}; it goes on by itself once the source is back"
            picture = replace(picture, hint=None)
            await self._jobs.log(job.id, f"tried again in {text.duration(wait.seconds)}")
        await self._jobs.finish(
            job,
            outcome.status,
            error=reason,
            progress=Progress(done=picture.done, total=picture.bytes_total),
            result=figures(picture),
            noted={WAITS: msgspec.to_builtins(wait)},
        )
        if outcome.status is JobStatus.CANCELLED:
            await self.give_back(job)
        failed = outcome.status is JobStatus.FAILED
        await settle_status(self._context, picture.model, failed=failed)
        await tell_quota(self._context)
        done = outcome.status is JobStatus.COMPLETED
        return replace(
            picture,
            status=outcome.status,
            path=published.path if done else None,
            note="; ".join(filter(None, (picture.note, published.note))) or None,
            speed=0.0,
            eta=None,
            connections=0,
            error=reason,
        )

    async def give_back(self, job: Job) -> None:
        """Give back the disk that the unfinished files of a cancelled download take.

        What another download of this home is yet to go on with, under whichever model, stays.
        """
        keys = await self._keys(job)
        for other in await self._context.hub.jobs.list((JobType.DOWNLOAD,), _UNFINISHED, 1000):
            if other.id != job.id:
                keys -= await self._keys(other)
        await self._context.on_disk(self._context.store.discard_partials, keys)

    async def _keys(self, job: Job) -> set[str]:
        return {partial_key(file) for file in await artifacts_of(self._context, job)}

    def _wait(self, job: Job, outcome: Outcome, picture: Download) -> Wait | None:
        """When to try again, where that is done here and may help."""
        if not self.persistent or not outcome.away or outcome.error is None:
            return None
        moved = any(file.bytes_transferred for file in picture.files)
        return next_wait(job, outcome.error, moved=moved)

    async def _publish(self, job: Job, outcome: Outcome, picture: Download) -> Published:
        if picture.revision is None:
            return Published()
        async with self._context.alone(f"model {picture.model}"):
            whole = outcome.status is JobStatus.COMPLETED
            published = await publish(
                self._context, picture.model, picture.revision, _refs(job), whole=whole
            )
        if published.path is not None:
            files = await self._context.hub.artifacts.of(picture.model, picture.revision)
            await self._metadata.keep(ModelId.parse(picture.model), files)
        return published


def _sentence(outcome: Outcome, picture: Download) -> str:
    line = (
        f"{outcome.status}: {text.size(picture.done)} of {text.size(picture.bytes_total)} here, "
        f"{moved_words(picture)}, "
        f"{text.size(picture.bytes_deduplicated)} were here already, {picture.retries} retries"
    )
    return line if outcome.error is None else f"{line}: {outcome.error.message}"


def _refs(job: Job) -> tuple[str, ...]:
    """The names under which the revision is found in the views of this box.

    `main` is always among them: programs that name no revision ask for it, and get what is here.
    """
    ref = job.payload.get("ref")
    if not isinstance(ref, str) or ref in (DEFAULT_REF, job.payload.get("revision")):
        return (DEFAULT_REF,)
    return (DEFAULT_REF, ref)
