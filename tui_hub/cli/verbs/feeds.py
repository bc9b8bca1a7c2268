"""`tui-hub feeds`: what the sync keeps up to date, and how that goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.feeds import FeedStatus
    from tui_hub.services import Services


@verb("feeds")
@click.pass_obj
def command(options: Options) -> int:
    """List the feeds and their syncs."""
    from tui_hub.cli.running import run

    return run(options, _feeds)


async def _feeds(services: Services, console: Console) -> Answer:
    from tui_hub.cli import feed_documents
    from tui_hub.cli.console import Answer

    entries = services.sync.feeds()
    statuses = {status.feed: status for status in await services.sync.status()}
    return Answer(
        feed_documents.feeds(entries, statuses),
        lines=_lines(console, statuses),
        brief=[feed.name for feed in entries],
    )


def _lines(console: Console, statuses: dict[str, FeedStatus]) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.tables import table

    rows = [
        (
            status.feed,
            status.state.value,
            text.ago(status.last_success),
            "-" if status.next_run is None else text.ago(status.next_run),
            text.grouped(status.counts.fetched),
            status.error or "",
        )
        for status in statuses.values()
    ]
    titles = ("FEED", "STATUS", "LAST SUCCESS", "NEXT", ">MODELS", "ERROR")
    heading, *lines = table(titles, rows, width=console.width, flexible=len(titles) - 1)
    yield console.heading(heading)
    yield from lines
