"""The program's screen, with a watch on its loop: writes how late each tick was to a file.

The first argument names the file; it gets one C double for each tick, in seconds. The others are
repositories that the screen's process downloads.
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from collections.abc import Sequence
from pathlib import Path

from tui_hub import cli
from tui_hub.services import Services
from tui_hub.settings import Configuration
from tui_hub.tui import app
from tui_hub.tui.background import Opening

TICK = 0.01


async def watch(path: Path) -> None:
    """Ask to be woken a hundred times a second, and note how late that was."""
    with path.open("wb", buffering=0) as file:
        while True:
            late = array("d")
            for _ in range(50):
                due = time.perf_counter() + TICK
                await asyncio.sleep(TICK)
                late.append(time.perf_counter() - due)
            file.write(late.tobytes())


async def start(services: Services, repositories: Sequence[str]) -> None:
    """Begin the downloads in this process, as a person at the screen would."""
    for repository in repositories:
        await services.downloads.start(f"hf:{repository}")


def main() -> None:
    """Run the screen with a watch and some downloads beside it."""
    path, repositories, run = Path(sys.argv[1]), sys.argv[2:], app.run_screen

    async def watched(configuration: Configuration, opening: Opening, *arguments: bool) -> int:
        async def opened() -> Services:
            services = await opening()
            going.append(asyncio.gather(watch(path), start(services, repositories)))
            return services

        going: list[asyncio.Future[object]] = []
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
