"""Models side by side: marks, columns, what differs, and what can be done from there."""

from __future__ import annotations

import pytest
from screen_driver import NARROW, WIDE, Driver, fill, made, screen

from tui_hub.demo import DemoHub
from tui_hub.settings import Configuration
from tui_hub.tui.screens.compare import CompareScreen
from tui_hub.tui.screens.model import ModelScreen


async def open_comparison(driver: Driver, marks: int) -> CompareScreen:
    """Mark the first models of the list, and put them side by side."""
    await driver.sees("model-000")
    for _ in range(marks):
        await driver.press("c", "j")
    await driver.press("C")
    await driver.until(lambda: isinstance(driver.app.screen, CompareScreen))
    shown = driver.app.screen
    assert isinstance(shown, CompareScreen)
    await driver.settled()
    return shown


async def test_a_comparison_takes_two(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(3)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press("C")
        await driver.until(lambda: "Mark two models" in driver.notes()[-1])
        await driver.press("c")
        await driver.sees("model-0000 ◆")
        await driver.until(lambda: driver.notes() == ["1 marked; mark one more to compare"])
        await driver.press("c")
        await driver.until(lambda: "◆" not in driver.text())
        assert len(driver.app.marks) == 0


async def test_no_more_than_four(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(6)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press(*"cjcjcjcjc")
        await driver.until(lambda: any("4 are marked already" in one for one in driver.notes()))
        assert len(driver.app.marks) == 4


@pytest.mark.parametrize(("size", "columns"), [(NARROW, 2), (WIDE, 4)])
async def test_columns_that_have_no_room_scroll_into_sight(
    offline: Configuration, size: tuple[int, int], columns: int
) -> None:
    await fill(offline, [made(n) for n in range(4)])
    async with screen(offline, size) as driver:
        await open_comparison(driver, 4)
        await driver.until(
            lambda: (
                [n for n in range(4) if f"model-000{n}" in driver.lines()[2]]
                == list(range(columns))
            )
        )
        await driver.press("l", "right", "tab", "l")
        await driver.sees("▸ model-0003", "hf:maker3/model-0003")
        await driver.press("h", "left", "shift+tab")
        await driver.sees("▸ model-0000")


async def test_what_differs_stands_out_and_can_stand_alone(offline: Configuration) -> None:
    models = [made(1, license="mit"), made(2, license="apache-2.0")]
    await fill(offline, models)
    async with screen(offline) as driver:
        await driver.sees("model-0001")
        await driver.press("c", "j", "c", "C")
        await driver.sees("Side by side", "≠ licence", "mit", "apache-2.0")
        await driver.until(lambda: driver.row("library").split()[:2] == ["│", "library"])
        await driver.press("f")
        await driver.until(lambda: "library" not in driver.text())
        await driver.sees("≠ licence")


async def test_columns_are_dropped(offline: Configuration) -> None:
    await fill(offline, [made(n) for n in range(3)])
    async with screen(offline) as driver:
        await open_comparison(driver, 2)
        await driver.press("x")
        await driver.until(lambda: "model-0000" not in driver.text())
        assert [one.model.name for one in driver.app.marks.all] == ["model-0001"]
        await driver.press("x")
        await driver.until(lambda: not isinstance(driver.app.screen, CompareScreen))


async def test_variants_with_their_files_and_fit(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.press("plus", *"acme/quants", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        await driver.settled()
        await driver.press("right")
        await driver.sees("Q4_0", "Q8_0")
        await driver.press("j", "c")
        await driver.sees("gguf ◆")
        await driver.press(*"jj", "c", "C")
        await driver.sees("quants Q4_0", "quants Q8_0", "≠ variant", "≠   weights", "fits now")
        half, whole = driver.row("≠   weights").split("estimate")[1:]
        assert 0 < half.count("━") < whole.count("━"), (
            "bars weigh what is the same but not as large"
        )
        await driver.press("l", "d")
        await driver.sees("Download hf:acme/quants", "Q8_0")


async def test_what_cannot_be_asked_is_told_in_its_column(
    online: Configuration, hub: DemoHub
) -> None:
    await fill(online, [made(1), made(2)])
    async with screen(online) as driver:
        await open_comparison(driver, 2)
        await driver.sees("verdict", "not known", "problem")
