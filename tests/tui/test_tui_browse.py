"""Finding models: search as you type, keyset pages, filters, and the detail at the cursor."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from nvml_driver import StubDriver
from screen_driver import NARROW, Driver, fill, made, screen
from textual.widgets import Static

from tui_hub.domain.catalogue import Search
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.types import ModelType
from tui_hub.events import CatalogueChanged
from tui_hub.services import open_services
from tui_hub.settings import Configuration
from tui_hub.tui.live import Live
from tui_hub.tui.screens.browse import BrowseScreen
from tui_hub.tui.screens.model import ModelScreen
from tui_hub.tui.widgets.model_list import PAGE, ModelList


def models_of(driver: Driver) -> ModelList:
    """The list of the catalogue."""
    browse = driver.app.screen
    assert isinstance(browse, BrowseScreen)
    return browse.models


async def test_typing_searches_and_enter_goes_to_the_results(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(30)] + [made(99, name="zebra", id="hf:a/zebra")])
    async with screen(offline) as driver:
        await driver.sees("model-0000", "31")
        await driver.press("slash", "z", "e", "b")
        await driver.until(lambda: models_of(driver).row_count() == 1)
        await driver.until(lambda: "zebra" in driver.text() and "model-0000" not in driver.text())
        await driver.press("enter")
        await driver.until(lambda: driver.app.focused is models_of(driver))
        await driver.press("u")
        await driver.until(lambda: models_of(driver).row_count() == 31)


async def test_anything_typed_is_text(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(5)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        browse = driver.app.screen
        assert isinstance(browse, BrowseScreen)
        for words in ('"', "[/]", "a* OR", "-x", "(", "\N{GRINNING FACE}", "NEAR(", "' --"):
            browse.box.value = words
            await driver.settled()
            browse.box.value = "model-0003"
            await driver.until(lambda: models_of(driver).row_count() == 1, words)
        assert driver.notes() == []


async def test_pages_follow_one_another_to_the_end(offline: Configuration) -> None:
    total = 3 * PAGE + 17
    await fill(offline, [made(n, downloads=0, likes=total - n) for n in range(total)])
    async with screen(offline) as driver:
        await driver.until(lambda: models_of(driver).row_count() > 0)
        models = models_of(driver)
        while models.cursor < total - 1:
            await driver.press("pagedown")
            await driver.until(lambda: models.current is not None)
        ids = [model.id for row in range(total) if (model := models.model_at(row))]
        assert len(ids) == len(set(ids)) == total
        await driver.press("g")
        await driver.until(lambda: models.cursor == 0 and models.scroll_offset.y == 0)


async def test_one_key_jumps_to_the_end_and_any_row_is_within_reach(offline: Configuration) -> None:
    total = 30 * PAGE + 17
    await fill(offline, [made(n, downloads=total - n) for n in range(total)])
    async with screen(offline) as driver:
        models = models_of(driver)
        await driver.until(lambda: models.row_count() == total)
        order = [one.id for page in range(31) for one in await pages_of(driver, page)]
        await driver.press("G")
        await driver.until(lambda: models.current is not None)
        assert (models.cursor, models.current and models.current.id) == (total - 1, order[-1])
        await driver.press("k")
        await driver.until(lambda: models.current and models.current.id == order[-2])
        models.scroll_to(y=15 * PAGE - 3, animate=False, immediate=True)
        await driver.until(lambda: models.model_at(15 * PAGE + 4) is not None)
        shown = [models.model_at(row) for row in range(15 * PAGE, 15 * PAGE + 5)]
        assert [one and one.id for one in shown] == order[15 * PAGE : 15 * PAGE + 5]
        await driver.press("o")
        await driver.until(lambda: models.cursor == 0, "the other order begins at its top")
        await driver.press("G")
        await driver.until(lambda: models.cursor == total - 1 and models.current is not None)
        await driver.press("g")
        await driver.until(lambda: models.current is not None)
        assert models.cursor == 0


async def pages_of(driver: Driver, number: int) -> tuple[Model, ...]:
    """One page of the list's answer, read by walking to it."""
    catalogue = driver.app.services.catalogue
    key = await catalogue.key_at(Search(), number * PAGE) if number else None
    return (await catalogue.search(Search(), PAGE, key)).models


