"""`tui-hub edit`: notes, favourites and a type of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL_TYPE

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services


@verb("edit")
@click.argument("model")
@click.option("--note", metavar="TEXT", help="A note; an empty one takes it away.")
@click.option("--favourite/--no-favourite", default=None, help="Star it, or not.")
@click.option("--type", "kind", type=MODEL_TYPE)
@click.pass_obj
def command(
    options: Options, model: str, note: str | None, favourite: bool | None, kind: ModelType | None
) -> int:
    """Add a note, a star or a type to a model.

    No sync overwrites them."""
    from tui_hub.cli.running import run

    return run(options, lambda services, _: _edit(services, model, note, favourite, kind))


async def _edit(
    services: Services, model: str, note: str | None, favourite: bool | None, kind: ModelType | None
) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer

    entry = await services.catalogue.edit(model, note=note, favourite=favourite, type=kind)
    edits = await services.catalogue.edits(entry.id)
    return Answer(
        {**documents.model(entry), **documents.edit(edits)},
        lines=[f"{entry.id} is changed"],
        brief=[entry.id],
    )
