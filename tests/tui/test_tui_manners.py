"""Small terminals, ctrl+c, notes, favourites, orders, and the palette across screens."""

from __future__ import annotations

import pytest
from screen_driver import NARROW, fill, made, screen
from textual.widgets._toast import Toast

from tui_hub.domain.catalogue import Sort
from tui_hub.settings import Configuration
from tui_hub.tui.screens.browse import BrowseScreen
from tui_hub.tui.screens.model import ModelScreen
from tui_hub.tui.screens.prompt import Prompt


@pytest.mark.parametrize("size", [(59, 30), (80, 13), (20, 5)])
async def test_a_tiny_terminal_says_what_it_needs(
    offline: Configuration, size: tuple[int, int]
) -> None:
    await fill(offline, [made(0)])
    async with screen(offline, NARROW) as driver:
        await driver.sees("model-0000")
        for dialog in (False, True):
            if dialog:
                await driver.press("d")
                await driver.sees("Download hf:")
            focused = driver.app.focused
            await driver.pilot.resize_terminal(*size)
            await driver.sees("too", "60x14")
            await driver.until(lambda: "model-0000" not in driver.text())
            await driver.until(lambda: "╭" not in driver.text())
            await driver.pilot.resize_terminal(60, 14)
            await driver.sees("model-0000", "╭")
            await driver.until(lambda focused=focused: driver.app.focused is focused)


async def test_ctrl_c_says_how_to_leave(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("ctrl+c", "ctrl+c")
        await driver.until(lambda: driver.notes() == ["q quits"])
        await driver.press("slash", "ctrl+c")
        await driver.until(lambda: driver.notes() == ["^q quits"])
        await driver.press("escape", "question_mark", "ctrl+c")
        await driver.until(lambda: driver.notes() == ["esc closes this; then q quits"])


async def test_equal_notes_take_each_others_place(offline: Configuration) -> None:
    async with screen(offline) as driver:
        for words in ("a", "a", "b", "c", "d", "d"):
            driver.app.notify(words)
        await driver.until(lambda: driver.notes() == ["c", "d"])


async def test_the_way_out_of_an_empty_answer_is_true(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(3)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press("slash", *"zzz")
        await driver.sees("Nothing matches. esc, then u clears the search.")
        await driver.press("escape")
        await driver.sees("Nothing matches. u clears the search.")
        await driver.press("u")
        await driver.sees("model-0000")


@pytest.mark.parametrize("sort", list(Sort))
async def test_the_column_of_the_order_is_in_sight(offline: Configuration, sort: Sort) -> None:
    await fill(offline, [made(n, likes=n, params=n * 1000, trending=float(n)) for n in range(3)])
    async with screen(offline, (60, 14)) as driver:
        await driver.sees("model-0000")
        browse = driver.app.screen
        assert isinstance(browse, BrowseScreen)
        while browse.search.sort is not sort:
            await driver.press("o")
        await driver.settled()
        await driver.sees("▴" if sort in (Sort.NAME, Sort.FIT) else "▾", f"by {sort.value}")


async def test_favourites_and_notes_show(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(3)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press("b")
        await driver.sees("model-0000 ★")
        await driver.press("n")
        await driver.sees("Note on model-0000")
        await driver.press(*"mine", "enter")
        await driver.sees("mine")
        edit = await driver.services.catalogue.edits("hf:maker0/model-0000")
        assert edit is not None and edit.note == "mine" and edit.favourite


async def test_the_palette_goes_to_the_screen_of_an_action(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("ctrl+p", *"limit")
        await driver.sees("Downloads: Limit speed  (2 L)")
        await driver.press("down", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, Prompt))
        assert driver.app.current_mode == "downloads"
        await driver.press("escape", "ctrl+p", *"theme")
        await driver.sees("Change theme  (T)")


async def test_the_palette_opens_the_page_for_what_is_done_there(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press("6", "ctrl+p", *"next tab")
        await driver.sees("Browse: Next tab")
        await driver.press("down", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))


async def test_a_model_is_opened_by_its_name(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.press("plus", *"no good", "enter")
        await driver.sees("'no good' is not the id of a model")
        await driver.press("ctrl+u", *"acme/tiny", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        await driver.sees("hf:acme/tiny", "A model for tests.")


async def test_notes_hide_little_of_a_small_screen_and_go_with_escape(
    offline: Configuration,
) -> None:
    await fill(offline, [made(0)])
    async with screen(offline, NARROW) as driver:
        await driver.sees("model-0000")
        await driver.press("5")
        await driver.sees("By model")
        for number in range(3):
            driver.app.notify(f"note {number} of a length that the old width broke in two lines")
        await driver.until(lambda: len(driver.app.screen.query(Toast)) == 2)
        await driver.sees("note 1 of", "note 2 of a length that the old width broke in two lines")
        lines = driver.lines()
        assert "note 2 of" in lines[NARROW[1] - 3], "over the lower edge of the panel"
        assert "note 1 of" in lines[NARROW[1] - 4]
        await driver.press("escape")
        await driver.until(lambda: not driver.notes())
        assert driver.app.current_mode == "storage", "it took the notes away and nothing else"
        await driver.press("1", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        driver.app.notify("a page closes all the same")
        await driver.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, BrowseScreen))
        assert "a page closes all the same" not in driver.notes()
        await driver.press("5")
        driver.app.hint("a hint is no reason to stay")
        await driver.press("escape")
        await driver.until(lambda: driver.app.current_mode == "browse")
