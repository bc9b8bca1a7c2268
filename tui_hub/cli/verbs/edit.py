"""`tui-hub edit`: notes, favourites and a type of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL
from tui_hub.domain.types import ModelType

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer
    from tui_hub.services import Services

_AUTO: Literal["auto"] = "auto"
_TYPES = [*(kind.value for kind in ModelType), _AUTO]


@verb(
    "edit",
    "tui-hub edit org/name --note 'good at tables' --favourite",
    "tui-hub edit org/name --type tts",
)
@click.argument("model", type=MODEL)
@click.option("--note", metavar="TEXT", help="A note; an empty one takes it away.")
@click.option("--favourite/--no-favourite", default=None, help="Star it, or not.")
@click.option(
    "--type", "kind", type=click.Choice(_TYPES), help="What it is for; `auto` as its source says."
)
@click.pass_obj
def command(
    options: Options, model: str, note: str | None, favourite: bool | None, kind: str | None
) -> int:
    """Add a note, a star or a type to a model.

    No sync overwrites them."""
    from tui_hub.cli.running import run

    return run(options, lambda services, _: _edit(services, model, note, favourite, kind))


async def _edit(
    services: Services, model: str, note: str | None, favourite: bool | None, kind: str | None
) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer

    chosen = _AUTO if kind == _AUTO else ModelType(kind) if kind else None
    entry = await services.catalogue.edit(model, note=note, favourite=favourite, type=chosen)
    edits = await services.catalogue.edits(entry.id)
    return Answer(
        {**documents.model(entry), **documents.edit(edits)},
        lines=[f"{entry.id} is changed"],
        brief=[entry.id],
    )
