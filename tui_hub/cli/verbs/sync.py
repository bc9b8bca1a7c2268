"""`tui-hub sync` and `tui-hub --sync-only`: bring the catalogue up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.errors import HubError
    from tui_hub.domain.feeds import Feed, FeedReport, SyncReport
    from tui_hub.services import Services

_NOT_NETWORKED = ("curated", "local")


@verb("sync")
@click.argument("targets", metavar="[FEED|SOURCE|MODEL]...", nargs=-1)
@click.option("--full", is_flag=True, help="Walk everything, to find what vanished upstream.")
@click.pass_obj
def command(options: Options, targets: tuple[str, ...], full: bool) -> int:
    """Bring the catalogue up to date.

    All feeds, or those that are named.

    While another process syncs the same home, its sync is followed to the end.
    """
    return synchronise(options, targets, full)


def synchronise(options: Options, targets: Sequence[str] = (), full: bool = False) -> int:
    """Sync once and return the exit code."""
    from tui_hub.cli.running import run

    return run(options, lambda services, console: _sync(services, console, targets, full))


async def _sync(services: Services, console: Console, targets: Sequence[str], full: bool) -> Answer:
    import asyncio

    from tui_hub.cli import feed_documents
    from tui_hub.cli.console import Answer

    picture = asyncio.create_task(_draw(services, console))
    try:
        report = await services.sync.run(targets, full)
    finally:
        picture.cancel()
        await asyncio.gather(picture, return_exceptions=True)
    error, code = outcome(report, services.sync.feeds())
    return Answer(
        feed_documents.sync(report),
        lines=_lines(console, report),
        brief=(),
        error=error,
        code=code,
    )


async def _draw(services: Services, console: Console) -> None:
    """Show on a terminal what the sync does."""
    from tui_hub.cli.progress import sync_line
    from tui_hub.events import FeedChanged

    with services.bus.subscribe() as events:
        async for event in events:
            if isinstance(event, FeedChanged):
                console.progress(sync_line(await services.sync.status()))


def outcome(report: SyncReport, feeds: Sequence[Feed]) -> tuple[HubError | None, int]:
    """The error of a sync that did not bring all, and its exit code.

    Feeds that need no network and skipped ones count for nothing. Where no feed could be reached
    the source is unreachable; where only some failed, the sync is partly done.
    """
    from tui_hub.cli.exit_codes import DONE, FAILED, PARTLY, UNREACHABLE
    from tui_hub.cli.failures import failure
    from tui_hub.domain.feeds import FeedState

    local = {feed.name for feed in feeds if not feed.networked}
    tried = [
        feed
        for feed in report.feeds
        if feed.state is not FeedState.SKIPPED
        and feed.feed not in local
        and feed.source not in _NOT_NETWORKED
    ]
    short = [feed for feed in tried if feed.state in (FeedState.FAILED, FeedState.PARTIAL)]
    if not short:
        return None, DONE
    first = f"{short[0].feed}: {short[0].error or short[0].state.value}"
    message = f"{len(short)} of {len(tried)} feeds did not sync; {first}"
    if len(short) == len(tried) and all(_unreachable(feed) for feed in short):
        hint = "What the catalogue has can be searched all the same."
        return failure("unreachable", message, hint), UNREACHABLE
    code = short[0].error_code or "failed"
    return failure(code, message), FAILED if report.status == "failed" else PARTLY


def _unreachable(feed: FeedReport) -> bool:
    return feed.error_code == "unreachable" and feed.counts.fetched == 0


def _lines(console: Console, report: SyncReport) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.tables import table

    rows = [
        (
            feed.feed,
            feed.state.value,
            text.grouped(feed.counts.fetched),
            text.grouped(feed.counts.created),
            text.grouped(feed.counts.updated),
            text.grouped(feed.counts.unchanged),
            feed.counts.skipped,
            text.duration(feed.seconds),
            feed.error or "",
        )
        for feed in report.feeds
    ]
    titles = (
        "FEED",
        "STATUS",
        ">FETCHED",
        ">NEW",
        ">UPDATED",
        ">SAME",
        ">SKIPPED",
        ">TIME",
        "ERROR",
    )
    heading, *lines = table(titles, rows, width=console.width, flexible=len(titles) - 1)
    yield console.heading(heading)
    yield from lines
