"""`tui-hub switch`: put a model in the place of the active one."""

from __future__ import annotations

from typing import Any

import click

from tui_hub.cli.options import Options, verb
from tui_hub.cli.parameters import placement


@verb(
    "switch",
    "tui-hub switch org/name",
    "tui-hub switch org/name-GGUF --variant Q4_K_M",
)
@placement
@click.pass_obj
def command(options: Options, /, **asked: Any) -> int:
    """Activate a model in place of another.

    What fails leaves the old model in its place, or brings it back, and says why.
    """
    from tui_hub.cli.slots import put

    return put(options, replacing=True, **asked)
