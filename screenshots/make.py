"""Make the pictures of the README from the real program, on the demo hub.

Run by hand: `python screenshots/make.py`. Takes half a minute. With `resvg-py` installed, and the
font DejaVu Sans Mono on the box, each picture is made as PNG too.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from textual.pilot import Pilot

from tui_hub.demo import DemoHub
from tui_hub.services import Services, open_services
from tui_hub.settings import load_configuration
from tui_hub.tui.app import HubApp

HERE = Path(__file__).parent
SIZE = (140, 38)
PATIENCE = 60.0
"""Seconds to wait for what a picture is to show."""
REST = 1.0
"""Seconds in which what is on screen comes to rest."""
FONT = "font-family: Fira Code, monospace;\n        font-size: 20px;"
WIDE_FONT = "font-family: DejaVu Sans Mono;\n        font-size: 20.27px;"
"""Of a size at which a letter is as wide as the cell that Rich counts with."""


async def shoot(pilot: Pilot[int], name: str, *words: str) -> None:
    """Save what the screen shows, once some words are on it."""
    deadline = time.monotonic() + PATIENCE
    while not all(word in text_of(pilot) for word in words):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name}: no {words} in\n{text_of(pilot)}")
        await pilot.pause(0.1)
    await pilot.pause(REST)
    pilot.app.save_screenshot(f"{name}.svg", str(HERE))


def text_of(pilot: Pilot[int]) -> str:
    """What the screen shows, as text."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


def draw() -> None:
    """Make a PNG of every picture, in a font that is on this box."""
    if find_spec("resvg_py") is None:
        sys.stderr.write("only SVG: `pip install resvg-py` makes PNG too\n")
        return
    import resvg_py

    for picture in HERE.glob("*.svg"):
        svg = picture.read_text().replace(FONT, WIDE_FONT).replace("arial", "DejaVu Sans")
        png = resvg_py.svg_to_bytes(svg_string=svg)
        picture.with_suffix(".png").write_bytes(bytes(png))


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
    app = HubApp(services.configuration, partial(asyncio.sleep, 0, services), demo=True)
    async with app.run_test(size=SIZE) as pilot:
        await shoot(pilot, "browse", "lumen-chat-large", "text-generation")
        await pilot.press("enter")
        await shoot(pilot, "model", "Revisions", "Good to know")
        await pilot.press("escape", *"cjcjc", "C")
        await shoot(pilot, "compare", "Side by side", "needs", "of variants")
        await pilot.press("escape")
        for model in ("demo-lab/lumen-chat-large", "demo-lab/still-diffusion"):
            await services.downloads.start(model)
        await pilot.press("2")
        await shoot(pilot, "downloads", "MiB/s together")
        for download in await services.downloads.current():
            await services.downloads.wait(download.job)
        try:
            for model in ("demo-lab/lumen-chat-large", "demo-lab/still-diffusion"):
                await services.activation.activate(model)
            await show_what_is_here(pilot)
            await ask_to_switch(pilot, services)
        finally:
            for slot in await services.activation.slots():
                await services.activation.deactivate(slot.type)


async def show_what_is_here(pilot: Pilot[int]) -> None:
    """The screens about the box and the program."""
    pilot.app.clear_notifications()
    for name, keys, words in (
        ("active", "3", ("lumen-chat-large", "still-diffusion", "Host memory")),
        ("storage", "5v", ("Verified", "blobs sound")),
        ("jobs", "4", ("activate", "download", "verify")),
        ("sync", "6", ("Feeds", "hf:litert", "lumen-chat-quants")),
        ("settings", "7", ("Settings", "network.offline")),
        ("help", "?", ("Keys", "esc closes")),
    ):
        await pilot.press(*("question_mark" if key == "?" else key for key in keys))
        await shoot(pilot, name, *words)
    await pilot.press("escape")


async def ask_to_switch(pilot: Pilot[int], services: Services) -> None:
    """Show what stands before the change of a slot, and change nothing."""
    job = await services.downloads.start("demo-lab/lumen-chat")
    await services.downloads.wait(job.id)
    await pilot.press("1", "slash", *"lumen-chat", "enter")
    await pilot.pause(REST)
    pilot.app.clear_notifications()
    await pilot.press("a")
    await shoot(pilot, "switch", "Switch?", "lumen-chat-large")
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
    draw()


if __name__ == "__main__":
    asyncio.run(main())
