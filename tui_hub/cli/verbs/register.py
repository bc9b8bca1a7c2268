"""`tui-hub register`: keep one repository up to date by its own sync."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer
    from tui_hub.services import Services


class _Wanted(TypedDict):
    vendor: str | None
    name: str | None
    auto_sync: bool


@verb(
    "register",
    "tui-hub register org/name --vendor Acme --auto-sync",
    "tui-hub register org/name --remove",
)
@click.argument("model", type=MODEL)
@click.option("--vendor", metavar="NAME", help="Who makes it.")
@click.option("--name", metavar="NAME", help="What to call it.")
@click.option("--auto-sync", is_flag=True, help="Sync it by itself, at turns of its own.")
@click.option("--remove", is_flag=True, help="Take its registration back; its files stay.")
@click.pass_obj
def command(options: Options, model: str, remove: bool, **wanted: Unpack[_Wanted]) -> int:
    """Register a repository for its own sync."""
    from tui_hub.cli.running import run

    if remove and any(wanted.values()):
        raise click.UsageError("--remove goes without the other options.")
    if remove:
        return run(options, lambda services, _: _remove(services, model))
    return run(options, lambda services, _: _register(services, model, wanted))


async def _register(services: Services, model: str, wanted: _Wanted) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.listings import registration_pairs
    from tui_hub.cli.tables import fields

    entry = await services.repositories.register(model, **wanted)
    details = await services.repositories.details(entry.id)
    return Answer(
        {**documents.model(entry), **documents.registration(details.registration)},
        lines=[
            f"{entry.id} is registered",
            *fields(registration_pairs(details.registration)),
        ],
        brief=[entry.id],
    )


async def _remove(services: Services, model: str) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer

    name = await services.repositories.unregister(model)
    entry = await services.catalogue.find(name)  # one that never was has no entry
    document = {"id": name} if entry is None else documents.model(entry)
    return Answer(
        {**document, **documents.registration(None)},
        lines=[f"{name} is not registered any more"],
        brief=[name],
    )
