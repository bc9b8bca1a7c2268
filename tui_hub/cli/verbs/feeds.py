"""`tui-hub feeds`: what the sync keeps up to date, and how that goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from tui_hub.cli import feed_actions, feed_trial
from tui_hub.cli.exit_codes import DONE
from tui_hub.cli.options import Options, verb_group

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.feeds import Feed, FeedStatus
    from tui_hub.services import Services
    from tui_hub.services.sync.timetable import Timetable


@verb_group(
    "feeds",
    "tui-hub feeds",
    "tui-hub feeds add hf:mine --author acme --filter gguf --schedule '0 6 * * *'",
    "tui-hub feeds disable ollama:local",
)
@click.pass_context
def command(context: click.Context) -> int:
    """List the feeds and their syncs; add, change, try and remove feeds.

    Every change is one of the settings file; what runs with it notices within seconds."""
    from tui_hub.cli.running import run

    if context.invoked_subcommand is not None:
        return DONE
    return run(context.ensure_object(Options), _feeds)


for _action in (
    feed_actions.add,
    feed_actions.edit,
    feed_actions.enable,
    feed_actions.disable,
    feed_actions.remove,
    feed_trial.command,
):
    command.add_command(_action)


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
    titles = ("FEED", "STATUS", "LAST SUCCESS", "SCHEDULE", "NEXT", ">FETCHED", "ERROR")
    heading, *lines = table(titles, rows, width=console.width, flexible=len(titles) - 1)
    yield console.heading(heading)
    yield from lines
