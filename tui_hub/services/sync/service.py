"""The sync: what to bring up to date, and asking for it, watching it and stopping it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.errors import (
    InterruptedJobError,
    NoConnectionError,
    NotFoundError,
    RefusedError,
)
from tui_hub.domain.feeds import Feed, FeedReport, FeedState, FeedStatus, SyncReport
from tui_hub.domain.identifiers import SOURCES, ModelId
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.services.context import Context, is_model_id
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.repositories import Repositories
from tui_hub.services.sync.feed_list import FeedList
from tui_hub.services.sync.registered import RegisteredTurns
from tui_hub.services.sync.run import (
    ONLINE,
    Arrived,
    SyncRun,
    Target,
    lease_is_held,
    name_of,
    needs_network,
)
from tui_hub.services.sync.turns import Turns


class Sync:
    """Runs feeds under a lease, so that only one process of a home syncs at a time."""

    def __init__(
        self,
        context: Context,
        jobs: Jobs,
        repositories: Repositories,
        known: FeedList,
        arrived: Arrived,
    ) -> None:
        self._context = context
        self._jobs = jobs
        self._repositories = repositories
        self._known = known
        self.turns = Turns(context, known)
        self.registered = RegisteredTurns(context, known)
        self._early: set[str] = set()
        """Feeds whose turn is to come at once, when no sync runs that knows them as they were."""
        self._run: SyncRun | None = None
        self._task: asyncio.Task[SyncReport] | None = None
        self._arrived = arrived
        jobs.handle(JobType.SYNC, cancel=self._cancel_job, retry=self._retry_job)

    @property
    def running(self) -> bool:
        """Whether this process syncs right now, or follows another that does."""
        return self._task is not None and not self._task.done()

    @property
    def report(self) -> SyncReport:
        """What this process's present or last sync has done so far."""
        return SyncReport(feeds=tuple(self._run.reports) if self._run else ())

    def feeds(self) -> tuple[Feed, ...]:
        """All feeds, shipped and the user's own, as the settings file tells them now."""
        return self._known.all

    async def status(self) -> tuple[FeedStatus, ...]:
        """What is known of each feed."""
        statuses = [self.turns.shown(status) for status in await self.turns.statuses()]
        if await lease_is_held(self._context):
            return tuple(statuses)
        return tuple(
            replace(status, state=FeedState.PARTIAL, error="interrupted; the next sync goes on")
            if status.state is FeedState.RUNNING
            else status
            for status in statuses
        )

    async def run(self, targets: Sequence[str] = (), full: bool = False) -> SyncReport:
        """Sync everything, or the feeds, sources and models that are named, and wait for the end.

        While another process syncs this home, its sync is followed to its end first; what it did
        not bring is synced afterwards.

        Args:
            targets: names of feeds, sources and models; none for all enabled feeds and all
                registered repositories with a sync of their own.
            full: walk everything, and find what vanished upstream.

        Raises:
            NotFoundError: when a name is no feed, source or model.
            NoConnectionError: when all that is named are feeds that need the network, offline.
            InterruptedJobError: when somebody else cancelled the sync.
            HubError: when a single model was asked for and cannot be listed.
        """
        chosen = await self._choose(targets)
        offline = self._context.configuration.offline
        if offline and targets and chosen and all(map(needs_network, chosen)):
            raise NoConnectionError("offline: no feed was asked", hint=ONLINE)
        done: dict[str, FeedReport] = {}
        while missing := [target for target in chosen if name_of(target) not in done]:
            ours = not self.running
            task = self._begin(missing, full=full)
            report = await self._wait(task)
            own = ours and self._run is not None and self._run.job is not None
            if own or not full:
                done |= {feed.feed: feed for feed in report.feeds}
            if own:
                break
        if len(chosen) == 1 and isinstance(chosen[0], ModelId) and self._run is not None:
            error = self._run.errors.get(str(chosen[0]))
            if isinstance(error, NotFoundError) and "/" not in targets[0]:
                error.message = f"no feed is called {chosen[0]}, and {error.message}"
                error.hint = f"`tui-hub feeds` lists the feeds. {error.hint or ''}".rstrip()
            if error is not None:
                raise error
        wanted = [name_of(target) for target in chosen]
        return SyncReport(feeds=tuple(done[name] for name in wanted if name in done))

    def start(self, targets: Sequence[str] = ()) -> None:
        """Sync in the background; does nothing while a sync of this process runs."""
        by_name = {feed.name: feed for feed in self._known.all}
        chosen = [by_name[name] for name in targets if name in by_name]
        self._begin(chosen or [feed for feed in self._known.all if feed.enabled])

    async def bring_forward(self, feeds: Collection[str] = ()) -> None:
        """Let feeds have their turn at once, or else as soon as the sync that runs now has ended.

        Its end would set the turns of feeds anew that it knows as they were before.
        """
        self._early.update(feeds)
        if self._early and not await lease_is_held(self._context):
            early, self._early = self._early, set()
            await self.turns.at_once(early)
            # The schedule may have looked in between, and found that nothing is due.
            self._known.changed.set()

    async def cancel(self) -> None:
        """Stop the sync, here or in the process that runs it; what it wrote stays.

        Its feeds wait for their next turns, for whoever cancels wants none of it now.
        """
        if self._run is not None and self.running:
            self._run.unwanted = True
            await self.close()
            return
        for job in await self._jobs.list((JobType.SYNC,), (JobStatus.RUNNING,)):
            await self._context.hub.jobs.ask(job.id, "cancel")

    async def close(self) -> None:
        """Stop a sync of this process, if there is one; its feeds are still due."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _begin(self, targets: Sequence[Target], *, full: bool = False) -> asyncio.Task[SyncReport]:
        """The task that syncs these targets, or the one that runs already."""
        if self._task is None or self._task.done():
            self._run = SyncRun(
                self._context,
                self._jobs,
                self._repositories,
                self.turns,
                targets,
                full=full,
                arrived=self._arrived,
            )
            self._task = asyncio.create_task(self._run.run(), name="sync")
        return self._task

    async def _wait(self, task: asyncio.Task[SyncReport]) -> SyncReport:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            this = asyncio.current_task()
            if this is None or not this.cancelling():
                raise InterruptedJobError(
                    "the sync was cancelled", hint="The next sync goes on from there."
                ) from None
            await self.cancel()
            raise

    async def _choose(self, targets: Sequence[str]) -> list[Target]:
        if not targets:
            own = [one for one in await self._context.hub.registrations.list() if one.auto_sync]
            enabled: list[Target] = [feed for feed in self._known.all if feed.enabled]
            return enabled + [ModelId.parse(one.model) for one in own]
        chosen: list[Target] = []
        for target in targets:
            chosen.extend(self._named(target))
        return list({name_of(target): target for target in chosen}.values())

    def _named(self, name: str) -> list[Target]:
        """What one name means: a feed before a source before a model."""
        by_name = {feed.name: feed for feed in self._known.all}
        if name in by_name:
            return [by_name[name]]
        if name in SOURCES:
            return [feed for feed in self._known.all if feed.source == name and feed.enabled]
        if is_model_id(name) and ("/" in name or ":" in name):
            return [ModelId.parse(name)]
        raise NotFoundError(
            f"there is no feed, source or model {text.clean(name, 80)!r}",
            hint="`tui-hub feeds` lists the feeds.",
        )

    async def _cancel_job(self, job: Job) -> None:
        if self.running and self._run is not None and self._run.job == job.id:
            await self.cancel()
        else:
            await self._jobs.finish(job, JobStatus.CANCELLED)

    async def _retry_job(self, job: Job) -> Job | None:
        if self.running:
            raise RefusedError("a sync is running already")
        names = job.payload.get("feeds")
        task = self._begin(await self._choose(names if isinstance(names, list) else ()))
        if self._run is None:
            return None
        began = asyncio.create_task(self._run.began.wait())
        await asyncio.wait((task, began), return_when=asyncio.FIRST_COMPLETED)
        began.cancel()
        return await self._jobs.get(self._run.job) if self._run.job is not None else None
