"""`tui-hub search`: find models in the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tui_hub.cli.options import Options, verb
from tui_hub.domain.identifiers import SOURCES
from tui_hub.domain.types import ModelType

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.catalogue import Page, Search
    from tui_hub.services import Services

_TYPES = [kind.value for kind in ModelType]
_SORTS = ("downloads", "likes", "trending", "updated", "size", "params", "fit", "name")
"""Written out, as importing the catalogue's vocabulary would slow every `--help`."""


def _bytes(context: click.Context, parameter: click.Parameter, words: str | None) -> int | None:
    """A size as people write it."""
    from tui_hub.domain.errors import UsageError
    from tui_hub.text import parse_size

    try:
        return None if words is None else parse_size(words)
    except UsageError as error:
        raise click.BadParameter(f"{error.message}. {error.hint}", context, parameter) from None


@verb(
    "search",
    "tui-hub search llama 8b --type llm --size-max 10GiB",
    "tui-hub search --installed -q",
    "tui-hub search --fits --type llm --sort likes",
    "tui-hub search flux --sort likes --json | jq -r .models[].id",
)
@click.argument("words", nargs=-1)
@click.option("--type", "types", type=click.Choice(_TYPES), multiple=True, help="What it is for.")
@click.option("--source", "sources", type=click.Choice(SOURCES), multiple=True, help="Its source.")
@click.option("--task", "tasks", multiple=True, help="The task, text-to-image for example.")
@click.option("--library", "libraries", multiple=True, help="The library, diffusers for example.")
@click.option("--license", "licenses", multiple=True, help="The licence, apache-2.0 for example.")
@click.option("--installed/--not-installed", default=None, help="Whether it is on this box.")
@click.option("--gated/--no-gated", default=None, help="Whether its maker grants access.")
@click.option("--size-min", "min_size", metavar="SIZE", callback=_bytes, help="At least, 4GiB.")
@click.option("--size-max", "max_size", metavar="SIZE", callback=_bytes, help="At most, 500M.")
@click.option("--new", is_flag=True, help="Only what its source made in the last 7 days.")
@click.option("--deprecated/--no-deprecated", default=None, help="Whether its maker ends it.")
@click.option(
    "--favourites", "favourite", is_flag=True, flag_value=True, default=None, help="What you star."
)
@click.option("--fits", is_flag=True, help="Only models whose known need fits this box.")
@click.option("--removed", is_flag=True, help="List what vanished upstream too.")
@click.option("--sort", type=click.Choice(_SORTS), default="downloads", show_default=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--after", metavar="KEY", help="Go on where the answer before ended.")
@click.pass_obj
def command(
    options: Options,
    /,
    words: tuple[str, ...],
    sort: str,
    limit: int,
    after: str | None,
    fits: bool,
    **facets: Any,
) -> int:
    """Find models in the catalogue.

    Words are looked for in names, authors, tags and descriptions. An option given twice takes
    either value. A model of unknown size is in no range of sizes, and does not fit. It reads the
    local catalogue and opens no connection.
    """
    from dataclasses import replace

    from tui_hub.cli.running import run
    from tui_hub.domain.catalogue import Search, Sort

    if any("" in values for values in facets.values() if isinstance(values, tuple)):
        raise click.UsageError("An option is empty; leave it out to take everything.")
    wanted = Search(text=" ".join(words), sort=Sort(sort), **facets)

    async def search(services: Services, console: Console) -> Answer:
        memory = (await services.fit.capacity()).largest if fits else None
        return await _search(services, console, replace(wanted, memory=memory), limit, after)

    return run(options, search)


async def _search(
    services: Services, console: Console, wanted: Search, limit: int, after: str | None
) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer

    page = await services.catalogue.search(wanted, limit, after)
    models = await services.catalogue.with_fit(page.models)
    total = await services.catalogue.count(wanted)
    if not total and not await services.catalogue.total():
        console.note("The catalogue is empty. `tui-hub sync` fills it.")
    return Answer(
        documents.search(total, models, page.after),
        lines=_lines(console, page, total),
        brief=[model.id for model in page.models],
    )


def _lines(console: Console, page: Page, total: int) -> list[str]:
    from tui_hub import text
    from tui_hub.cli.listings import status_words
    from tui_hub.cli.tables import table

    if not page.models:
        return ["No models."]
    rows = [
        (
            model.id,
            model.type.value,
            text.model_size(model),
            text.count(model.downloads),
            "gated" if model.gated else model.license,
            "" if model.status == "not_installed" else status_words(model.status),
        )
        for model in page.models
    ]
    titles = ("MODEL", "TYPE", ">SIZE", ">DOWNLOADS", "LICENCE", "STATUS")
    heading, *lines = table(titles, rows, width=console.width)
    more = "" if page.after is None else f"  (more: --after {page.after})"
    return [
        console.heading(heading),
        *lines,
        f"{len(page.models)} of {text.grouped(total)}{more}",
    ]