async def test_a_list_that_becomes_shorter_behind_a_jump(offline: Configuration) -> None:
    total = 12 * PAGE
    await fill(offline, [made(n, downloads=total - n) for n in range(total)])
    async with screen(offline) as driver:
        models = models_of(driver)
        await driver.until(lambda: models.row_count() == total)
        models.count_is(total + 50 * PAGE)
        await driver.press("G")
        await driver.until(lambda: models.row_count() < total + PAGE)
        await driver.press("g", "G")
        await driver.until(lambda: models.current is not None)


async def test_who_jumps_while_the_list_is_read_again_sees_the_rows_there(
    offline: Configuration,
) -> None:
    total = 9 * PAGE
    await fill(offline, [made(n, downloads=total - n) for n in range(total)])
    async with screen(offline) as driver:
        models = models_of(driver)
        await driver.until(lambda: models.row_count() == total)
        await driver.settled()
        reading = models.reload()
        while not reading.is_running:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        models.action_last()
        await driver.until(lambda: reading.is_finished)
        await driver.until(lambda: models.current is not None, "the end of the list stays empty")
        assert models.cursor == total - 1


async def test_the_place_in_a_long_list_stays_when_the_catalogue_changes(
    offline: Configuration,
) -> None:
    total = 25 * PAGE
    await fill(offline, [made(n, downloads=total - n) for n in range(total)])
    async with screen(offline) as driver:
        models = models_of(driver)
        await driver.until(lambda: models.row_count() == total)
        models.scroll_to(y=20 * PAGE + 40, animate=False, immediate=True)
        models.cursor = 20 * PAGE + 50
        await driver.until(lambda: models.current is not None)
        before = models.current
        await driver.app.services.catalogue.remember(made(total + 1, downloads=total * 2))
        await driver.until(lambda: models.row_count() == total + 1)
        await driver.until(lambda: models.current is not None)
        assert models.current == before
        assert models.cursor == 20 * PAGE + 51


async def test_the_cursor_keys(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(90)])
    async with screen(offline, NARROW) as driver:
        await driver.sees("model-0000")
        models = models_of(driver)
        page = models.page_height
        for key, row in [
            ("j", 1), ("down", 2), ("k", 1), ("up", 0), ("ctrl+d", page // 2), ("ctrl+u", 0),
            ("pagedown", page), ("pageup", 0), ("G", 89), ("g", 0), ("end", 89), ("home", 0),
        ]:  # fmt: skip
            await driver.press(key)
            await driver.until(lambda row=row: models.cursor == row, key)
        await driver.press("G")
        await driver.until(lambda: models.scroll_offset.y == 90 - page)


async def test_the_detail_fills_when_the_cursor_rests(offline: Configuration) -> None:
    about = made(1, description="It paints slowly.", params=7_000_000_000, gated="manual")
    await fill(offline, [made(0), about])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press("j")
        await driver.sees("It paints slowly.", "7.0B", "gated, manual approval")


async def test_filters_show_counts_and_narrow_the_list(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(9)])
    async with screen(offline) as driver:
        await driver.sees("□ llm", "□ image_gen")
        await driver.until(lambda: driver.row("□ llm").split("│")[1].split() == ["□", "llm", "6"])
        browse = driver.app.screen
        assert isinstance(browse, BrowseScreen)
        browse.facets.focus()
        while "image_gen" not in str(browse.facets.draw(browse.facets.cursor, 20)):
            await driver.press("j")
        await driver.press("enter")
        await driver.until(lambda: models_of(driver).row_count() == 3)
        await driver.sees("3 of 9", "1 filters")
        await driver.press("enter")
        await driver.until(lambda: models_of(driver).row_count() == 9)


