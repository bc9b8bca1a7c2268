"""What is typed faster than the screen follows is taken in the order in which it was typed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual import events
from textual.widget import Widget
from textual.widgets import Input

from tests.tui.screen_driver import Driver, fill, made, screen
from tui_hub.settings import Configuration
from tui_hub.tui.screens.browse import BrowseScreen


def at_once(driver: Driver, *typed: str) -> None:
    """Type as a terminal does that hands over many keys in one read."""
    for key in typed:
        character = key if len(key) == 1 else None
        driver.app.post_message(events.Key("slash" if key == "/" else key, character))


def words(driver: Driver) -> str:
    """What is in the search box."""
    shown = driver.app.screen
    assert isinstance(shown, BrowseScreen)
    return shown.box.value


async def test_words_typed_right_after_their_key_are_no_commands(offline: Configuration) -> None:
    await fill(offline, [made(number) for number in range(20)])
    async with screen(offline) as driver:
        await driver.sees("model-0001")
        at_once(driver, "/", *"quit-3")
        await driver.until(lambda: words(driver) == "quit-3")
        assert driver.app.is_running
        at_once(driver, *["backspace"] * 6, *"0012", "backspace", "3")
        await driver.until(lambda: words(driver) == "0013")
        await driver.sees("model-0013")


async def test_a_paste_comes_after_the_key_that_was_pressed_before_it(
    offline: Configuration,
) -> None:
    async with screen(offline) as driver:
        at_once(driver, "/")
        driver.app.post_message(events.Paste("lumen"))
        at_once(driver, "s")
        await driver.until(lambda: words(driver) == "lumens")


async def test_a_key_waits_for_a_paste_that_a_busy_box_has_not_seen_yet(
    offline: Configuration,
) -> None:
    async with screen(offline) as driver:
        await driver.press("/")
        shown = driver.app.screen
        assert isinstance(shown, BrowseScreen)
        for _ in range(100):
            shown.box.call_later(asyncio.sleep, 0)
        driver.app.post_message(events.Paste("lumen"))
        at_once(driver, "s")
        await driver.until(lambda: words(driver) in ("lumens", "slumen"))
        assert words(driver) == "lumens"


async def test_a_part_that_leaves_its_own_habit_out_lets_the_key_climb_on(
    offline: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with screen(offline) as driver:
        await driver.sees("Models")

        def on_key(self: Widget, event: events.Key) -> None:
            event.prevent_default()

        assert driver.app.focused is not None
        monkeypatch.setattr(type(driver.app.focused), "on_key", on_key, raising=False)
        await driver.press("/")
        await driver.until(lambda: driver.app.focused is driver.app.screen.query_one(Input))


async def test_words_are_typed_into_a_question_that_is_not_there_yet(
    offline: Configuration, tmp_path: Path
) -> None:
    async with screen(offline) as driver:
        at_once(driver, "5", "s", *"/nowhere")
        await driver.sees("Find models on this box", "/nowhere")


async def test_a_command_that_fails_takes_no_key_away(offline: Configuration) -> None:
    async with screen(offline) as driver:
        at_once(driver, "5", "v", "x", "1", "/", *"abc")
        await driver.until(lambda: isinstance(driver.app.screen, BrowseScreen) and words(driver))
        await driver.until(lambda: words(driver) == "abc")


@pytest.mark.parametrize("keys", [(), ("enter",)])
async def test_a_command_right_after_words_is_for_what_they_find(
    offline: Configuration, keys: tuple[str, ...]
) -> None:
    await fill(offline, [made(number) for number in range(40)])
    async with screen(offline) as driver:
        await driver.sees("model-0001")
        at_once(driver, "/", *"0031", *(keys or ("down",)), "b")
        await driver.sees("model-0031 is now a favourite")
        favourites = await driver.services.catalogue.favourites()
        assert [one.rpartition("/")[2] for one in favourites] == ["model-0031"]
