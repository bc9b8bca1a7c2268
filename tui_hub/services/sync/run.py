"""One sync as a job: under the lease of the home, feed after feed, with its result at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TypeGuard

from tui_hub import processes, text
from tui_hub.domain.changes import ChangeKind, ChangeQuery
from tui_hub.domain.errors import HubError, LostLeaseError, NoConnectionError
from tui_hub.domain.feeds import Feed, FeedReport, FeedState, SyncReport
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import JobStatus, JobType, Progress
from tui_hub.events import FeedChanged
from tui_hub.services.context import Context
from tui_hub.services.jobs import leases
from tui_hub.services.jobs.run import JobRun, run_job
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.repositories import Repositories
from tui_hub.services.sync.feed_sync import FeedSync
from tui_hub.services.sync.renames import follow_renames
from tui_hub.services.sync.reports import read_report, write_report
from tui_hub.services.sync.turns import Turns

_log = logging.getLogger(__name__)

LEASE = "sync"
ONLINE = "Leave out --offline, or unset HF_HUB_OFFLINE, to use the network."
_POLL_SECONDS = 0.5
_NAMED = 50
"""New models that are told by name."""

Target = Feed | ModelId
Arrived = Callable[[int, Sequence[str]], None]
"""Is told how many models a sync found as new, and the ids of some."""


def name_of(target: Target) -> str:
    """What a target is called in a report."""
    return target.name if isinstance(target, Feed) else str(target)


def needs_network(target: Target) -> TypeGuard[Feed]:
    """Whether it is a feed that lists nothing offline."""
    return isinstance(target, Feed) and target.networked


class SyncRun:
    """Syncs some targets, or follows another process that syncs this home already."""

    def __init__(
        self,
        context: Context,
        jobs: Jobs,
        repositories: Repositories,
        turns: Turns,
        targets: Sequence[Target],
        *,
        full: bool,
        arrived: Arrived,
    ) -> None:
        self._full = full
        self._arrived = arrived
        self._context = context
        self._jobs = jobs
        self._repositories = repositories
        self._turns = turns
        self._targets = tuple(targets)
        self._down: dict[str, HubError] = {}
        self._lease = 0
        self.job: str | None = None
        """The job of this sync, once it runs in this process."""
        self.began = asyncio.Event()
        """Set once there is that job."""
        self.reports: list[FeedReport] = []
        """The feeds that are done."""
        self.errors: dict[str, HubError] = {}
        """What went wrong, by the name of the target."""
        self.unwanted = False
        """Whether a person stopped it, who wants no more of it until the next turn."""

    async def run(self) -> SyncReport:
        """Sync, or follow, and return the result."""
        hub = self._context.hub
        while True:
            fence = await hub.leases.acquire(
                LEASE, self._context.owner, processes.alive, leases.TTL
            )
            if fence is None:
                report = await self._follow()
                if report is not None:
                    return report
                continue
            try:
                async with leases.held(hub, LEASE, fence):
                    return await self._work(fence)
            except LostLeaseError as error:
                _log.warning("%s; following it", error.message)

    async def _follow(self) -> SyncReport | None:
        """Wait for another process's sync; `None` when it ended without a result."""
        running = await self._jobs.list((JobType.SYNC,), (JobStatus.RUNNING,), 1)
        if not running:
            await asyncio.sleep(_POLL_SECONDS)
            return None
        job = running[0]
        while not job.status.ended and await lease_is_held(self._context):
            await asyncio.sleep(_POLL_SECONDS)
            job = await self._jobs.get(job.id)
            for status in await self._context.catalogue.feeds.list():
                self._context.bus.publish(FeedChanged(status.feed))
        # It may have ended between the look at its job and the one at its lease.
        job = await self._jobs.get(job.id)
        return read_report(job.payload.get("result"))

    async def _work(self, fence: int) -> SyncReport:
        payload = {"feeds": [name_of(target) for target in self._targets]}
        async with run_job(self._jobs, JobType.SYNC, payload) as run:
            self.job = run.job.id
            self.reports = []
            self.began.set()
            self._lease = fence
            try:
                return await self._walk(run)
            except asyncio.CancelledError:
                if self.unwanted or run.unwanted:
                    await asyncio.shield(self._put_off())
                raise
            finally:
                run.result = write_report(SyncReport(feeds=tuple(self.reports)))

    async def _walk(self, run: JobRun) -> SyncReport:
        total = len(self._targets)
        before = await self._context.catalogue.changes.last()
        for target in self._targets:
            done = Progress(done=len(self.reports), total=total, unit="feeds")
            run.job = await self._jobs.progress(run.job, done)
            if needs_network(target) and self._context.configuration.offline:
                self.reports.append(_left_alone(target))
                continue
            one = await self._sync(target)
            self.reports.append(one)
            if not one.fell_short:
                await self._turns.ended([one])
            await self._jobs.log(run.job.id, _sentence(one))
        await follow_renames(self._context)
        created = sum(one.counts.created for one in self.reports)
        await self._context.catalogue.models.finish(created)
        await self._tell_arrivals(before)
        await self._context.catalogue.changes.prune()
        # One moment for all that failed, so that one sync tries them all again.
        await self._turns.ended([one for one in self.reports if one.fell_short])
        end = Progress(done=total, total=total, unit="feeds")
        run.job = await self._jobs.progress(run.job, end)
        report = SyncReport(feeds=tuple(self.reports))
        errors = dict.fromkeys(feed.error for feed in report.feeds if feed.error)
        if report.status == "failed":
            run.error = "; ".join(str(error) for error in errors)
        return report

    async def _tell_arrivals(self, before: int) -> None:
        """Tell of the models that are new since a change of some number."""
        new = ChangeQuery(kinds=(ChangeKind.NEW,), beyond=before)
        changes = self._context.catalogue.changes
        first = await changes.list(new, _NAMED)
        self._arrived(await changes.count(new), [entry.change.model for entry in first])

    async def _sync(self, target: Target) -> FeedReport:
        """Sync one target. Once a source's address is dead, its other feeds are not tried."""
        if isinstance(target, ModelId):
            return await self._sync_model(target)
        settings = self._turns.settings
        feed = FeedSync(self._context, target, settings, self._confirm, full=self._full)
        dead = self._down.get(target.source)
        report = await (feed.run() if dead is None else feed.give_up(dead))
        if feed.error is not None:
            self.errors[target.name] = feed.error
            if isinstance(feed.error, NoConnectionError):
                self._down[target.source] = feed.error
        return report

    async def _sync_model(self, model: ModelId) -> FeedReport:
        try:
            return await self._repositories.sync(model)
        except LostLeaseError:
            raise
        except HubError as error:
            self.errors[str(model)] = error
            return FeedReport(
                feed=str(model),
                source=model.source,
                state=FeedState.SKIPPED if self._is_wish(error) else FeedState.FAILED,
                error=text.clean(error.message, 500),
                error_code=error.code,
                hint=error.hint,
            )

    def _is_wish(self, error: HubError) -> bool:
        """Whether nothing was asked because somebody wants to be offline."""
        offline = self._context.configuration.offline
        return offline and isinstance(error, NoConnectionError)

    async def _confirm(self) -> None:
        """Make sure of the lease before the next page is written.

        Raises:
            LostLeaseError: when this process was silent for so long that another went on.
        """
        if not await self._context.hub.leases.holds(LEASE, self._lease):
            raise LostLeaseError("another process syncs this home now")

    async def _put_off(self) -> None:
        """Let what is not up to date yet wait for its next turn."""
        done = {one.feed for one in self.reports if not one.fell_short}
        names = [target.name for target in self._targets if isinstance(target, Feed)]
        await self._turns.put_off([name for name in names if name not in done])


async def lease_is_held(context: Context) -> bool:
    """Whether a living process syncs this home."""
    return await leases.holder(context.hub, LEASE) is not None


def _left_alone(feed: Feed) -> FeedReport:
    """That a feed stays as it was, its state and its turn too: being offline is no fault of it."""
    return FeedReport(
        feed=feed.name,
        source=feed.source,
        state=FeedState.SKIPPED,
        error="the program is offline, so nothing was asked",
        hint=ONLINE,
    )


def _sentence(report: FeedReport) -> str:
    """One line for the log of the job."""
    counts = report.counts
    line = (
        f"{report.feed}: {report.state}, {counts.fetched} fetched, {counts.created} new, "
        f"{counts.updated} updated, {counts.removed} removed, {counts.skipped} skipped"
    )
    return f"{line}: {report.error}" if report.error else line
