"""Jobs: the history of background work, and asking its owner for something."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.errors import (
    LostLeaseError,
    RefusedError,
)
from tui_hub.domain.jobs import Job, JobStatus, JobType, Progress
from tui_hub.events import JobChanged
from tui_hub.services.context import Context
from tui_hub.services.jobs.held import HeldJobs, Lost, is_orphan
from tui_hub.services.jobs.history import JobHistory
from tui_hub.settings import HOOK_VARIABLE

Handler = Callable[[Job], Awaitable[None]]
Retry = Callable[[Job], Awaitable[Job | None]]
"""Runs a job again; gives the new one where it makes another."""
_log = logging.getLogger(__name__)

INTERRUPTED = "interrupted"
"""How the error of a job begins that stopped without anybody asking for it."""
HOOK = "hook"
"""In the payload of a job: the hook whose program asked for it. No hook is told of such a job in
any process, or hooks and jobs could call each other for ever."""
_OWNER_SECONDS = 5.0
"""How long to wait for another process to do what it was asked."""
_POLL = 0.1


class Jobs(JobHistory):
    """Keeps jobs in the database; whoever runs a type of job says how to cancel and retry it."""

    def __init__(self, context: Context, wake: Callable[[JobType], object]) -> None:
        """Keep the jobs of a home.

        Args:
            context: the home.
            wake: makes what runs a type of job here, which then calls `handle`.
        """
        super().__init__(context.hub.jobs)
        self._context = context
        self._wake = wake
        self._cancel: dict[JobType, Handler] = {}
        self._retry: dict[JobType, Retry] = {}
        self._running: dict[str, Callable[[], None]] = {}
        self._told: list[Callable[[Job], None]] = []
        self.held = HeldJobs(context.hub)
        """The jobs that this process runs, or has in line."""

    def tell(self, listener: Callable[[Job], None]) -> None:
        """Have `listener` called with each job that this process ends, once that is written down.

        The bus is no place for that: who reads it may come too late for the end of the program.
        """
        self._told.append(listener)

    def handle(self, kind: JobType, *, retry: Retry, cancel: Handler | None = None) -> None:
        """Say how jobs of a type are retried here, and cancelled, if not by ending their `run`."""
        self._retry[kind] = retry
        if cancel is not None:
            self._cancel[kind] = cancel

    async def cancel(self, job: str) -> Job:
        """Cancel a job, in whichever process it runs.

        Raises:
            NotFoundError: when there is none.
            RefusedError: when it has ended already, or was done before anybody could end it.
        """
        found = await self.get(job)
        if found.status.ended:
            raise RefusedError(f"job {found.id} is {found.status} already")
        if self.runs_elsewhere(found):
            await self._table.ask(found.id, "cancel")
            return await self._end_of(found)
        self._wake(found.type)
        if found.type in self._cancel:
            await self._cancel[found.type](found)
        elif found.id in self._running:
            self._running[found.id]()
            return await self._end_of(found)
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
        self._wake(found.type)
        if found.type not in self._retry:
            raise RefusedError(f"jobs of the type {found.type} cannot be retried; start it again")
        payload = self._asked_for(found.payload)
        if payload != found.payload:
            found = replace(found, payload=payload)
            await self._table.save(found)
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
            id=secrets.token_hex(6),
            type=kind,
            payload=self._asked_for(payload),
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
        self.held.add(taken, lost)
        if status is JobStatus.RUNNING:
            owner = self._context.owner
            await self.log(job.id, f"try {taken.attempts}, by process {owner.pid} on {owner.host}")
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

    async def confirm(self, job: Job) -> None:
        """Make sure that a job is still this process's, before something that lasts.

        Raises:
            LostLeaseError: when it is not.
        """
        if await self._table.renew({job.id: job.fence}):
            raise LostLeaseError(f"job {job.id} belongs to another process now")

    def ends_with(self, job: str, end: Callable[[], None] | None) -> None:
        """Say how work on a job of this process is ended; `None` once there is none."""
        if end is None:
            self._running.pop(job, None)
        else:
            self._running[job] = end

    async def asked_to_end(self, job: str) -> bool:
        """Whether another process asks for the end of a job of this one."""
        return (await self._table.requests([job])).get(job) == "cancel"

    async def progress(
        self, job: Job, progress: Progress, result: Mapping[str, object] | None = None
    ) -> Job:
        """Write down how far a job has come, and what it would leave if it ended now."""
        payload = job.payload if result is None else {**job.payload, "result": result}
        job = replace(job, progress=progress, payload=payload)
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
        noted: Mapping[str, object] | None = None,
    ) -> Job:
        """Write down how a job ended, or that it is paused; `noted` goes into its payload."""
        payload = {**job.payload, **(noted or {})}
        if result is not None:
            payload["result"] = result
        self.held.remove(job.id)
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
        if status.ended:
            for listener in self._told:
                listener(job)
        return job

    async def log(self, job: str, *lines: str) -> None:
        """Add lines to a job's log."""
        await self._table.log(job, *(f"{text.now()} {text.clean(line, 1000)}" for line in lines))
        self._context.bus.publish(JobChanged(job))

    def _asked_for(self, payload: Mapping[str, object]) -> dict[str, object]:
        """A payload with the mark of the hook that this process runs for, if it does."""
        hook = self._context.configuration.environment.get(HOOK_VARIABLE)
        plain = {key: value for key, value in payload.items() if key != HOOK}
        return plain | {HOOK: text.clean(hook)} if hook else plain

    async def _end_of(self, job: Job) -> Job:
        """The job that was asked to end, after a moment for that.

        Raises:
            RefusedError: when it went to its end instead, since that was near.
        """
        for _ in range(round(_OWNER_SECONDS / _POLL)):
            job = await self.get(job.id)
            if job.status.ended:
                break
            await asyncio.sleep(_POLL)
        if job.status is JobStatus.COMPLETED:
            raise RefusedError(f"too late: {_what_it_did(job)}")
        return job

    async def recover(self) -> tuple[Job, ...]:
        """Take live jobs away from processes that are gone: downloads pause, the rest failed."""
        orphans = []
        live = (JobStatus.PENDING, JobStatus.RUNNING)
        for job in await self._table.list((), live, 1000):
            if self.held.has(job) or not is_orphan(job):
                continue  # a process that was suspended is not gone for itself
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
            and not is_orphan(job)
        )


def _what_it_did(job: Job) -> str:
    """What came of a job that is completed, in words."""
    result = job.payload.get("result")
    if job.type is JobType.ACTIVATE and isinstance(result, Mapping):
        return f"{job.payload.get('model')} is {result.get('status')}"
    return f"job {job.id} is {job.status}"
