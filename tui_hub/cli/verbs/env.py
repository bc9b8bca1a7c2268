"""`tui-hub env`: the environment under which other programs find the active model."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import MODEL_TYPE

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services


@verb(
    "env",
    'eval "$(tui-hub env llm)"',
)
@click.argument("kind", metavar="TYPE", type=MODEL_TYPE)
@click.pass_obj
def command(options: Options, kind: ModelType) -> int:
    """Print the environment of an active model.

    The lines are for a shell: eval "$(tui-hub env llm)"."""
    from tui_hub.cli.running import run

    return run(options, lambda services, console: _environment(services, console, kind))


async def _environment(services: Services, console: Console, kind: ModelType) -> Answer:
    from tui_hub.cli.console import Answer
    from tui_hub.cli.slots import active_slot, tell_trouble
    from tui_hub.domain.runtime import OPTIONAL_VARIABLES

    slot = await active_slot(services, kind)
    tell_trouble(console, slot)
    places = services.configuration.paths.variables()
    environment = {**places, **await services.activation.environment(kind)}
    stale = [name for name in OPTIONAL_VARIABLES if name not in environment]
    return Answer(
        {"type": kind.value, "model": slot.model, "environment": environment},
        lines=[
            *(f"export {name}={shlex.quote(value)}" for name, value in environment.items()),
            *([f"unset {' '.join(stale)}"] if stale else []),
        ],
    )
