"""`tui-hub activate`: make a model the active one of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL_TYPE

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services


@verb("activate")
@click.argument("model")
@click.option("--type", "kind", type=MODEL_TYPE)
@click.option("--variant", metavar="NAME", help="The variant to take, where several are here.")
@click.option("--runtime", metavar="NAME", help="The runtime to use.")
@click.pass_obj
def command(
    options: Options, model: str, kind: ModelType | None, variant: str | None, runtime: str | None
) -> int:
    """Activate an installed model.

    A slot that another model holds is left alone; `tui-hub switch` replaces it."""
    from tui_hub.cli.running import run

    return run(options, lambda services, _: _activate(services, model, kind, variant, runtime))


async def _activate(
    services: Services, model: str, kind: ModelType | None, variant: str | None, runtime: str | None
) -> Answer:
    from tui_hub.cli.slots import change_slot

    change = services.activation.activate(model, type=kind, variant=variant, runtime=runtime)
    return await change_slot(change, kind, model)
