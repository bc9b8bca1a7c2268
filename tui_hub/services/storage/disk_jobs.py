"""Long work on the disk as jobs: one of a type at a time in a home, followed, and ended at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from tui_hub import processes
from tui_hub.domain.disk_work import WorkPicture
from tui_hub.domain.errors import HubError, InterruptedJobError, LostLeaseError, RefusedError
from tui_hub.domain.jobs import Job, JobStatus, JobType, Progress
from tui_hub.events import WorkMoved
from tui_hub.services.context import Context
from tui_hub.services.jobs import leases
from tui_hub.services.jobs.run import JobRun, run_job
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.storage.disk_work import DiskWork

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_TICK = 0.25
"""Seconds between two pictures."""
_WRITE_EVERY = 4
"""Pictures between two writes of the progress."""

Keep = Callable[[], Awaitable[None]]


class DiskJob:
    """A job that works on the disk, in the hands of whoever does the work."""

    def __init__(self, run: JobRun, work: DiskWork) -> None:
        self.run = run
        """The job itself; its result and error are for the work to set."""
        self.work = work
        self.keep: Keep | None = None
        """Called about every second, and at the end however it comes, to write down what was found
        so far; by that the next job of its kind goes on from there after a kill."""


class DiskJobs:
    """Runs such jobs; knows how those of this process go on."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        self._context = context
        self._jobs = jobs
        self._works: dict[str, DiskWork] = {}
        self._tasks: set[asyncio.Task[object]] = set()

    def pictures(self) -> tuple[WorkPicture, ...]:
        """The work that goes on in this process."""
        return tuple(work.picture() for work in self._works.values())

    async def run(
        self,
        kind: JobType,
        payload: Mapping[str, object],
        work: Callable[[DiskJob], Awaitable[_T]],
    ) -> _T:
        """Do a piece of work as a job, and wait for its end. Cancelling it cancels the job.

        Raises:
            RefusedError: when another job of this type runs in this home.
            InterruptedJobError: when somebody cancelled the job.
        """
        async with self._alone(kind), run_job(self._jobs, kind, payload) as run:
            disk = DiskWork(run.job, self._context.configuration.settings.store.read_rate)
            job = DiskJob(run, disk)
            self._works[run.job.id] = disk
            teller = asyncio.create_task(self._tell(job), name=f"progress of {run.job.id}")
            try:
                return await work(job)
            finally:
                teller.cancel()
                await asyncio.shield(self._end(job, teller))

    async def start(
        self,
        kind: JobType,
        payload: Mapping[str, object],
        work: Callable[[DiskJob], Awaitable[object]],
    ) -> Job:
        """Do a piece of work in the background; gives its job as soon as there is one.

        Raises:
            RefusedError: when another job of this type runs in this home.
        """
        begun: asyncio.Future[Job] = asyncio.get_running_loop().create_future()

        async def tell(job: DiskJob) -> object:
            begun.set_result(job.run.job)
            return await work(job)

        task = asyncio.create_task(self.run(kind, payload, tell), name=kind.value)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait((task, begun), return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            begun.cancel()
            await task
        return await begun

    async def close(self) -> None:
        """End what runs in the background; what it found is kept."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def _alone(self, kind: JobType) -> AsyncIterator[None]:
        hub = self._context.hub
        fence = await hub.leases.acquire(
            kind.value, self._context.owner, processes.alive, leases.TTL
        )
        if fence is None:
            running = await self._jobs.list((kind,), (JobStatus.RUNNING,), 1)
            name = running[0].id if running else "ID"
            raise RefusedError(
                f"another {kind.value} of this home is running",
                hint=f"`tui-hub jobs --follow {name}` shows it, `--cancel {name}` ends it.",
            )
        async with leases.held(hub, kind.value, fence):
            yield

    async def _tell(self, job: DiskJob) -> None:
        """Tell whoever listens that there is a new picture; write it down now and then."""
        tick, written = 0, -1
        while True:
            self._context.bus.publish(WorkMoved(job.run.job.id))
            await asyncio.sleep(_TICK)
            tick += 1
            picture = job.work.picture()
            if tick % _WRITE_EVERY or picture.done == written:
                continue
            written = picture.done
            try:
                await self._write(job)
            except LostLeaseError:
                raise
            except HubError as error:
                _log.warning("job %s: %s", job.run.job.id, error.message)

    async def _write(self, job: DiskJob) -> None:
        picture = job.work.picture()
        if job.keep is not None:
            await job.keep()
        done = Progress(done=picture.done, total=picture.total)
        job.run.job = await self._jobs.progress(job.run.job, done)

    async def _end(self, job: DiskJob, teller: asyncio.Task[None]) -> None:
        """Leave nothing at work, and everything that was found written down."""
        await asyncio.gather(teller, return_exceptions=True)
        await job.work.close()
        self._works.pop(job.run.job.id, None)
        try:
            await self._write(job)
        except HubError as error:
            _log.warning("job %s: %s", job.run.job.id, error.message)
        self._context.bus.publish(WorkMoved(job.run.job.id))

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, InterruptedJobError):
            _log.warning("%s ended: %s", task.get_name(), error)
