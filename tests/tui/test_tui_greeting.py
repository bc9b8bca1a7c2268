"""The first words of a new home: once, calm, and gone at the first key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from homes import Configure
from screen_driver import NARROW, WIDE, fill, made, screen
from textual.widgets import Input

from tui_hub.domain.feeds import Counts, FeedState, FeedStatus
from tui_hub.settings import Configuration
from tui_hub.tui.live import Live
from tui_hub.tui.widgets.greeting import Greeting

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
        await driver.until(
            lambda: isinstance(driver.app.focused, Input), "the key does its own work too"
        )
    async with screen(offline, size) as driver:
        await driver.sees("Qwen-Image-2512")
        await driver.settled()
        assert WORDS not in driver.text()


async def test_it_says_what_goes_on_and_what_is_done(configure: Configure) -> None:
    async with screen(configure()) as driver:
        await driver.sees(WORDS, "The catalogue is kept up to date by itself.")
        await driver.until(
            lambda: "Models here: " in driver.text() and "hf:all" not in driver.row("Models here")
        )
        await driver.pilot.click("#models")
        await driver.until(lambda: WORDS not in driver.text())


async def test_it_names_the_feeds_that_run_or_are_to_come(configure: Configure) -> None:
    async with screen(configure()) as driver:
        greeting = driver.app.screen.query_one(Greeting)
        names = [feed.name for feed in driver.services.sync.feeds()]
        known = {name: FeedStatus(feed=name, last_sync="2026-01-01T00:00:00Z") for name in names}
        known["hf:all"] = FeedStatus(feed="hf:all")  # is off, unless a person turns it on
        known["hf:litert"] = FeedStatus(feed="hf:litert")
        coming = Live(total=20, feeds=tuple(known.values()))
        assert greeting.doing(coming) == (
            "Models here: 20. The first sync fetches hf:litert in the background."
        )
        running = FeedStatus(feed="hf:litert", state=FeedState.RUNNING, counts=Counts(fetched=34))
        known["hf:litert"] = running
        assert greeting.doing(replace(coming, feeds=tuple(known.values()))) == (
            "Models here: 20. Fetching in the background: hf:litert, 34 models so far."
        )


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


async def test_a_home_that_reaches_nothing_says_what_can_be_done(configure: Configure) -> None:
    async with screen(configure(HF_ENDPOINT="http://127.0.0.1:1")) as driver:
        await driver.sees(
            WORDS, "the connection was refused", "`tui-hub doctor`", "What comes with the program"
        )
        await driver.sees("Models here: ", "Qwen-Image-2512")
        await driver.press(*"/zzzz")
        await driver.sees("Nothing matches.", "Nothing was fetched yet: 6 says why.")
        await driver.press("escape", "6")
        await driver.sees("127.0.0.1:1 cannot be reached", "O works without asking anybody.")
