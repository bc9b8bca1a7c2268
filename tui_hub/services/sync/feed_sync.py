"""The sync of one feed: page by page, rows and cursor in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from tui_hub import text
from tui_hub.domain.errors import AbsentError, HubError, LostLeaseError, UnreachableError
from tui_hub.domain.feeds import Counts, Feed, FeedReport, FeedState, FeedStatus, SyncMode
from tui_hub.domain.models import Model
from tui_hub.events import CatalogueChanged, FeedChanged
from tui_hub.services.context import Context
from tui_hub.services.sync.missing import Missing
from tui_hub.services.sync.walks import begun, ended, moved
from tui_hub.settings import SyncSettings
from tui_hub.sources.base import Source, SourcePage

_log = logging.getLogger(__name__)


_ROWS = 5000
"""Records to a transaction: twice as fast as a thousand, and short enough for readers."""
_SECONDS = 1.0
"""How long a page waits for others, so that a slow source is seen to move."""


@dataclass(slots=True)
class _Waiting:
    """Pages that are not written yet."""

    status: FeedStatus
    """The feed as it stands with them."""
    since: float
    models: list[Model] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


class FeedSync:
    """Walks a feed's pages into the catalogue, from where an interrupted sync stopped."""

    def __init__(
        self,
        context: Context,
        feed: Feed,
        settings: SyncSettings,
        confirm: Callable[[], Awaitable[None]],
        *,
        full: bool = False,
    ) -> None:
        """Made for one sync.

        Args:
            context: the open home.
            feed: what to bring up to date.
            settings: how often it is walked whole.
            confirm: raises `LostLeaseError` when another process does so by now; called before
                anything is written.
            full: whether to walk everything, not only what changed.
        """
        self._full = full
        self._context = context
        self._confirm = confirm
        self._feed = feed
        self._settings = settings
        self._table = context.catalogue.feeds
        self._status = FeedStatus(feed=feed.name)
        """The feed as it is written down."""
        self._waiting: _Waiting | None = None
        self._time = asyncio.get_running_loop().time
        self.error: HubError | None = None
        """What ended the sync too early."""

    async def run(self) -> FeedReport:
        """Bring the feed up to date. What goes wrong at the source is in the report."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        await self._begin()
        try:
            await self._walk()
        except LostLeaseError:
            raise
        except AbsentError as absence:
            self.error = absence
            _log.info("feed %s: %s", self._feed.name, absence.message)
        except HubError as failure:
            self.error = failure
            _log.warning("feed %s: %s", self._feed.name, failure.message)
        except asyncio.CancelledError:
            await self._write(state=FeedState.PARTIAL, error="cancelled")
            raise
        except Exception:
            await self._write(state=FeedState.FAILED, error="a fault of the program ended it")
            raise
        await self._end(self.error, loop.time() - started)
        return self._report()

    async def give_up(self, error: HubError) -> FeedReport:
        """Say that the feed failed, without asking an address that is known to be dead."""
        self.error = error
        await self._begin()
        await self._end(error, 0.0)
        return self._report()

    async def _begin(self) -> None:
        before = await self._table.get(self._feed.name)
        now = self._context.clock.now()
        before = begun(before, self._feed, self._settings, now, full=self._full)
        self._status = replace(
            before, last_sync=text.now(), counts=Counts(), requests=0, bytes=0, seconds=0.0
        )
        await self._write(state=FeedState.RUNNING, error=None)

    async def _walk(self) -> None:
        source = self._context.sources.get(self._feed.source)
        if source is None:
            raise UnreachableError(f"there is no source {text.clean(self._feed.source, 40)!r}")
        await self._context.hub.users.ensure(source.user, "sync", self._feed.source)
        sweeps = source.lasting and self._is_full and self._status.last_success is not None
        if not self._status.walk.walked:
            await self._take_pages(source, sweeps=sweeps)
        if source.lasting:
            await self._check_listing()
        if sweeps:
            reaches = self._status.walk.reaches
            await self._context.catalogue.sweeps.finish(self._feed, reaches)
        self._status = ended(self._status)
        await self._table.put(self._status)
        if source.lasting:
            await self._find_missing()

    async def _take_pages(self, source: Source, *, sweeps: bool) -> None:
        if sweeps and self._status.cursor is None:
            await self._context.catalogue.sweeps.begin(self._feed.name)
        since = None if self._is_full else self._status.watermark
        pages = source.pages(self._feed, self._status.cursor, since)
        try:
            async with aclosing(_as_they_come(pages)) as coming:
                async for page in coming:
                    await (self._take(page, sweeps=sweeps) if page else self._write_down())
        finally:
            if not _is_cancelled():
                await self._write_down()

    @property
    def _is_full(self) -> bool:
        return self._status.walk.mode is SyncMode.FULL

    async def _take(self, page: SourcePage, *, sweeps: bool) -> None:
        """Put a page with those that wait to be written, and write them once they are worth it."""
        for reason in page.skipped:
            _log.warning("feed %s: skipped a record: %s", self._feed.name, reason)
        models = await self._chosen(page)
        waiting = self._waiting = self._waiting or _Waiting(self._status, self._time())
        counts = waiting.status.counts + Counts(
            fetched=len(models) + len(page.skipped), skipped=len(page.skipped)
        )
        waiting.status = replace(moved(waiting.status, page), counts=counts)
        waiting.models += models
        if sweeps:
            waiting.seen += [model.id for model in page.models]
        if len(waiting.models) >= _ROWS or self._time() - waiting.since >= _SECONDS:
            await self._write_down()

    async def _write_down(self) -> None:
        """Write the pages that wait, together with the place from which the next one goes on."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        await self._confirm()
        written = await self._context.catalogue.write_page(
            self._feed.name,
            waiting.models,
            waiting.status,
            seen=waiting.seen,
            announce=self._status.walk.full is not None,
        )
        self._status = replace(waiting.status, counts=waiting.status.counts + written)
        self._context.bus.publish(FeedChanged(self._feed.name))
        self._context.bus.publish(CatalogueChanged())

    async def _chosen(self, page: SourcePage) -> list[Model]:
        """What the feed takes in of a page, and what the catalogue has of the rest.

        A model that the rules leave out may have been taken in before, and is told of like others.
        """
        reaches = self._status.walk.reaches
        floor = reaches[page.query].floor if page.query < len(reaches) and not self._is_full else 0
        take = self._feed.rules.take
        chosen = [model for model in page.models if model.downloads >= floor and take(model)]
        if len(chosen) == len(page.models):
            return chosen
        ids = {model.id for model in chosen}
        others = [model.id for model in page.models if model.id not in ids]
        ids |= await self._context.catalogue.models.known(others)
        return [model for model in page.models if model.id in ids]

    async def _check_listing(self) -> None:
        """Take an empty listing for a fault where there were models before.

        Raises:
            UnreachableError: when it is one.
        """
        if self._status.walk.listed or self._status.last_success is None:
            return
        if await self._context.catalogue.sweeps.covers_any(self._feed):
            walk = replace(self._status.walk, walked=False)
            self._status = replace(self._status, cursor=None, walk=walk)
            raise UnreachableError(
                f"{self._feed.source} lists nothing at all for {self._feed.name}",
                hint="Its models stay as they are. Is the endpoint right?",
            )

    async def _find_missing(self) -> None:
        missing = Missing(self._context, self._feed, self._confirm)
        try:
            await missing.settle()
        finally:
            self._status = replace(
                self._status,
                counts=self._status.counts + missing.counts,
                requests=self._status.requests + missing.requests,
            )

    async def _end(self, error: HubError | None, seconds: float) -> None:
        if error is None:
            state = FeedState.COMPLETED
        elif isinstance(error, AbsentError):
            state = FeedState.SKIPPED
        else:
            state = FeedState.PARTIAL if self._status.counts.fetched else FeedState.FAILED
        self._status = replace(
            self._status,
            last_success=text.now() if error is None else self._status.last_success,
            seconds=round(seconds, 3),
        )
        await self._write(state=state, error=None if error is None else error.message)
        self._context.bus.publish(CatalogueChanged())

    async def _write(self, *, state: FeedState, error: str | None) -> None:
        cleaned = None if error is None else text.clean(error, 500)
        self._status = replace(self._status, state=state, error=cleaned)
        await self._table.put(self._status)
        self._context.bus.publish(FeedChanged(self._feed.name))

    def _report(self) -> FeedReport:
        error = self.error
        return FeedReport(
            feed=self._feed.name,
            source=self._feed.source,
            state=self._status.state,
            mode=self._status.walk.mode,
            counts=self._status.counts,
            requests=self._status.requests,
            bytes=self._status.bytes,
            seconds=self._status.seconds,
            error=self._status.error,
            error_code=None if error is None else error.code,
            hint=None if error is None else error.hint,
            networked=self._feed.networked,
        )


def _is_cancelled() -> bool:
    """Whether this task is being cancelled, and should not begin anything more."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _as_they_come(pages: AsyncIterator[SourcePage]) -> AsyncGenerator[SourcePage | None]:
    """The pages; nothing in between whenever none has come for a while."""
    while True:
        following = asyncio.ensure_future(_next(pages))
        try:
            while not (await asyncio.wait((following,), timeout=_SECONDS))[0]:
                yield None
        finally:
            if not following.done():
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
        page = following.result()
        if page is None:
            return
        yield page


async def _next(pages: AsyncIterator[SourcePage]) -> SourcePage | None:
    return await anext(pages, None)
