"""`tui-hub activate`: make a model the active one of its type."""

from __future__ import annotations

from typing import Any

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import placement


@verb(
    "activate",
    "tui-hub activate org/name",
    "tui-hub activate org/name-GGUF --variant Q4_K_M --runtime llama",
)
@placement
@click.pass_obj
def command(options: Options, /, **asked: Any) -> int:
    """Activate an installed model.

    Torch loads it into the memory of a GPU, or of the box where there is none; the Ollama daemon
    loads what it has; a server of the settings is started for what it serves. All else is
    published as files. A slot that another model holds is left alone; `tui-hub switch`
    replaces it.
    """
    from tui_hub.cli.slots import put

    return put(options, replacing=False, **asked)
