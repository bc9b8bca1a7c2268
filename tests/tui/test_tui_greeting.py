"""The first words of a new home: once, calm, and gone at the first key."""

from __future__ import annotations

import pytest
from homes import Configure
from screen_driver import NARROW, WIDE, fill, made, screen
from textual.widgets import Input

from tui_hub.settings import Configuration

WORDS = "Welcome to tui-hub"


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_new_home_is_greeted_above_the_catalogue(
    offline: Configuration, size: tuple[int, int]
) -> None:
    async with screen(offline, size) as driver:
        await driver.sees(WORDS, "Offline, nothing else is fetched.", "/ search", "? all keys")
        await driver.sees("Qwen-Image-2512")
        await driver.press("slash")
        await driver.until(lambda: WORDS not in driver.text())
        assert isinstance(driver.app.focused, Input), "the key does its own work too"
    async with screen(offline, size) as driver:
        await driver.sees("Qwen-Image-2512")
        await driver.settled()
        assert WORDS not in driver.text()


async def test_it_says_what_the_first_sync_does(configure: Configure) -> None:
    async with screen(configure()) as driver:
        await driver.sees(WORDS, "The first sync fetches")
        await driver.pilot.click("#models")
        await driver.until(lambda: WORDS not in driver.text())


async def test_a_home_with_models_is_not_greeted(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.settled()
        assert WORDS not in driver.text()


async def test_it_does_not_come_back_with_a_catalogue_that_is_built_anew(
    offline: Configuration,
) -> None:
    async with screen(offline) as driver:
        await driver.sees(WORDS)
    offline.paths.catalogue_database.unlink()
    async with screen(offline) as driver:
        await driver.sees("Qwen-Image-2512")
        await driver.settled()
        assert WORDS not in driver.text()