async def test_counts_that_are_estimates_say_so(
    offline: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_hub.database import counting

    monkeypatch.setattr(counting, "_MOST_HITS", 5)
    await fill(offline, [made(n, type=ModelType.LLM) for n in range(70)])
    async with screen(offline) as driver:
        await driver.sees("□ llm")
        await driver.until(lambda: driver.row("□ llm").split("│")[1].split()[-1] == "70")
        await driver.press("slash", "m", "o", "d")
        await driver.until(lambda: driver.row("□ llm").split("│")[1].split()[-1] == "~64")


async def test_stars_and_sizes_are_filters(offline: Configuration) -> None:
    await fill(offline, [made(n, size=1000 if n < 2 else 1 << 40) for n in range(5)])
    async with screen(offline) as driver:
        await driver.sees("□ favourites", "Size", "□ under 1 GiB", "□ over 64 GiB")
        await driver.press("j", "b")
        starred = models_of(driver).current
        assert starred is not None
        browse = driver.app.screen
        assert isinstance(browse, BrowseScreen)
        await driver.until(lambda: driver.row("□ favourites").split("│")[1].split()[-1] == "1")
        browse.facets.focus()
        while "favourites" not in str(browse.facets.draw(browse.facets.cursor, 20)):
            await driver.press("j")
        await driver.press("enter")
        await driver.until(lambda: models_of(driver).row_count() == 1)
        assert models_of(driver).current == replace(starred, favourite=True)
        await driver.press("enter")
        await driver.until(lambda: models_of(driver).row_count() == 5)
        while "under 1 GiB" not in str(browse.facets.draw(browse.facets.cursor, 20)):
            await driver.press("j")
        await driver.press("enter")
        await driver.until(lambda: models_of(driver).row_count() == 2)


async def test_an_empty_catalogue_shows_what_ships_with_the_program(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.until(lambda: models_of(driver).row_count() > 10)
        await driver.sees("Midjourney")


async def test_panes_fold_and_unfold(offline: Configuration) -> None:
    await fill(offline, [made(0, description="words about it")])
    async with screen(offline, NARROW) as driver:
        await driver.sees("model-0000")
        assert "words about it" not in driver.text() and "Filters" not in driver.text()
        await driver.press("v")
        await driver.sees("words about it")
        await driver.press("v", "f")
        await driver.sees("Filters", "Library")
        await driver.pilot.resize_terminal(160, 40)
        await driver.until(lambda: max(map(len, driver.lines())) == 160)


async def test_a_model_opens_and_esc_comes_back(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        await driver.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, BrowseScreen))


async def test_a_change_of_the_catalogue_shows_without_losing_the_place(
    offline: Configuration,
) -> None:
    await fill(offline, [made(n) for n in range(10)])
    async with screen(offline) as driver:
        await driver.sees("model-0004")
        await driver.press("j", "j", "j")
        chosen = models_of(driver).current
        assert chosen is not None
        new = made(50, name="brand-new", id="hf:a/brand-new", downloads=1 << 40)
        await driver.services.catalogue.remember(new)
        await driver.sees("brand-new")
        await driver.until(lambda: models_of(driver).current == chosen)
        assert chosen.status is ModelStatus.NOT_INSTALLED


async def test_the_cursor_stays_on_its_model_however_many_come_before_it(
    offline: Configuration,
) -> None:
    await fill(offline, [made(n) for n in range(10)])
    async with screen(offline, NARROW) as driver:
        await driver.sees("model-0004")
        await driver.press("j")
        models = models_of(driver)
        chosen = models.current
        total = 3 * PAGE
        await driver.until(lambda: driver.app.live.total)
        await fill(offline, [made(n, downloads=1 << 40) for n in range(100, 100 + total)])
        driver.services.bus.publish(CatalogueChanged())
        await driver.until(lambda: models.row_count() == total + 10)
        await driver.until(lambda: models.current is not None)
        assert models.current == chosen
        await driver.sees(chosen.name if chosen else "")


async def test_a_cursor_that_nobody_moved_stays_at_the_top(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(10)])
    async with screen(offline, NARROW) as driver:
        await driver.sees("model-0004")
        models = models_of(driver)
        await driver.until(lambda: driver.app.live.total)
        await fill(offline, [made(n, downloads=1 << 40) for n in range(100, 150)])
        driver.services.bus.publish(CatalogueChanged())
        await driver.until(lambda: models.row_count() == 60)
        assert (models.cursor, models.scroll_offset.y) == (0, 0)


