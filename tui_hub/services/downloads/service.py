"""Downloads: the queue, and everything a person can do to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Unpack

from tui_hub import text
from tui_hub.domain.downloads import Download, Plan
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.events import DownloadChanged
from tui_hub.services.context import Context, parse_id
from tui_hub.services.downloads.choices import Choice, Wishes
from tui_hub.services.downloads.gone_revisions import plan_instead
from tui_hub.services.downloads.nobodys import is_nobodys, leave_to_others, nobodys
from tui_hub.services.downloads.orders import LIVE, payload_of, progress_of, unfinished
from tui_hub.services.downloads.pictures import text_of
from tui_hub.services.downloads.plans import Planner, refuse_if_full
from tui_hub.services.downloads.queue import DownloadQueue
from tui_hub.services.downloads.runner import DownloadRunner
from tui_hub.services.downloads.waits import is_due
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.metadata import Metadata
from tui_hub.services.models.repositories import Repositories
from tui_hub.services.models.trust import refuse_untrusted
from tui_hub.services.recovery import recover_jobs

_POLL_SECONDS = 0.5


class Downloads:
    """Runs downloads as jobs, a few at a time, in the order of the queue."""

    def __init__(
        self, context: Context, jobs: Jobs, repositories: Repositories, metadata: Metadata
    ) -> None:
        self._context = context
        self._jobs = jobs
        self._planner = Planner(context, repositories)
        self._runner = DownloadRunner(context, jobs, metadata)
        self._queue = DownloadQueue(context, jobs, self._runner)
        jobs.handle(JobType.DOWNLOAD, cancel=self._queue.cancel, retry=self._retry)

    @property
    def limit(self) -> int:
        """Bytes a second for all downloads of this process together; 0 is no limit."""
        return self._runner.mover.rate

    def set_limit(self, rate: int) -> None:
        """Change the bandwidth limit, for running downloads too."""
        self._runner.mover.rate = rate

    @property
    def beside(self) -> int | None:
        """The process that moves large files, while there is one."""
        return self._runner.mover.pid

    def step_aside(self) -> None:
        """Move large files in a process of its own, so that a screen in this one stays quick."""
        self._runner.mover.step_aside()

    async def plan(self, model: str | ModelId, **wishes: Unpack[Wishes]) -> Plan:
        """What a download would do, before its first byte.

        Args:
            model: its id.
            wishes: what to take of it; see `Wishes`.

        Raises:
            NotFoundError: no such model, revision, file or variant.
            UnreachableError: the files are unknown, and the source cannot be asked.
        """
        revision, refresh = wishes.get("revision"), wishes.get("refresh", True)
        choice = Choice.of(wishes)
        return await self._planner.plan(parse_id(model), choice, revision, refresh=refresh)

    async def start(self, model: str | ModelId, **wishes: Unpack[Wishes]) -> Job:
        """Queue a download; an unfinished one of the same files goes on instead.

        Args:
            model: its id.
            wishes: what to take of it; see `Wishes`.

        Raises:
            NotFoundError: no such model, revision, file or variant.
            NoSpaceError: the disk does not take it.
            UnreachableError: the files are unknown, and the source cannot be asked.
        """
        return await self.begin(await self.plan(model, **wishes))

    async def begin(self, plan: Plan, variant: str | None = None, *, detached: bool = False) -> Job:
        """Queue what a plan describes; an unfinished download of the same files goes on instead.

        One that another process is at stays with it.

        Args:
            plan: the files.
            variant: the variant that was asked for by name, where the plan does not say so.
            detached: leave it to a process that works in the background, not this one.

        Raises:
            NoSpaceError: the disk does not take it.
            RefusedError: the store cannot be written, or the settings trust nobody there.
        """
        await refuse_untrusted(self._context, plan)
        await self._context.prepare_store()
        refuse_if_full(plan)
        payload = payload_of(plan, variant)
        job = await unfinished(self._jobs, payload)
        if job is not None and self._jobs.runs_elsewhere(job):
            return job
        if job is None:
            job = await self._jobs.create(JobType.DOWNLOAD, payload, detached=detached)
        elif detached and job.id not in self._queue:
            job = await self._jobs.leave(job)
        if detached:
            return job
        if job.id not in self._queue:
            await self._queue.enter(job, progress_of(plan))
        return job

    async def follow(self, job: str) -> AsyncIterator[Download]:
        """The download as it goes on, a few times a second, until it ends or pauses."""
        with self._context.bus.subscribe() as events:
            picture = await self.require(job)
            yield picture
            while picture.status in (JobStatus.PENDING, JobStatus.RUNNING):
                if picture.local:
                    await events.wait(_POLL_SECONDS)
                else:
                    await asyncio.sleep(_POLL_SECONDS)
                    await recover_jobs(self._context, self._jobs)
                picture = await self.require(job)
                yield picture

    async def wait(self, job: str) -> Download:
        """The download once it has ended or paused."""
        last = await self.require(job)
        async for picture in self.follow(job):
            last = picture
        return last

    async def current(self) -> tuple[Download, ...]:
        """This session's downloads in the order of the queue, then other processes' live ones."""
        shown = self._queue.pictures()
        idle = [job for job, one in shown.items() if job not in self._queue and not _over(one)]
        live = await self._jobs.list((JobType.DOWNLOAD,), LIVE)
        stored = {job.id: job for job in live} | {job: await self._jobs.get(job) for job in idle}
        for job in stored.values():
            ours = job.id in self._queue
            if not ours and (job.id not in shown or shown[job.id].status is not job.status):
                shown[job.id] = await self._runner.picture(job)
        order = {job: number for number, job in enumerate(self._queue)}
        return tuple(sorted(shown.values(), key=lambda one: order.get(one.job, len(order))))

    async def get(self, job: str) -> Download | None:
        """A download by its job, or `None`."""
        picture = self._queue.picture(job)
        if self._queue.runs(job):
            return picture
        stored = await self._context.hub.jobs.get(job)
        if stored is None or stored.type is not JobType.DOWNLOAD:
            return None
        ours = picture is not None and not self._jobs.runs_elsewhere(stored)
        if picture is not None and ours and (picture.status is stored.status or _over(picture)):
            return picture
        return await self._runner.picture(stored)

    async def require(self, job: str) -> Download:
        """A download by its job.

        Raises:
            NotFoundError: when there is none.
        """
        picture = await self.get(job)
        if picture is None:
            raise NotFoundError(f"there is no download {text.clean(job, 40)!r}")
        return picture

    async def pause(self, job: str) -> None:
        """Stop a download and keep its bytes, in whichever process it runs.

        One that waits to go on by itself rests until somebody resumes it.
        """
        if job in self._queue:
            await self._queue.pause(job)
            return
        stored = await self._jobs.get(job)
        if self._jobs.runs_elsewhere(stored):
            await self._context.hub.jobs.ask(job, "pause")
        elif stored.status is JobStatus.PENDING or is_nobodys(stored):
            await self._queue.settle(stored, JobStatus.PAUSED)

    async def resume(self, job: str) -> None:
        """Let a paused download go on, in this process; one that waited has its place again."""
        await self._jobs.retry(job)

    async def retry(self, job: str) -> None:
        """Run a failed or cancelled download again; what is here already is not fetched twice.

        Where its revision is gone, it goes on with what its branch is now, and its note says so.

        Raises:
            NotFoundError: when what it wants is nowhere to be had any more.
            NoSpaceError: when the disk does not take what it would be now.
        """
        await self._jobs.retry(job)

    async def cancel(self, job: str) -> None:
        """Give a download up, and the bytes of its unfinished files with it."""
        await self._jobs.cancel(job)

    def move(self, job: str, offset: int) -> bool:
        """Move a waiting download up (negative) or down in the queue; whether it moved at all."""
        return self._queue.move(job, offset)

    @property
    def running(self) -> tuple[str, ...]:
        """The jobs that this process runs or has in line."""
        return tuple(self._queue)

    async def close(self) -> None:
        """Pause everything this process runs, and wait until it is written down."""
        async for job in self._queue.close():
            await leave_to_others(self._jobs, job)
        await self._runner.close()

    async def interrupt(self, why: str) -> int:
        """Pause what needs the network, for `adopt` to go on with; how many downloads those are.

        Args:
            why: the reason, for people.
        """
        remote = [job for job in self.running if not (await self.require(job)).near]
        for job in reversed(remote):  # none that waits gets the turn of one that stops
            await self.pause(job)
        for job in remote:
            await self.wait(job)
            await leave_to_others(self._jobs, job, why)
            self._context.bus.publish(DownloadChanged(job))
        return len(remote)

    async def adopt(self) -> int:
        """Go on with downloads that nobody runs; how many those are.

        They stopped because their program ended, were left to the background, or wait for their
        source, and it is time to try that again.
        """
        count = 0
        for job in filter(is_due, reversed(await nobodys(self._jobs))):
            try:
                await self._queue.enter(job)
            except RefusedError:
                continue  # another process was quicker
            count += 1
        return count

    def persist(self) -> None:
        """Try again what cannot be reached, from now on: this process stays and calls `adopt`."""
        self._runner.endings.persistent = True

    async def any_waits(self) -> bool:
        """Whether a download waits for some process to go on with it, be it due yet or not."""
        return bool(await nobodys(self._jobs))

    async def mark_interrupted(self, job: str) -> None:
        """Note that nobody asked for a pause: whichever process looks for work goes on with it."""
        await leave_to_others(self._jobs, job)

    async def _retry(self, job: Job) -> Job | None:
        plan = await plan_instead(self._context, self._planner, job)
        if plan is None:
            await self._queue.enter(job)
            return None
        await refuse_untrusted(self._context, plan)
        refuse_if_full(plan)
        note = f"revision {str(job.payload.get('revision'))[:12]} is gone: this is {plan.ref} now"
        payload = payload_of(plan, text_of(job.payload.get("variant")))
        job = replace(job, payload={**job.payload, **payload, "note": note})
        await self._context.hub.jobs.save(job)
        await self._queue.enter(job, progress_of(plan))
        return None


def _over(picture: Download) -> bool:
    """Whether a download of this process has ended, even if that could not be written down."""
    return picture.status.ended
