"""`tui-hub deactivate`: empty a slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import SLOT_OR_MODEL

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.services import Services


@verb(
    "deactivate",
    "tui-hub deactivate llm",
    "tui-hub deactivate org/name",
)
@click.argument("target", metavar="TYPE|MODEL", type=SLOT_OR_MODEL)
@click.pass_obj
def command(options: Options, target: str) -> int:
    """Empty a slot, named by type or model."""
    from tui_hub.cli.running import run

    return run(options, lambda services, console: _deactivate(services, console, target))


async def _deactivate(services: Services, console: Console, target: str) -> Answer:
    from tui_hub.cli.slots import change_slot
    from tui_hub.domain.types import ModelType

    kind = ModelType(target) if target in set(ModelType) else None
    model = target if kind is None else None
    change = services.activation.deactivate(target)
    return await change_slot(services, console, change, kind, model)