async def test_nothing_is_said_to_be_empty_before_it_was_looked_at(offline: Configuration) -> None:
    async with screen(offline) as driver:
        browse = driver.app.screen
        assert isinstance(browse, BrowseScreen)
        words = dict(browse.why_empty(Live()))
        assert list(words) == ["Reading the catalogue."]
        await driver.settled()


async def test_a_count_is_never_said_to_be_part_of_a_smaller_one(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(5)])
    async with screen(offline) as driver:
        await driver.settled()
        browse, total = driver.app.screen, driver.app.live.total
        assert isinstance(browse, BrowseScreen)
        assert total is not None
        for found, shown in ((total - 1, f"{total - 1} of {total}"), (total + 1, f"{total + 1}")):
            browse._show_count(found)
            assert str(browse.query_one("#count", Static).content) == shown


async def test_the_number_beside_the_search_is_never_that_of_another_one(
    offline: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(offline, [made(n) for n in range(300)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.settled()
        browse = driver.app.screen
        assert isinstance(browse, BrowseScreen)
        number = browse.query_one("#count", Static)
        assert str(number.content) == str(driver.app.live.total)
        monkeypatch.setattr("tui_hub.tui.screens.browse.COUNT_DELAY", 3600.0)  # rows alone count
        await driver.press("slash", *"model-0007")
        await driver.until(lambda: str(number.content).startswith("1 of "))
        await driver.press("backspace", "backspace", "backspace")
        await driver.until(lambda: str(number.content) == "")


async def test_all_models_have_one_number_everywhere(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(5)])
    async with screen(offline) as driver:
        await driver.settled()
        number = driver.app.screen.query_one("#count", Static)
        driver.app.live_state.now = replace(driver.app.live, total=421)
        driver.app.live_signal.publish(driver.app.live)
        await driver.until(lambda: str(number.content) == "421")


async def test_what_other_processes_change_shows(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.services.sync.run(["hf"])
        await driver.sees("eye")
        assert not any("eye" in line and "✓" in line for line in driver.lines())
        async with open_services(online) as other:
            job = await other.downloads.start("acme/eye")
            await other.downloads.wait(job.id)
        await driver.until(lambda: any("eye" in line and "✓" in line for line in driver.lines()))


async def test_what_fits_the_largest_card_is_one_filter(
    offline: Configuration, driver: StubDriver
) -> None:
    driver.two_gpus()
    small, large = made(1, size=2**30), made(2, size=500 * 2**30)
    await fill(offline, [small, large, made(3, size=None)])
    async with screen(offline) as shown:
        await shown.sees("□ fits this box", "model-0002", "Fit")
        await shown.until(lambda: " no " in shown.row("model-0002"))
        await shown.until(lambda: " fits " in shown.row("model-0001"))
        assert " fits " not in shown.row("model-0003")
        await shown.until(lambda: shown.row("fits this box").split("│")[1].split()[-1] == "1")
        browse = shown.app.screen
        assert isinstance(browse, BrowseScreen)
        browse.facets.focus()
        await shown.press("g", "space")
        await shown.until(lambda: models_of(shown).row_count() == 1)
        await shown.sees("■ fits this box", "model-0001")
        await shown.press("space")
        await shown.until(lambda: models_of(shown).row_count() == 3)


@pytest.mark.parametrize("wider", [(120, 36), (200, 50)])
async def test_panes_that_come_into_view_with_a_wider_terminal_are_filled(
    offline: Configuration, wider: tuple[int, int]
) -> None:
    await fill(offline, [made(n) for n in range(4)])
    async with screen(offline, NARROW) as driver:
        await driver.sees("model-0000", "4")
        await driver.settled()
        await driver.pilot.resize_terminal(*wider)
        await driver.sees("transformers", "apache-2.0")
        if wider[0] >= 132:
            await driver.sees("Filters", "Library", "Licence")
