"""`tui-hub register`: keep one repository up to date by its own sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer
    from tui_hub.services import Services


@verb("register")
@click.argument("model")
@click.option("--vendor", metavar="NAME", help="Who makes it.")
@click.option("--name", metavar="NAME", help="What to call it.")
@click.option("--auto-sync", is_flag=True, help="Sync it by itself, at turns of its own.")
@click.pass_obj
def command(
    options: Options, model: str, vendor: str | None, name: str | None, auto_sync: bool
) -> int:
    """Register a repository for its own sync."""
    from tui_hub.cli.running import run

    return run(options, lambda services, _: _register(services, model, vendor, name, auto_sync))


async def _register(
    services: Services, model: str, vendor: str | None, name: str | None, auto_sync: bool
) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.listings import registration_pairs
    from tui_hub.cli.tables import fields

    entry = await services.repositories.register(
        model, vendor=vendor, name=name, auto_sync=auto_sync
    )
    details = await services.repositories.details(entry.id)
    return Answer(
        {**documents.model(entry), **documents.registration(details.registration)},
        lines=[
            f"{entry.id} is registered",
            *fields(registration_pairs(details.registration)),
        ],
        brief=[entry.id],
    )
