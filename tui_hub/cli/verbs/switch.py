"""`tui-hub switch`: put a model in the place of the active one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import INSTALLED, MODEL_TYPE

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.types import ModelType
    from tui_hub.services import Services


@verb(
    "switch",
    "tui-hub switch org/name",
    "tui-hub switch org/name-GGUF --variant Q4_K_M",
)
@click.argument("model", type=INSTALLED)
@click.option("--type", "kind", type=MODEL_TYPE)
@click.option("--variant", metavar="NAME", help="The variant to take, where several are here.")
@click.option("--runtime", metavar="NAME", help="torch, ollama, link, or a command of yours.")
@click.option("--allow-pickle", is_flag=True, help="Take weights from pickle files, no code.")
@click.pass_obj
def command(
    options: Options,
    model: str,
    kind: ModelType | None,
    variant: str | None,
    runtime: str | None,
    allow_pickle: bool,
) -> int:
    """Activate a model in place of another.

    What fails leaves the old model in its place, or brings it back, and says why.
    """
    from tui_hub.cli.running import run
    from tui_hub.cli.slots import change_slot

    async def work(services: Services, console: Console) -> Answer:
        change = services.activation.switch(
            model, type=kind, variant=variant, runtime=runtime, consent=allow_pickle
        )
        return await change_slot(services, console, change, kind, model)

    return run(options, work)
