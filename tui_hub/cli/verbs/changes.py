"""`tui-hub changes`: what syncs found new, changed, ended or gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.changes import ChangeEntry, ChangeQuery
    from tui_hub.services import Services

_KEY = click.IntRange(1, 2**63 - 1)
_KINDS = ("new", "updated", "deprecated", "removed", "renamed")
_SIGNS = {"new": "+", "updated": "~", "deprecated": "!", "removed": "-", "renamed": ">"}


@verb(
    "changes",
    "tui-hub changes --since 7d --fits",
    "tui-hub changes --unseen --change new --mark-seen",
)
@click.argument("models", metavar="[MODEL]...", nargs=-1, type=MODEL)
@click.option("--since", metavar="WHEN", help="A date, a time, or an age: 2h, 7d, 4w.")
@click.option("--unseen", is_flag=True, help="Only what came since a person last looked.")
@click.option("--change", "kinds", type=click.Choice(_KINDS), multiple=True, help="Only these.")
@click.option("--installed", is_flag=True, help="Only models that are on this box.")
@click.option("--fits", is_flag=True, help="Only models whose known need fits this box.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@click.option(
    "--before",
    type=click.IntRange(1, 2**63 - 1),
    metavar="KEY",
    help="Go on where the answer before ended.",
)
@click.option("--mark-seen", is_flag=True, help="Nothing is new any more afterwards.")
@click.pass_obj
def command(
    options: Options,
    models: tuple[str, ...],
    since: str | None,
    unseen: bool,
    kinds: tuple[str, ...],
    installed: bool,
    fits: bool,
    limit: int,
    before: int | None,
    mark_seen: bool,
) -> int:
    """List what changed in the catalogue, newest first.

    Of all models, or of those that are named.
    What the first sync of a feed finds is its stock and no change.
    """
    from tui_hub.cli.moments import parse_moment
    from tui_hub.cli.running import run
    from tui_hub.domain.changes import ChangeKind, ChangeQuery
    from tui_hub.domain.identifiers import ModelId

    query = ChangeQuery(
        models=tuple(str(ModelId.parse(model)) for model in models),
        since=parse_moment(since),
        kinds=tuple(ChangeKind(kind) for kind in kinds),
        installed=installed,
        before=before,
    )
    return run(
        options,
        lambda services, console: _changes(
            services, console, query, limit, unseen=unseen, fits=fits, mark_seen=mark_seen
        ),
    )


async def _changes(
    services: Services,
    console: Console,
    query: ChangeQuery,
    limit: int,
    *,
    unseen: bool,
    fits: bool,
    mark_seen: bool,
) -> Answer:
    from tui_hub.cli import feed_documents
    from tui_hub.cli.console import Answer
    from tui_hub.domain.errors import NotFoundError

    for model in query.models:
        if await services.catalogue.find(model) is None:
            raise NotFoundError(
                f"the catalogue has no {model}", hint="`tui-hub search` finds what it has."
            )
    entries = await services.changes.list(query, limit, unseen=unseen, fits=fits)
    if mark_seen:
        await services.changes.mark_seen()
    return Answer(
        feed_documents.changes(entries, limit),
        lines=_lines(console, entries),
        brief=[entry.change.model for entry in entries],
    )


def _lines(console: Console, entries: Sequence[ChangeEntry]) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.cli.tables import table

    if not entries:
        yield "No changes."
        return
    rows = [
        (
            _SIGNS[entry.change.kind],
            text.ago(entry.change.at),
            entry.change.model,
            entry.change.kind.value,
            _words(entry),
        )
        for entry in entries
    ]
    titles = ("", "NOTICED", "MODEL", "CHANGE", "WHAT")
    heading, *lines = table(titles, rows, width=console.width, flexible=len(titles) - 1)
    yield console.heading(heading)
    yield from lines


def _words(entry: ChangeEntry) -> str:
    """What changed, in words; a new model says what it is."""
    change = entry.change
    if change.kind == "renamed":
        return f"from {change.before}"
    words = list(change.what)
    if change.kind == "deprecated" and change.after:
        words.append(f"successor {change.after}")
    if change.kind == "new" and entry.model is not None:
        words.append(entry.model.type.value)
    return ", ".join(words)
