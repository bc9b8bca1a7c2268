"""Verifying: the blobs of the store, or of one model, hashed again."""

from __future__ import annotations

from tui_hub.domain.disk_work import WorkPicture
from tui_hub.domain.errors import HubError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import Job, JobType
from tui_hub.domain.verification import Verification
from tui_hub.services.context import Context
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.storage.disk_jobs import DiskJob, DiskJobs
from tui_hub.services.storage.verify_run import VerifyRun
from tui_hub.services.sync.renames import name_here


class Verify:
    """Looks for damage, takes damaged bytes out of the way, and says how to have them again.

    One run at a time in a home, as a job, at low priority. A run that was cut short by whatever is
    gone on with by the next one of the same scope, if that comes within a week: blobs that were
    found sound are not read again unless their files changed.
    """

    def __init__(self, context: Context, jobs: Jobs, works: DiskJobs) -> None:
        self._context = context
        self._jobs = jobs
        self._works = works
        self._last: VerifyRun | None = None
        jobs.handle(JobType.VERIFY, retry=self._retry)

    @property
    def report(self) -> Verification | None:
        """What this process's present or last run has found so far."""
        return None if self._last is None else self._last.result()

    def pictures(self) -> tuple[WorkPicture, ...]:
        """How the run of this process goes on, where there is one; see the event `WorkMoved`."""
        return tuple(one for one in self._works.pictures() if one.type is JobType.VERIFY)

    async def run(
        self, model: str | ModelId | None = None, *, dry_run: bool = False
    ) -> Verification:
        """Look over the whole store or one model, to the end.

        A damaged blob is moved into quarantine, its files count as failed, and a model without
        them is installed no more until they are downloaded again. Links and copies of small files
        that are wrong are made again.

        Args:
            model: one model; `None` for everything.
            dry_run: only look, and move and mend nothing.

        Raises:
            NotFoundError: when nothing of the model is here.
            RefusedError: when another run of this home goes on, or the store is not there.
            InterruptedJobError: when somebody cancelled the job.
        """
        wanted = await self._ready(model, dry_run=dry_run)
        return await self._works.run(
            JobType.VERIFY, _payload(wanted, dry_run), lambda job: self._do(job, wanted, dry_run)
        )

    async def start(self, model: str | ModelId | None = None, *, dry_run: bool = False) -> Job:
        """The same in the background; gives the job."""
        wanted = await self._ready(model, dry_run=dry_run)
        return await self._works.start(
            JobType.VERIFY, _payload(wanted, dry_run), lambda job: self._do(job, wanted, dry_run)
        )

    async def _ready(self, model: str | ModelId | None, *, dry_run: bool) -> str | None:
        self._last = None
        if not dry_run:
            await self._context.prepare_store()
        return None if model is None else await name_here(self._context, model)

    async def _do(self, job: DiskJob, model: str | None, dry_run: bool) -> Verification:
        self._last = VerifyRun(self._context, self._jobs, job, model, dry_run=dry_run)
        try:
            return await self._last.run()
        except OSError as error:
            raise HubError(
                f"the store {self._context.store.root} cannot be read: {error.strerror}",
                hint="The kernel's log (dmesg) tells more about a failing disk.",
            ) from error

    async def _retry(self, job: Job) -> Job | None:
        model = job.payload.get("model")
        wanted = model if isinstance(model, str) else None
        return await self.start(wanted, dry_run=bool(job.payload.get("dry_run")))


def _payload(model: str | None, dry_run: bool) -> dict[str, object]:
    payload: dict[str, object] = {"model": model} if model is not None else {}
    return payload | ({"dry_run": True} if dry_run else {})
