"""Opens the screen; the one place of the command line that knows there is one."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from tui_hub.cli.console import is_terminal
from tui_hub.domain.errors import UsageError

if TYPE_CHECKING:
    from tui_hub.cli.options import Options
    from tui_hub.settings import Configuration


def require_terminal() -> None:
    """Refuse where Textual would write escape sequences into a pipe or a file.

    Raises:
        UsageError: without a real terminal.
    """
    if os.environ.get("TERM", "") in ("", "dumb"):
        missing = "a terminal that can move its cursor, and TERM is empty or dumb"
    elif not all(is_terminal(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)):
        missing = "a terminal on its input and output"
    else:
        return
    raise UsageError(
        f"the screen needs {missing}",
        hint="`tui-hub --help` lists the commands that do the same without a screen.",
    )


def open_screen(options: Options) -> int:
    """Run the screen until the person leaves it, and return the exit code."""
    from tui_hub.cli.running import prepare

    configuration, _ = prepare(options, talk=False)
    return asyncio.run(_run(configuration, options))


async def _run(configuration: Configuration, options: Options) -> int:
    from tui_hub.cli.demo import empty_slots
    from tui_hub.services import open_services
    from tui_hub.tui.app import run_screen

    async with open_services(configuration) as services:
        code = await run_screen(services, options.demo, options.temporary)
        if options.temporary:
            await empty_slots(services)
        return code
