"""`tui-hub feeds`: what the sync keeps up to date, and how that goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.feeds import Feed, FeedStatus
    from tui_hub.services import Services
    from tui_hub.services.timetable import Timetable


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
    timetable = services.sync.turns.timetable
    statuses = {status.feed: status for status in await services.sync.status()}
    return Answer(
        feed_documents.feeds(entries, statuses, timetable),
        lines=_lines(console, entries, statuses, timetable),
        brief=[feed.name for feed in entries],
    )


def _lines(
    console: Console,
    entries: Sequence[Feed],
    statuses: dict[str, FeedStatus],
    timetable: Timetable,
) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.listings import next_turn
    from tui_hub.cli.tables import table

    rows = [
        (
            status.feed,
            status.state.value if feed.enabled else "off",
            text.ago(status.last_success) if status.last_success else "-",
            timetable.words(feed.name),
            next_turn(status) if timetable.has(feed.name) else "-",
            text.grouped(status.counts.fetched),
            status.error or "",
        )
        for feed in entries
        if (status := statuses.get(feed.name))
    ]
    titles = ("FEED", "STATUS", "LAST SUCCESS", "SCHEDULE", "NEXT", ">MODELS", "ERROR")
    heading, *lines = table(titles, rows, width=console.width, flexible=len(titles) - 1)
    yield console.heading(heading)
    yield from lines
