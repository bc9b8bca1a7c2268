"""`tui-hub sync` and `tui-hub --sync-only`: bring the catalogue up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import SYNC_TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.errors import HubError
    from tui_hub.services import Services


@verb(
    "sync",
    "tui-hub sync",
    "tui-hub sync hf:litert org/name",
    "tui-hub sync hf --full -q",
)
@click.argument("targets", metavar="[FEED|SOURCE|MODEL]...", nargs=-1, type=SYNC_TARGET)
@click.option(
    "--full",
    is_flag=True,
    help="Walk everything, and find what vanished, instead of asking for what changed.",
)
@click.pass_obj
def command(options: Options, targets: tuple[str, ...], full: bool) -> int:
    """Bring the catalogue up to date.

    All feeds, or those that are named. A feed that was synced before is asked for what changed
    since; once in a while, and with --full, it is walked whole.

    While another process syncs the same home, its sync is followed to the end.
    """
    return synchronise(options, targets, full)


def synchronise(options: Options, targets: Sequence[str] = (), full: bool = False) -> int:
    """Sync once and return the exit code."""
    from tui_hub.cli.running import run

    return run(
        options,
        lambda services, console: _sync(services, console, targets, full),
        fill=False,
    )


async def _sync(services: Services, console: Console, targets: Sequence[str], full: bool) -> Answer:
    import asyncio

    from tui_hub.cli import feed_documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.sync_report import outcome, report_lines
    from tui_hub.domain.errors import InterruptedJobError

    picture = asyncio.create_task(_draw(services, console))
    try:
        report = await services.sync.run(targets, full)
    except InterruptedJobError as stopped:
        return _interrupted(services, console, stopped)
    except asyncio.CancelledError:
        return _interrupted(services, console, InterruptedJobError("interrupted"))
    finally:
        picture.cancel()
        await asyncio.gather(picture, return_exceptions=True)
    error, code = outcome(report)
    return Answer(
        feed_documents.sync(report),
        lines=report_lines(console, report),
        brief=(),
        error=error,
        code=code,
    )


def _interrupted(services: Services, console: Console, error: HubError) -> Answer:
    """The answer of a sync that was stopped: the feeds that had ended by then."""
    from tui_hub.cli import feed_documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.sync_report import report_lines

    report = services.sync.report
    status = "partial" if report.feeds else "failed"
    return Answer(
        {**feed_documents.sync(report), "status": status},
        lines=report_lines(console, report),
        brief=(),
        error=error,
    )


async def _draw(services: Services, console: Console) -> None:
    """Show on a terminal what the sync does."""
    from tui_hub.cli.progress import sync_line
    from tui_hub.events import FeedChanged

    with services.bus.subscribe() as events:
        async for event in events:
            if isinstance(event, FeedChanged):
                console.progress(sync_line(await services.sync.status()))
