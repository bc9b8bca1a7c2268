"""Driving the screen over real services, and reading what it shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby

from textual import events
from textual.css.query import NoMatches
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from tui_hub.database import CatalogueDatabase
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.types import ModelType
from tui_hub.services import Services, open_services
from tui_hub.settings import Configuration
from tui_hub.tui.app import HubApp

NARROW = (80, 24)
WIDE = (140, 45)
PATIENCE = 60.0
"""Seconds that a test waits for what must come."""


ENDLESS = ("typing", "events", "settle", "activate", "delete", "quit", "limit", "edit", "add")
"""Groups of workers that follow something, or wait for an answer of the person."""


@dataclass
class Driver:
    """One running screen."""

    app: HubApp
    pilot: Pilot[int]
    services: Services

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, and wait until the program has done what they say.

        Work that they begin beside it may go on. Words go into a box at once, as one types them.
        """
        for words, run in groupby(keys, lambda key: len(key) == 1):
            pressed = list(run)
            if words and isinstance(self.app.focused, Input):
                for character in pressed:
                    name = character if character.isalnum() else _character_to_key(character)
                    self.app.post_message(events.Key(name, character))
                await self._typed()
            else:
                await self.pilot.press(*pressed)
                await self._typed()

    async def _typed(self) -> None:
        """Wait until all is done that was typed."""
        await self.pilot._wait_for_screen()
        typed = asyncio.create_task(self.app._keyboard.done())
        async with asyncio.timeout(PATIENCE):
            while self.app.is_running and not typed.done():
                await asyncio.wait([typed], timeout=0.02)
        typed.cancel()

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait for a condition to hold. What it looks at need not be there from the start."""

        def holds() -> bool:
            try:
                return bool(condition())
            except (LookupError, NoMatches):
                return False

        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not holds():
            assert asyncio.get_running_loop().time() < deadline, f"{what}\n{self.text()}"
            await self.pilot.pause(0.02)

    async def sees(self, *words: str) -> None:
        """Wait until all the words are on screen."""
        await self.until(lambda: all(word in self.text() for word in words), f"no {words}")

    async def settled(self) -> None:
        """Wait until nothing is being worked on but the following of events, which has begun."""
        await self.until(lambda: self.app.live.total is not None, "nothing has begun")
        await self.pilot.pause()
        await self.until(
            lambda: all(one.is_finished or one.group in ENDLESS for one in self.app.workers)
        )
        await self.pilot.pause()

    def lines(self) -> list[str]:
        """What is on screen, line by line."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    def text(self) -> str:
        """What is on screen."""
        return "\n".join(self.lines())

    def row(self, words: str) -> str:
        """The first line with some words in it. Raises `LookupError` where there is none."""
        for line in self.lines():
            if words in line:
                return line
        raise LookupError(f"no {words!r} in\n{self.text()}")

    def notes(self) -> list[str]:
        """The notes that were shown."""
        return [note.message for note in self.app._notifications]


def hub_app(services: Services, demo: bool = False, temporary: bool = False) -> HubApp:
    """The program over an open home."""

    async def opened() -> Services:
        return services

    return HubApp(services.configuration, opened, demo, temporary)


@asynccontextmanager
async def screen(
    configuration: Configuration,
    size: tuple[int, int] = WIDE,
    *,
    demo: bool = False,
    temporary: bool = False,
) -> AsyncIterator[Driver]:
    """Open a home and show it."""
    async with open_services(configuration) as services:
        app = hub_app(services, demo, temporary)
        async with app.run_test(size=size, notifications=True) as pilot:
            async with asyncio.timeout(PATIENCE):
                await app.opened.wait()
            yield Driver(app, pilot, services)


async def fill(configuration: Configuration, models: Sequence[Model]) -> None:
    """Put models into the catalogue of a home."""
    configuration.paths.catalogue_database.parent.mkdir(parents=True, exist_ok=True)
    async with await CatalogueDatabase.open(configuration.paths.catalogue_database) as catalogue:
        await catalogue.models.merge(models)
        for model in models:
            if model.status is not ModelStatus.NOT_INSTALLED:
                await catalogue.models.set_local(model.id, status=model.status)


def made(number: int, **fields: object) -> Model:
    """A model whose rank is its number."""
    values: dict[str, object] = {
        "id": f"hf:maker{number % 7}/model-{number:04d}",
        "source": "hf",
        "author": f"maker{number % 7}",
        "name": f"model-{number:04d}",
        "type": ModelType.LLM if number % 3 else ModelType.IMAGE_GEN,
        "task": "text-generation" if number % 3 else "text-to-image",
        "library": "transformers",
        "license": "apache-2.0",
        "downloads": 1 << max(30 - number // 20, 0),
        "size": (number + 1) * 1024**2,
    }
    return Model(**{**values, **fields})  # type: ignore[arg-type]
