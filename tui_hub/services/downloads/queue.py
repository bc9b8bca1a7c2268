"""The downloads of this process: those that run, and those that wait in line for that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial

from tui_hub.domain.downloads import Download
from tui_hub.domain.errors import RefusedError
from tui_hub.domain.jobs import Job, JobStatus, Progress
from tui_hub.events import DownloadChanged
from tui_hub.services.context import Context
from tui_hub.services.downloads.run import DownloadRun
from tui_hub.services.downloads.runner import DownloadRunner
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.statuses import settle_status


class DownloadQueue:
    """Runs a few downloads at a time, in their order, and remembers how all of them stand."""

    def __init__(self, context: Context, jobs: Jobs, runner: DownloadRunner) -> None:
        self._context = context
        self._jobs = jobs
        self._runner = runner
        self._most = context.configuration.settings.downloads.jobs
        self._waiting: list[str] = []
        self._places: dict[str, int] = {}
        """Where in the line those go on that were paused: where they waited, or first of all."""
        self._running: dict[str, DownloadRun] = {}
        self._pictures: dict[str, Download] = {}
        """How those stand that do not run now, ended ones too."""
        self._closing = False

    def __iter__(self) -> Iterator[str]:
        """The jobs that run or wait, in their order."""
        return iter((*self._running, *self._waiting))

    def __contains__(self, job: object) -> bool:
        return job in self._running or job in self._waiting

    def runs(self, job: str) -> bool:
        """Whether a download runs here at this moment."""
        return job in self._running

    def picture(self, job: str) -> Download | None:
        """A download as this process knows it; `None` when it does not."""
        run = self._running.get(job)
        return self._pictures.get(job) if run is None else run.snapshot()

    def pictures(self) -> dict[str, Download]:
        """All downloads that this process knows, by their jobs."""
        return {**self._pictures, **{job: run.snapshot() for job, run in self._running.items()}}

    async def enter(self, job: Job, progress: Progress | None = None) -> None:
        """Take a job, and let it wait for its turn; one that was paused has its place again.

        Raises:
            RefusedError: when it runs already, or another process was quicker.
        """
        if job.id in self._running:
            raise RefusedError(f"job {job.id} is running already")
        job = await self._jobs.take(job, JobStatus.PENDING, partial(self._lose, job.id))
        if progress is not None and self._jobs.held.has(job):
            job = await self._jobs.progress(job, progress)
        picture = await self._runner.picture(job)
        if not self._jobs.held.has(job):
            return  # it was paused or given up before it had its place in the line
        self._pictures[job.id] = picture
        if job.id not in self._waiting:
            self._waiting.insert(self._places.pop(job.id, len(self._waiting)), job.id)
        await settle_status(self._context, str(job.payload.get("model")))
        self._context.bus.publish(DownloadChanged(job.id))
        self._pump()

    async def pause(self, job: str) -> None:
        """Stop a download that runs, or take one out of the line."""
        run = self._running.get(job)
        if run is not None:
            self._places[job] = 0
            run.stop(JobStatus.PAUSED)
        elif job in self._waiting:  # it may have been given up, or lost, while others were paused
            self._places[job] = self._waiting.index(job)
            self._waiting.remove(job)
            await self.settle(await self._jobs.get(job), JobStatus.PAUSED)

    async def cancel(self, job: Job) -> None:
        """Give a download up, whether it runs here, waits here, or neither."""
        self._places.pop(job.id, None)
        run = self._running.get(job.id)
        if run is not None:
            run.stop(JobStatus.CANCELLED)
            await run.ended()
            return
        if job.id in self._waiting:
            self._waiting.remove(job.id)
        await self.settle(job, JobStatus.CANCELLED)

    async def settle(self, job: Job, status: JobStatus) -> None:
        """Write down how a download stands that does not run."""
        if status is JobStatus.CANCELLED:
            await self._runner.endings.give_back(job)
        job = await self._jobs.finish(job, status)
        self._pictures[job.id] = await self._runner.picture(job)
        await settle_status(self._context, str(job.payload.get("model")))
        self._context.bus.publish(DownloadChanged(job.id))

    def move(self, job: str, offset: int) -> bool:
        """Move a waiting download up (negative) or down; whether it moved at all."""
        if job not in self._waiting:
            return False
        before = self._waiting.index(job)
        self._waiting.insert(max(0, before + offset), self._waiting.pop(before))
        if self._waiting.index(job) == before:
            return False
        self._context.bus.publish(DownloadChanged(job))
        return True

    async def close(self) -> AsyncIterator[str]:
        """Pause everything, and give each job as soon as that is written down."""
        self._closing = True
        for job in tuple(self._waiting):
            await self.pause(job)
            yield job
        runs = tuple(self._running.values())
        for run in runs:
            run.stop(JobStatus.PAUSED)
        await asyncio.gather(*(run.ended() for run in runs), return_exceptions=True)
        for run in runs:
            yield run.job

    def _pump(self) -> None:
        """Start waiting downloads while there is room."""
        while self._waiting and len(self._running) < self._most and not self._closing:
            job = self._waiting.pop(0)
            run = self._runner.start(self._pictures[job], self._heed, self._ended)
            self._running[job] = run

    def _ended(self, job: str, picture: Download) -> None:
        run = self._running.pop(job, None)
        self._pictures[job] = picture
        if run is not None and run.lost:
            del self._pictures[job]
        self._context.bus.publish(DownloadChanged(job))
        self._pump()

    def _lose(self, job: str) -> None:
        """Forget a download that another process took out of the line here."""
        if job in self._waiting:
            self._waiting.remove(job)
            self._pictures.pop(job, None)
            self._context.bus.publish(DownloadChanged(job))

    async def _heed(self) -> None:
        """Do what other processes ask of the downloads that wait in line here."""
        for job, asked in (await self._context.hub.jobs.requests(self._waiting)).items():
            if asked == "cancel":
                await self.cancel(await self._jobs.get(job))
            else:
                await self.pause(job)
