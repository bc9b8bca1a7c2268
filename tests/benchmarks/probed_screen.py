"""The program's screen, which writes down how long each key of a list takes to be painted.

The first argument names the file: one C double for each key that moved a cursor, in seconds from
the key's arrival to the moment when the change was handed to the terminal. The other arguments are
repositories that the screen's own process downloads.
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App

from tui_hub import cli
from tui_hub.services import Services
from tui_hub.settings import Configuration
from tui_hub.tui import app
from tui_hub.tui.background import Opening
from tui_hub.tui.widgets.row_list import RowList


class Probe:
    """Follows one key at a time from its arrival to the terminal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pressed: float | None = None
        self._moved = False

    def install(self) -> None:
        """Listen to keys, cursors and frames."""
        on_event, display, moved = App.on_event, App._display, RowList.watch_cursor
        probe = self

        async def arrived(self: App[Any], event: events.Event) -> None:
            if isinstance(event, events.Key):
                # The event knows when the terminal's thread read the key.
                probe._pressed = event.time
            await on_event(self, event)

        def moved_to(self: RowList, old: int, new: int) -> None:
            probe._moved = True
            moved(self, old, new)

        def painted(self: App[Any], *arguments: Any) -> None:
            display(self, *arguments)
            if probe._moved and probe._pressed is not None:
                took = time.monotonic() - probe._pressed
                probe._moved, probe._pressed = False, None
                with probe._path.open("ab") as file:
                    file.write(array("d", [took]).tobytes())

        App.on_event, App._display = arrived, painted  # type: ignore[method-assign,assignment]
        RowList.watch_cursor = moved_to  # type: ignore[method-assign]


def main() -> None:
    """Run the screen with the probe and some downloads beside it."""
    path, repositories, run = Path(sys.argv[1]), sys.argv[2:], app.run_screen
    Probe(path).install()

    async def watched(configuration: Configuration, opening: Opening, *arguments: bool) -> int:
        async def download(services: Services) -> None:
            for repository in repositories:
                await services.downloads.start(f"hf:{repository}")

        async def opened() -> Services:
            services = await opening()
            going.append(asyncio.create_task(download(services)))
            return services

        going: list[asyncio.Task[None]] = []
        try:
            return await run(configuration, opened, *arguments)
        finally:
            for one in going:
                one.cancel()

    app.run_screen = watched
    sys.argv = ["tui-hub"]
    sys.exit(cli.main())


if __name__ == "__main__":
    main()
