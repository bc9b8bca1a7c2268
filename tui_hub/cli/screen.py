"""Opens the screen; the one place of the command line that knows there is one."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Self

from tui_hub.cli.console import is_terminal
from tui_hub.domain.errors import UsageError

if TYPE_CHECKING:
    from tui_hub.cli.options import Options
    from tui_hub.services import Services
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
    from tui_hub.tui.app import run_screen

    async with Home(configuration) as home:
        code = await run_screen(configuration, home.open, options.demo, options.temporary)
        if options.temporary:
            from tui_hub.cli.demo import empty_slots

            await empty_slots(await home.open())
        return code


class Home:
    """A home that is opened beside the screen, and closed after it."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._stack = AsyncExitStack()
        self._opening: asyncio.Task[Services] | None = None

    async def open(self) -> Services:
        """Open it, or wait until it is open. A screen that ends meanwhile stops nothing halfway.

        Raises:
            HubError: when it cannot be opened.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def _open(self) -> Services:
        # on a thread, since what is drawn and typed does not wait for so many modules
        services = await asyncio.to_thread(importlib.import_module, "tui_hub.services")
        opened: AbstractAsyncContextManager[Services] = services.open_services(self._configuration)
        return await self._stack.enter_async_context(opened)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failed: object) -> None:
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._stack.aclose()
