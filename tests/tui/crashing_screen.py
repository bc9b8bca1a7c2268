"""A program whose screen fails once it is up, with a secret in a local variable."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from tui_hub.services import open_services
from tui_hub.settings import load_configuration
from tui_hub.tui.app import HubApp, run_screen


def fail(app: HubApp) -> None:
    """Fail after the first frame."""
    token = "_".join(("hf", "secret", str(len(app.TITLE))))
    raise RuntimeError(f"on purpose, with {len(token)} letters kept to itself")


async def _main() -> int:
    async with open_services(load_configuration(offline=True)) as services:
        return await run_screen(services.configuration, partial(asyncio.sleep, 0, services))


if __name__ == "__main__":
    HubApp.begin = fail  # type: ignore[method-assign,assignment]
    sys.exit(asyncio.run(_main()))
