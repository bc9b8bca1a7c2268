"""`tui-hub reload`: load the active model of a slot again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import SLOT_OR_MODEL

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.services import Services


@verb(
    "reload",
    "tui-hub reload llm",
)
@click.argument("target", metavar="TYPE|MODEL", type=SLOT_OR_MODEL)
@click.option("--allow-pickle", is_flag=True, help="Take weights from pickle files, no code.")
@click.pass_obj
def command(options: Options, target: str, allow_pickle: bool) -> int:
    """Load a slot's model again.

    After its files or the settings have changed, or when the process that held it is gone. What
    fails leaves it as it was.
    """
    from tui_hub.cli.running import run
    from tui_hub.cli.slots import change_slot
    from tui_hub.domain.types import ModelType

    kind = ModelType(target) if target in set(ModelType) else None
    model = target if kind is None else None

    async def work(services: Services, console: Console) -> Answer:
        change = services.activation.reload(target, consent=allow_pickle)
        return await change_slot(services, console, change, kind, model)

    return run(options, work)
