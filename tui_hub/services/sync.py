"""The sync: bring feeds up to date, one process at a time, resumable at the page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from tui_hub import processes, text
from tui_hub.domain.errors import NotFoundError, RefusedError
from tui_hub.domain.feeds import Feed, FeedReport, FeedState, FeedStatus, SyncReport
from tui_hub.domain.identifiers import SOURCES, ModelId
from tui_hub.domain.jobs import Job, JobStatus, JobType, Progress
from tui_hub.events import FeedChanged
from tui_hub.services.context import Context, is_model_id
from tui_hub.services.feed_sync import FeedSync
from tui_hub.services.jobs import Jobs
from tui_hub.services.reports import read_report, write_report
from tui_hub.services.repositories import Repositories
from tui_hub.sources import feeds_from

LEASE = "sync"
_LEASE_SECONDS = 60.0
_POLL_SECONDS = 0.5
_MANY = 10_000
"""New models after which putting the search index in order pays."""

Target = Feed | ModelId


class Sync:
    """Runs feeds under a lease, so that only one process of a home syncs at a time."""

    def __init__(self, context: Context, jobs: Jobs, repositories: Repositories) -> None:
        self._context = context
        self._jobs = jobs
        self._repositories = repositories
        self._feeds = feeds_from(context.configuration.settings)
        self._task: asyncio.Task[SyncReport] | None = None
        jobs.handle(JobType.SYNC, cancel=self._cancel_job, retry=self._retry_job)

    @property
    def running(self) -> bool:
        """Whether this process syncs right now."""
        return self._task is not None and not self._task.done()

    def feeds(self) -> tuple[Feed, ...]:
        """All feeds, shipped and the user's own."""
        return self._feeds

    async def status(self) -> tuple[FeedStatus, ...]:
        """What is known of each feed."""
        known = {status.feed: status for status in await self._context.catalogue.feeds.list()}
        statuses = [known.get(feed.name, FeedStatus(feed=feed.name)) for feed in self._feeds]
        if await self._holder_alive():
            return tuple(statuses)
        return tuple(
            replace(status, state=FeedState.PARTIAL, error="interrupted; the next sync goes on")
            if status.state is FeedState.RUNNING
            else status
            for status in statuses
        )

    async def run(self, targets: Sequence[str] = (), full: bool = False) -> SyncReport:
        """Sync all feeds, or the feeds, sources and models that are named, and wait for the end.

        While another process syncs this home, its sync is followed to its end instead, unless
        single models were asked for.

        Raises:
            NotFoundError: when a name is no feed, source or model.
            HubError: when a single model cannot be listed.
        """
        chosen = self._choose(targets)
        models = [target for target in chosen if isinstance(target, ModelId)]
        feeds = [target for target in chosen if isinstance(target, Feed)]
        reports = [await self._repositories.sync(model) for model in models]
        if feeds or not targets:
            task = self.start_feeds(feeds)
            try:
                reports.extend((await asyncio.shield(task)).feeds)
            except asyncio.CancelledError:
                await self.cancel()
                raise
        return SyncReport(feeds=tuple(reports))

    def start(self, targets: Sequence[str] = ()) -> None:
        """Sync in the background; does nothing while a sync of this process runs."""
        feeds = [target for target in self._choose(targets) if isinstance(target, Feed)]
        self.start_feeds(feeds)

    def start_feeds(self, feeds: Sequence[Feed]) -> asyncio.Task[SyncReport]:
        """The task that syncs these feeds, or the one that runs already."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run_or_follow(feeds), name="sync")
        return self._task

    async def cancel(self) -> None:
        """Stop the sync, here or in the process that runs it; what it wrote stays."""
        if self.running and self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            return
        for job in await self._jobs.list((JobType.SYNC,), (JobStatus.RUNNING,)):
            await self._context.hub.jobs.ask(job.id, "cancel")

    async def close(self) -> None:
        """Stop a sync of this process, if there is one."""
        if self.running:
            await self.cancel()

    def _choose(self, targets: Sequence[str]) -> list[Target]:
        if not targets:
            return [feed for feed in self._feeds if feed.enabled]
        chosen: list[Target] = []
        by_name = {feed.name: feed for feed in self._feeds}
        for target in targets:
            if target in by_name:
                chosen.append(by_name[target])
            elif target in SOURCES:
                chosen.extend(
                    feed for feed in self._feeds if feed.source == target and feed.enabled
                )
            elif is_model_id(target) and ("/" in target or ":" in target):
                chosen.append(ModelId.parse(target))
            else:
                raise NotFoundError(
                    f"there is no feed, source or model {text.clean(target, 80)!r}",
                    hint="`tui-hub feeds` lists the feeds.",
                )
        return chosen

    def _feeds_of(self, source: str) -> list[Feed]:
        return [feed for feed in self._feeds if feed.source == source and feed.enabled]

    async def _run_or_follow(self, feeds: Sequence[Feed]) -> SyncReport:
        fence = await self._acquire()
        while fence is None:
            report = await self._follow()
            if report is not None:
                return report
            fence = await self._acquire()
        try:
            return await self._run_feeds(feeds, fence)
        finally:
            await self._context.hub.leases.release(LEASE, fence)

    async def _acquire(self) -> int | None:
        return await self._context.hub.leases.acquire(
            LEASE, self._context.owner, processes.alive, _LEASE_SECONDS
        )

    async def _follow(self) -> SyncReport | None:
        """Wait for another process's sync; `None` when it ended without a result."""
        running = await self._jobs.list((JobType.SYNC,), (JobStatus.RUNNING,), 1)
        if not running:
            await asyncio.sleep(_POLL_SECONDS)
            return None
        job = running[0]
        while not job.status.ended and await self._holder_alive():
            await asyncio.sleep(_POLL_SECONDS)
            job = await self._jobs.get(job.id)
            for status in await self._context.catalogue.feeds.list():
                self._context.bus.publish(FeedChanged(status.feed))
        return read_report(job.payload.get("result"))

    async def _holder_alive(self) -> bool:
        holder = await self._context.hub.leases.holder(LEASE)
        return holder is not None and processes.alive(holder)

    async def _run_feeds(self, feeds: Sequence[Feed], fence: int) -> SyncReport:
        job = await self._jobs.create(JobType.SYNC, {"feeds": [feed.name for feed in feeds]})
        job = await self._jobs.begin(job)
        keeper = asyncio.create_task(self._keep(job, fence, asyncio.current_task()))
        reports: list[FeedReport] = []
        try:
            for number, feed in enumerate(feeds):
                job = await self._jobs.progress(
                    job, Progress(done=number, total=len(feeds), unit="feeds")
                )
                report = await FeedSync(self._context, feed).run()
                reports.append(report)
                await self._jobs.log(job.id, _sentence(report))
        except asyncio.CancelledError:
            await self._jobs.finish(job, JobStatus.CANCELLED, error="cancelled")
            raise
        finally:
            keeper.cancel()
        return await self._finish(job, SyncReport(feeds=tuple(reports)))

    async def _finish(self, job: Job, report: SyncReport) -> SyncReport:
        failed = report.status == "failed"
        if sum(feed.counts.created for feed in report.feeds) >= _MANY:
            await self._context.catalogue.models.optimize()
        errors = "; ".join(dict.fromkeys(feed.error for feed in report.feeds if feed.error))
        await self._jobs.finish(
            job,
            JobStatus.FAILED if failed else JobStatus.COMPLETED,
            error=errors or None,
            progress=Progress(done=len(report.feeds), total=len(report.feeds), unit="feeds"),
            result=write_report(report),
        )
        return report

    async def _keep(self, job: Job, fence: int, worker: asyncio.Task[object] | None) -> None:
        """Keep the lease, and stop the worker when it is lost or somebody asks."""
        while worker is not None:
            await asyncio.sleep(_POLL_SECONDS)
            kept = await self._context.hub.leases.renew(LEASE, fence)
            asked = await self._context.hub.jobs.requests([job.id])
            if not kept or asked.get(job.id) == "cancel":
                worker.cancel()
                return

    async def _cancel_job(self, job: Job) -> None:
        if self.running:
            await self.cancel()
        else:
            await self._jobs.finish(job, JobStatus.CANCELLED)

    async def _retry_job(self, job: Job) -> None:
        if self.running:
            raise RefusedError("a sync is running already")
        names = job.payload.get("feeds")
        known = {feed.name for feed in self._feeds}
        self.start([name for name in names if name in known] if isinstance(names, list) else ())


def _sentence(report: FeedReport) -> str:
    """One line for the log of the job."""
    counts = report.counts
    line = (
        f"{report.feed}: {report.state}, {counts.fetched} fetched, {counts.created} new, "
        f"{counts.updated} updated, {counts.skipped} skipped"
    )
    return f"{line}: {report.error}" if report.error else line
