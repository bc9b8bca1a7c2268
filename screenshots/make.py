"""Make the pictures of the README from the real program, on the demo hub.

Run by hand: `python screenshots/make.py`. Takes half a minute.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from tui_hub.demo import DemoHub
from tui_hub.services import Services, open_services
from tui_hub.settings import load_configuration
from tui_hub.tui.app import HubApp

HERE = Path(__file__).parent
SIZE = (132, 36)


async def shoot(pilot: Pilot[int], name: str) -> None:
    """Save what the screen shows now."""
    await pilot.pause(0.6)
    pilot.app.save_screenshot(f"{name}.svg", str(HERE))


async def news(hub: DemoHub, services: Services) -> None:
    """Let the hub change between two syncs, as hubs do."""
    await services.sync.run()
    for name, more in (
        ("demo-lab/lumen-chat-large", {"license": "mit"}),
        ("demo-lab/still-diffusion", {"gated": "auto"}),
        ("demo-lab/lumen-chat", {}),
    ):
        found = hub.registry.find(name)
        if found is not None:
            hub.put(replace(found.head.repository, last_modified=None, **more))
            hub.put(replace(found.head.repository, id=f"{name}-next", last_modified=None))
    hub.registry.rename("demo-lab/lumen-chat-gguf", "demo-lab/lumen-chat-quants")
    await services.sync.run(("hf",), True)


async def walk(hub: DemoHub, services: Services) -> None:
    """Go through the screens as a person would."""
    await news(hub, services)
    app = HubApp(services)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(1.5)
        await shoot(pilot, "browse")
        await pilot.press("enter")
        await pilot.pause(1.5)
        await shoot(pilot, "model")
        await pilot.press("escape", *"cjcjc", "C")
        await pilot.pause(4.0)
        await shoot(pilot, "compare")
        await pilot.press("escape")
        for model in ("demo-lab/lumen-chat-large", "demo-lab/still-diffusion"):
            await services.downloads.start(model)
        await pilot.press("2")
        await pilot.pause(1.5)
        await shoot(pilot, "downloads")
        for download in await services.downloads.current():
            await services.downloads.wait(download.job)
        for model in ("demo-lab/lumen-chat-large", "demo-lab/still-diffusion"):
            await services.activation.activate(model)
        try:
            for name, keys in {
                "active": "3",
                "storage": "5v",
                "sync": "6",
                "settings": "7",
            }.items():
                await pilot.press(*keys)
                await pilot.pause(2.5)
                await shoot(pilot, name)
            await ask_to_switch(pilot, services)
        finally:
            for slot in await services.activation.slots():
                await services.activation.deactivate(slot.type)


async def ask_to_switch(pilot: Pilot[int], services: Services) -> None:
    """Show what stands before the change of a slot, and change nothing."""
    job = await services.downloads.start("demo-lab/lumen-chat")
    await services.downloads.wait(job.id)
    await pilot.press("1", "slash", *"lumen-chat", "enter")
    await pilot.pause(1.5)
    await pilot.press("a")
    await pilot.pause(2.0)
    await shoot(pilot, "switch")
    await pilot.press("n")


async def main() -> None:
    with tempfile.TemporaryDirectory() as home, DemoHub() as hub:
        environment = {
            "TUI_HUB_HOME": home,
            "HF_ENDPOINT": hub.endpoint,
            "HF_TOKEN": hub.token,
            "TUI_HUB_OLLAMA__REGISTRY": hub.endpoint,
            "TUI_HUB_OLLAMA__LIBRARY": hub.endpoint,
            "TUI_HUB_OLLAMA__HOST": "127.0.0.1:1",
        }
        async with open_services(load_configuration(environment=environment)) as services:
            await walk(hub, services)


if __name__ == "__main__":
    asyncio.run(main())
