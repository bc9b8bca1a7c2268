"""`tui-hub files`: the files of one model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.cli.references import Reference
    from tui_hub.services import Services


@verb(
    "files",
    "tui-hub files org/name",
    "tui-hub files org/name --revision v1.0 --json",
)
@click.argument("model", type=MODEL)
@click.option("--revision", metavar="REV", help="A version, branch, tag or commit.")
@click.option("--refresh", is_flag=True, help="Ask the source even when the files are known.")
@click.pass_obj
def command(options: Options, model: str, revision: str | None, refresh: bool) -> int:
    """List a model's files."""
    from tui_hub.cli.references import read_reference
    from tui_hub.cli.running import run

    wanted = read_reference(options, model, revision)
    return run(options, lambda services, console: _files(services, console, wanted, refresh))


async def _files(services: Services, console: Console, wanted: Reference, refresh: bool) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.listings import file_table, is_downloading
    from tui_hub.cli.references import naming_namesakes
    from tui_hub.text import clean

    async with naming_namesakes(services, wanted.model):
        details = await services.repositories.details(
            wanted.model, revision=wanted.revision, refresh=refresh
        )
    for reason in (details.note, *details.unsafe):
        if reason:
            console.note(reason)
    return Answer(
        documents.files(details),
        lines=file_table(console, details.files, running=is_downloading(details.model)),
        brief=[clean(file.path, len(file.path)) for file in details.files],
    )
