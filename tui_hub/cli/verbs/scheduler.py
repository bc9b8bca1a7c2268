"""`tui-hub scheduler`: which process runs the feeds at their times, and when those are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.feeds import FeedStatus
    from tui_hub.domain.schedule import Schedule
    from tui_hub.services import Services
    from tui_hub.services.sync.timetable import Timetable


@verb(
    "scheduler",
    "tui-hub scheduler",
    "tui-hub scheduler --json | jq -r .jobs[].next_run",
)
@click.pass_obj
def command(options: Options) -> int:
    """Show the schedule of the sync."""
    from tui_hub.cli.running import run

    return run(options, _scheduler)


async def _scheduler(services: Services, console: Console) -> Answer:
    from tui_hub.cli import feed_documents
    from tui_hub.cli.console import Answer

    state = await services.scheduler.state()
    timetable = services.sync.turns.timetable
    statuses = [one for one in await services.sync.status() if timetable.has(one.feed)]
    registered = await services.sync.registered.turns()
    document = feed_documents.scheduler(state, timetable, statuses)
    document["jobs"] += feed_documents.registered_jobs(registered)
    return Answer(
        document,
        lines=_lines(console, state, timetable, statuses, registered),
        brief=[*(one.feed for one in statuses), *registered],
    )


def _lines(
    console: Console,
    state: Schedule,
    timetable: Timetable,
    statuses: Sequence[FeedStatus],
    registered: Mapping[str, str | None],
) -> Iterator[str]:
    from tui_hub.cli.listings import next_turn
    from tui_hub.cli.tables import table
    from tui_hub.text import clock

    yield _who(state)
    if state.off is not None:
        yield f"A process with these settings takes no part: {state.off}."
    rows = [(one.feed, timetable.words(one.feed), next_turn(one)) for one in statuses]
    rows += [(name, "registered", clock(at) if at else "due") for name, at in registered.items()]
    if rows:
        heading, *lines = table(("FEED", "SCHEDULE", "NEXT"), rows, width=console.width)
        yield console.heading(heading)
        yield from lines


def _who(state: Schedule) -> str:
    from tui_hub.text import clean

    if state.holder is None:
        return "The schedule rests: no screen and no agent of this home is open."
    host = clean(state.holder.host, 60)
    return f"The schedule is run by process {state.holder.pid} on {host}."
