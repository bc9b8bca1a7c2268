"""The screen while its home is being opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from screen_driver import WIDE, Driver, fill, made
from textual import events

from tui_hub.domain.errors import RefusedError
from tui_hub.services import Services, open_services
from tui_hub.settings import Configuration
from tui_hub.tui.app import HubApp


@asynccontextmanager
async def waiting(
    configuration: Configuration,
) -> AsyncIterator[tuple[HubApp, Driver, asyncio.Event]]:
    """A screen whose home is open once an event is set."""
    go_on = asyncio.Event()
    async with open_services(configuration) as services:

        async def opening() -> Services:
            await go_on.wait()
            return services

        app = HubApp(configuration, opening)
        async with app.run_test(size=WIDE) as pilot:
            yield app, Driver(app, pilot, services), go_on


async def test_the_frame_is_there_before_the_home(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with waiting(offline) as (_, driver, go_on):
        await driver.sees("Browse", "Reading the catalogue.", "reading memory and disk")
        assert "model-0000" not in driver.text()
        go_on.set()
        await driver.sees("model-0000")


async def test_what_is_typed_meanwhile_is_done_afterwards(offline: Configuration) -> None:
    await fill(offline, [made(0), made(1)])
    async with waiting(offline) as (app, driver, go_on):
        await driver.sees("Browse")
        for key in ("slash", *"0001"):
            app.simulate_key(key)
        await driver.pilot.pause()
        assert "0001" not in driver.text()
        go_on.set()
        await driver.until(lambda: "model-0001" in driver.text(), "what was searched")
        await driver.until(lambda: "model-0000" not in driver.text(), "what was not")


async def test_a_click_meanwhile_is_done_afterwards(offline: Configuration) -> None:
    async with waiting(offline) as (app, driver, go_on):
        await driver.sees("Browse")
        place = driver.row("Settings").index("Settings")
        for kind in (events.MouseDown, events.MouseUp):
            app.post_message(kind(None, place, 0, 0, 0, 1, False, False, False))
        await driver.pilot.pause()
        assert app.current_mode == "browse"
        go_on.set()
        await driver.until(lambda: app.current_mode == "settings", "the screen clicked at")


async def test_a_person_need_not_wait_for_the_home(offline: Configuration) -> None:
    async with waiting(offline) as (app, driver, _):
        await driver.sees("Browse")
        app.simulate_key("q")
        await driver.pilot.pause()
        assert app.is_running and app._exit is False, "it may be a letter of a word"
        app.simulate_key("ctrl+q")
        await driver.until(lambda: app._exit, "the end")
    assert app.return_value == 0


async def test_a_home_that_cannot_be_opened_ends_the_screen(offline: Configuration) -> None:
    async def opening() -> Services:
        raise RefusedError("the home is another's")

    app = HubApp(offline, opening)
    async with app.run_test(size=WIDE):
        async with asyncio.timeout(60):
            while not app._exit:
                await asyncio.sleep(0.01)
    assert isinstance(app.unopened, RefusedError)


@pytest.mark.parametrize("ends", [True, False], ids=["opened", "refused"])
async def test_a_screen_that_ends_early_leaves_no_home_open(
    offline: Configuration, ends: bool
) -> None:
    from tui_hub.cli.screen import Home

    async with Home(offline) as home:
        opening = asyncio.create_task(home.open())
        await asyncio.sleep(0)
        if ends:
            await opening
        else:
            opening.cancel()
    async with open_services(offline) as services:
        assert await services.catalogue.total() == 0
