"""A question that is answered while what it shows is still being worked out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from screen_driver import fill, made, screen
from textual.content import Content
from textual.widgets import Static

from tui_hub.settings import Configuration
from tui_hub.tui.screens.confirm import Confirm


class SlowQuestion(Confirm):
    """Draws in its body once that is gone, as a slow preview does after a quick answer."""

    CSS_PATH = None

    def on_mount(self) -> None:
        self.drew = False
        self.run_worker(self.draw_late())

    async def draw_late(self) -> None:
        while self.query("#body"):
            await asyncio.sleep(0)
        self.drew = True
        self.query_one("#body", Static).update("too late")


async def test_work_for_a_closed_question_ends_nothing(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        question = SlowQuestion("Really?", Content("Yes or no."), yes="Yes")
        answers: list[Any] = []
        await driver.app.push_screen(question, answers.append)
        await driver.press("y")
        await driver.until(lambda: answers and question.drew)
        await driver.sees("model-0000")
        assert driver.app.return_code is None


async def test_what_is_wrong_on_an_open_screen_is_a_fault(offline: Configuration) -> None:
    async def stumble() -> None:
        driver.app.screen.query_one("#no-such-thing")

    with pytest.raises(Exception, match="no-such-thing"):
        async with screen(offline) as driver:
            driver.app.screen.run_worker(stumble())
            await driver.until(lambda: driver.app.return_code is not None)
