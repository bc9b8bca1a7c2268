"""Jobs: the history of background work, and asking its owner for something."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from tui_hub import processes, text
from tui_hub.domain.errors import (
    HubError,
    InterruptedJobError,
    LostLeaseError,
    NotFoundError,
    RefusedError,
)
from tui_hub.domain.jobs import Job, JobStatus, JobType, Owner, Progress
from tui_hub.events import JobChanged
from tui_hub.services import leases
from tui_hub.services.context import Context

Handler = Callable[[Job], Awaitable[None]]
Retry = Callable[[Job], Awaitable[Job | None]]
"""Runs a job again; gives the new one where it makes another."""
Lost = Callable[[], None]
"""Told that a job went to another process: whoever runs it here stops and writes nothing more."""

_log = logging.getLogger(__name__)

INTERRUPTED = "interrupted"
"""How the error of a job begins that stopped without anybody asking for it."""
_OWNER_SECONDS = 5.0
"""How long to wait for another process to do what it was asked."""
_POLL = 0.1
_HEED_SECONDS = 0.5


@dataclass(slots=True)
class JobRun:
    """A job while its work goes on; what is set here is written down at its end."""

    job: Job
    result: Mapping[str, object] | None = None
    error: str | None = None
    """Set by work that ends without an exception, and failed all the same."""
    unwanted: bool = False
    """Whether somebody asked for its end."""


class Jobs:
    """Keeps jobs in the database; whoever runs a type of job says how to cancel and retry it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._table = context.hub.jobs
        self._cancel: dict[JobType, Handler] = {}
        self._retry: dict[JobType, Retry] = {}
        self._held: dict[str, tuple[int, Lost]] = {}
        self._here: dict[str, Callable[[], None]] = {}
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to show that the jobs of this process are alive."""
        self._keeper = asyncio.create_task(self._keep(), name="leases of the jobs")

    async def close(self) -> None:
        """Stop showing that; nothing may be running any more."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    def handle(self, kind: JobType, *, retry: Retry, cancel: Handler | None = None) -> None:
        """Say how jobs of a type are retried here, and cancelled, if not by ending their `run`."""
        self._retry[kind] = retry
        if cancel is not None:
            self._cancel[kind] = cancel

    async def list(
        self,
        types: Sequence[JobType] = (),
        statuses: Sequence[JobStatus] = (),
        limit: int = 100,
    ) -> tuple[Job, ...]:
        """Jobs, newest first."""
        return tuple(await self._table.list(types, statuses, limit))

    async def get(self, job: str) -> Job:
        """A job by its id.

        Raises:
            NotFoundError: when there is none.
        """
        found = await self._table.get(job)
        if found is None:
            raise NotFoundError(
                f"there is no job {text.clean(job, 40)!r}", hint="`tui-hub jobs` lists them."
            )
        return found

    async def cancel(self, job: str) -> Job:
        """Cancel a job, in whichever process it runs.

        Raises:
            NotFoundError: when there is none.
            RefusedError: when it has ended already.
        """
        found = await self.get(job)
        if found.status.ended:
            raise RefusedError(f"job {found.id} is {found.status} already")
        if self.runs_elsewhere(found):
            await self._table.ask(found.id, "cancel")
            await self._until_ended(found.id)
        elif found.type in self._cancel:
            await self._cancel[found.type](found)
        elif found.id in self._here:
            self._here[found.id]()
            await self._until_ended(found.id)
        else:
            await self.finish(found, JobStatus.CANCELLED)
        return await self.get(job)

    async def retry(self, job: str) -> Job:
        """Run an ended or paused job again, in this process.

        Raises:
            NotFoundError: when there is none.
            RefusedError: when it is running, or cannot be run again.
        """
        found = await self.get(job)
        if self.runs_elsewhere(found):
            raise RefusedError(f"job {found.id} is {found.status} in another process")
        if found.type not in self._retry:
            raise RefusedError(f"jobs of the type {found.type} cannot be retried; start it again")
        again = await self._retry[found.type](found)
        return again or await self.get(job)

    async def create(
        self, kind: JobType, payload: Mapping[str, object], *, detached: bool = False
    ) -> Job:
        """Write down a new pending job, of this process or of whichever takes it.

        Args:
            kind: what the job does.
            payload: what it is about.
            detached: whether it is left to a process that works in the background.
        """
        job = Job(
            id=uuid.uuid4().hex[:12],
            type=kind,
            payload=payload,
            created_at=text.now(),
            owner=None if detached else self._context.owner,
        )
        await self._table.add(job)
        self._context.bus.publish(JobChanged(job.id))
        return job

    async def take(self, job: Job, status: JobStatus, lost: Lost) -> Job:
        """Take a job for this process, which holds it until `finish`.

        Args:
            job: the job as it was read.
            status: `running`, or `pending` to have it in line.
            lost: called when another process takes it over, since this one was silent too long.

        Raises:
            RefusedError: when another process was quicker.
        """
        if not await self._table.take(job, self._context.owner, status):
            raise RefusedError(f"job {job.id} was changed by another process", hint="Look again.")
        taken = await self.get(job.id)
        self._held[job.id] = (taken.fence, lost)
        self._context.bus.publish(JobChanged(job.id))
        return taken

    async def leave(self, job: Job) -> Job:
        """Leave a job that this process does not hold to whichever takes it.

        Raises:
            RefusedError: when another process was quicker.
        """
        if not await self._table.take(job, None, JobStatus.PENDING):
            raise RefusedError(f"job {job.id} was changed by another process", hint="Look again.")
        self._context.bus.publish(JobChanged(job.id))
        return await self.get(job.id)

    def holds(self, job: Job) -> bool:
        """Whether this process has taken a job, as it was read, and not lost it since."""
        return self._held.get(job.id, (None,))[0] == job.fence

    async def confirm(self, job: Job) -> None:
        """Make sure that a job is still this process's, before something that lasts.

        Raises:
            LostLeaseError: when it is not.
        """
        if await self._table.renew({job.id: job.fence}):
            raise LostLeaseError(f"job {job.id} belongs to another process now")

    @asynccontextmanager
    async def run(self, kind: JobType, payload: Mapping[str, object]) -> AsyncIterator[JobRun]:
        """Do a piece of work as a job of this process, which ends with the block in any case.

        Raises:
            LostLeaseError: when another process took the job over, at which the block is cancelled.
            InterruptedJobError: when somebody cancelled the job, at which it is, too.
        """
        worker = asyncio.current_task()
        stop: HubError | None = None

        def end(why: HubError) -> None:
            nonlocal stop
            if stop is None and worker is not None:
                stop = why
                run.unwanted = why is asked
                worker.cancel()

        run = JobRun(await self.create(kind, payload))
        lost = LostLeaseError(f"job {run.job.id} belongs to another process now")
        asked = InterruptedJobError(f"the {kind} was cancelled")
        self._here[run.job.id] = partial(end, asked)
        heed = asyncio.create_task(self._heed(run.job.id))
        try:
            run.job = await self.take(run.job, JobStatus.RUNNING, partial(end, lost))
            yield run
        except asyncio.CancelledError:
            ours = stop is not None and worker is not None and worker.uncancel() == 0
            if not (ours and stop is lost):
                ended = self.finish(
                    run.job, JobStatus.CANCELLED, error="cancelled", result=run.result
                )
                await asyncio.shield(ended)
            if ours and stop is not None:
                raise stop from None
            raise
        except Exception as error:
            known = isinstance(error, HubError)
            message = error.message if isinstance(error, HubError) else type(error).__name__
            if not known:
                _log.exception("job %s ended by a fault of the program", run.job.id)
            if not isinstance(error, LostLeaseError):
                await self.finish(run.job, JobStatus.FAILED, error=message, result=run.result)
            raise
        else:
            status = JobStatus.FAILED if run.error else JobStatus.COMPLETED
            await self.finish(run.job, status, error=run.error, result=run.result)
        finally:
            heed.cancel()
            del self._here[run.job.id]

    async def progress(self, job: Job, progress: Progress) -> Job:
        """Write down how far a job has come."""
        job = replace(job, progress=progress)
        await self._table.save(job)
        self._context.bus.publish(JobChanged(job.id))
        return job

    async def finish(
        self,
        job: Job,
        status: JobStatus,
        *,
        error: str | None = None,
        progress: Progress | None = None,
        result: Mapping[str, object] | None = None,
    ) -> Job:
        """Write down how a job ended, or that it is paused."""
        payload = dict(job.payload) | ({"result": result} if result is not None else {})
        self._held.pop(job.id, None)
        job = replace(
            job,
            status=status,
            error=None if error is None else text.clean(error, 2000),
            progress=progress or job.progress,
            payload=payload,
            finished_at=text.now() if status.ended else None,
        )
        await self._table.save(job)
        await self._table.ask(job.id, None)
        self._context.bus.publish(JobChanged(job.id))
        return job

    async def log(self, job: str, *lines: str) -> None:
        """Add lines to a job's log."""
        await self._table.log(job, *(f"{text.now()} {text.clean(line, 1000)}" for line in lines))
        self._context.bus.publish(JobChanged(job))

    async def _until_ended(self, job: str) -> None:
        """Give another process a moment to end a job."""
        for _ in range(round(_OWNER_SECONDS / _POLL)):
            if (await self.get(job)).status.ended:
                return
            await asyncio.sleep(_POLL)

    async def recover(self) -> tuple[Job, ...]:
        """Take live jobs away from processes that are gone: downloads pause, the rest failed."""
        orphans = []
        live = (JobStatus.PENDING, JobStatus.RUNNING)
        for job in await self._table.list((), live, 1000):
            if job.owner is None or not _gone(job.owner, job.beat):
                continue
            if not await self._table.take(job, self._context.owner, job.status):
                continue  # another process was quicker
            paused = job.type is JobType.DOWNLOAD
            await self.log(job.id, "the process that ran this ended before the job did")
            status = JobStatus.PAUSED if paused else JobStatus.FAILED
            error = f"{INTERRUPTED}: the process that ran it is gone"
            orphans.append(await self.finish(await self.get(job.id), status, error=error))
        return tuple(orphans)

    def runs_elsewhere(self, job: Job) -> bool:
        """Whether another process that lives runs a job, or has it in line."""
        return (
            job.status in (JobStatus.PENDING, JobStatus.RUNNING)
            and job.owner is not None
            and job.owner != self._context.owner
            and not _gone(job.owner, job.beat)
        )

    async def _heed(self, job: str) -> None:
        """End a piece of work of this process when another process asks for it."""
        while True:
            await asyncio.sleep(_HEED_SECONDS)
            try:
                asked = await self._table.requests([job])
            except HubError as error:
                _log.warning("what others ask of job %s cannot be read: %s", job, error.message)
                continue
            if asked.get(job) == "cancel":
                self._here[job]()
                return

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(leases.BEAT)
            held = {job: fence for job, (fence, _) in self._held.items()}
            try:
                gone = await self._table.renew(held) if held else ()
            except HubError as error:
                _log.warning("the leases of the jobs could not be renewed: %s", error.message)
                continue
            for job in gone:
                if job in self._held and self._held[job][0] == held[job]:
                    _, lost = self._held.pop(job)
                    _log.warning("another process took over job %s", job)
                    lost()


def _gone(owner: Owner, beat: float) -> bool:
    """Whether the owner of a job is dead, or was silent for so long that others may take it."""
    return not processes.alive(owner) or processes.silent(owner, beat, leases.TTL)
