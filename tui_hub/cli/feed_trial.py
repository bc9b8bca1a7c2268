"""`tui-hub feeds try`: what a feed would take in, with nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from tui_hub.cli.feed_options import anything_given, feed_options, with_options
from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import FEED

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.feed_trials import Trial
    from tui_hub.domain.models import Model
    from tui_hub.services import Services

_SHOWN = 20
"""Models of each kind that people see; `--json` tells all."""


@verb("try", "tui-hub feeds try hf:litert", "tui-hub feeds try hf:mine --author acme")
@click.argument("name", required=False, type=FEED)
@feed_options
@click.option(
    "--pages",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Pages to walk of each query.",
)
@click.pass_obj
def command(options: Options, /, name: str | None, pages: int, **given: Any) -> int:
    """Show what a feed would take in and leave out.

    A feed by its name, or one that options describe; with both, the feed as they would change it.
    Nothing is written."""
    from tui_hub.cli.running import run

    if name is None and not anything_given(given):
        raise click.UsageError("Name a feed, or describe one with options.")
    return run(
        options,
        lambda services, console: _try(services, console, name, given, pages),
        fill=False,
    )


async def _try(
    services: Services, console: Console, name: str | None, given: dict[str, Any], pages: int
) -> Answer:
    from tui_hub.cli import feed_documents
    from tui_hub.cli.console import Answer
    from tui_hub.domain.feeds import Feed

    feed = Feed(name="hf:trial", source="hf") if name is None else services.feeds.get(name)
    trial = await services.feeds.try_out(with_options(feed, given), pages)
    return Answer(
        {**feed_documents.trial(trial), "feed": name},
        lines=_lines(console, trial),
        brief=[model.id for model in trial.taken],
    )


def _lines(console: Console, trial: Trial) -> Iterator[str]:
    from tui_hub import text
    from tui_hub.services.sync.feed_words import trial_words

    yield trial_words(trial)
    taken = [(*_cells(model), "") for model in trial.taken]
    left_out = [(*_cells(one.model), ", ".join(one.reasons)) for one in trial.left_out]
    for title, rows in (("TAKEN IN", taken), ("LEFT OUT", left_out)):
        if rows:
            yield ""
            yield from _table(console, title, rows[:_SHOWN])
        if len(rows) > _SHOWN:
            yield f"and {text.grouped(len(rows) - _SHOWN)} more; --json tells all"


def _cells(model: Model) -> tuple[object, ...]:
    from tui_hub import text

    size = text.model_size(model)
    return model.id, model.task, model.library, model.license, text.count(model.downloads), size


def _table(console: Console, title: str, rows: Sequence[tuple[object, ...]]) -> Iterator[str]:
    from tui_hub.cli.tables import table

    titles: tuple[str, ...] = (
        title,
        "TASK",
        "LIBRARY",
        "LICENCE",
        ">DOWNLOADS",
        ">SIZE",
        "BECAUSE",
    )
    if not any(row[-1] for row in rows):
        titles, rows = titles[:-1], [row[:-1] for row in rows]
    heading, *lines = table(titles, rows, width=console.width)
    yield console.heading(heading)
    yield from lines
