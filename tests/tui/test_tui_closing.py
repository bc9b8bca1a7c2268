"""What closes in the middle of its work ends quietly."""

from __future__ import annotations

import asyncio

import pytest
from screen_driver import made, screen
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui_hub.settings import Configuration
from tui_hub.tui.modes import MODES
from tui_hub.tui.screens.base import HubScreen
from tui_hub.tui.screens.model import ModelScreen


class Part(Static):
    """Says when it is gone."""

    def on_unmount(self) -> None:
        """Let go what waits for this."""
        screen = self.screen
        assert isinstance(screen, Late)
        screen.gone.set()


class Pane(Vertical):
    """Something with a part."""

    def compose(self) -> ComposeResult:
        yield Part("a part")


class Late(HubScreen):
    """A screen whose answer comes when its parts are gone already."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = asyncio.Event()

    def compose_body(self) -> ComposeResult:
        yield Pane()

    def on_mount(self) -> None:
        """Begin."""
        self.fill()

    @work
    async def fill(self) -> None:
        """Fill in what came late."""
        await self.gone.wait()
        self.query_one(Pane).query_one(Part).update("late")


@pytest.mark.parametrize("first", ["page", "program"])
async def test_an_answer_that_comes_while_a_page_closes_is_dropped(
    offline: Configuration, first: str
) -> None:
    async with screen(offline) as driver:
        late = Late()
        await driver.app.push_screen(late)
        await driver.sees("a part")
        if first == "page":
            await driver.app.pop_screen()
            await driver.settled()
            assert driver.app.is_running
    assert late.gone.is_set()
    assert not driver.app.return_code


@pytest.mark.parametrize("mode", list(MODES))
async def test_the_program_ends_quietly_while_a_screen_is_made(
    offline: Configuration, mode: str
) -> None:
    async with screen(offline) as driver:
        driver.app.switch_mode(mode)
        driver.app.exit(0)
    assert driver.app.return_code == 0


async def test_a_page_that_goes_while_it_is_made_takes_nothing_with_it(
    offline: Configuration,
) -> None:
    async with screen(offline) as driver:
        for _ in range(3):
            driver.app.push_screen(ModelScreen(made(1)))
            driver.app.pop_screen()
        await driver.settled()
        assert driver.app.is_running


async def test_a_fault_of_what_stays_ends_the_program(offline: Configuration) -> None:
    with pytest.raises(ZeroDivisionError):
        async with screen(offline) as driver:
            driver.app.call_later(lambda: 1 / 0)
            await driver.until(lambda: driver.app.return_code == 1)
