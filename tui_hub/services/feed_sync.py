"""The sync of one feed: page by page, rows and cursor in one transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.errors import AbsentError, HubError, LostLeaseError, UnreachableError
from tui_hub.domain.feeds import Counts, Feed, FeedReport, FeedState, FeedStatus
from tui_hub.events import CatalogueChanged, FeedChanged
from tui_hub.services.context import Context
from tui_hub.sources import SourcePage

_log = logging.getLogger(__name__)


class FeedSync:
    """Walks a feed's pages into the catalogue, from where an interrupted sync stopped."""

    def __init__(
        self, context: Context, feed: Feed, confirm: Callable[[], Awaitable[None]]
    ) -> None:
        """Made for one sync.

        Args:
            context: the open home.
            feed: what to bring up to date.
            confirm: raises `LostLeaseError` when another process does so by now; called before
                anything is written.
        """
        self._context = context
        self._confirm = confirm
        self._feed = feed
        self._table = context.catalogue.feeds
        self._status = FeedStatus(feed=feed.name)
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
        self._status = replace(
            before or self._status,
            last_sync=text.now(),
            counts=Counts(),
            requests=0,
            bytes=0,
        )
        await self._write(state=FeedState.RUNNING, error=None)

    async def _walk(self) -> None:
        source = self._context.sources.get(self._feed.source)
        if source is None:
            raise UnreachableError(f"there is no source {text.clean(self._feed.source, 40)!r}")
        await self._context.hub.users.ensure(source.user, "sync", self._feed.source)
        async for page in source.pages(self._feed, self._status.cursor):
            await self._take(page)

    async def _take(self, page: SourcePage) -> None:
        """Write a page down, together with the place from which the next one goes on."""
        for reason in page.skipped:
            _log.warning("feed %s: skipped a record: %s", self._feed.name, reason)
        counts = replace(
            self._status.counts,
            fetched=self._status.counts.fetched + len(page.models) + len(page.skipped),
            skipped=self._status.counts.skipped + len(page.skipped),
        )
        self._status = replace(
            self._status,
            cursor=page.cursor,
            requests=self._status.requests + page.requests,
            bytes=self._status.bytes + page.bytes,
            counts=counts,
        )
        await self._confirm()
        written = await self._context.catalogue.write_page(
            self._feed.name, page.models, self._status
        )
        self._status = replace(self._status, counts=counts + written)
        self._context.bus.publish(FeedChanged(self._feed.name))
        self._context.bus.publish(CatalogueChanged())

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
            cursor=self._status.cursor if error else None,
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
            counts=self._status.counts,
            requests=self._status.requests,
            bytes=self._status.bytes,
            seconds=self._status.seconds,
            error=self._status.error,
            error_code=None if error is None else error.code,
            hint=None if error is None else error.hint,
            networked=self._feed.networked,
        )
