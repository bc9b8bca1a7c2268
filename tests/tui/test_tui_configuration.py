"""What is set for a model, on its page: seen, changed, taken back, and taken over by its slot."""

from __future__ import annotations

import pytest
from screen_driver import NARROW, WIDE, Driver, fill, made, screen
from test_tui_models import installed, open_model

from tui_hub.settings import Configuration
from tui_hub.tui.screens.choice import ChoiceDialog
from tui_hub.tui.screens.confirm import Confirm
from tui_hub.tui.screens.prompt import Prompt

MODEL = "acme/quants"


async def open_configuration(driver: Driver, model: str = MODEL) -> None:
    """Open the page of a model at what is set for it."""
    await open_model(driver, model)
    await driver.press("left")
    await driver.sees("Key", "Value", "runtime", "the best that is here")


async def set_now(driver: Driver) -> dict[str, object]:
    report = await driver.services.configuring.show(MODEL)
    return dict(report.configuration.values)


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_values_are_chosen_typed_and_taken_out(
    online: Configuration, size: tuple[int, int]
) -> None:
    async with screen(online, size) as driver:
        await open_configuration(driver)
        await driver.sees("link", "settings", "What loads it")
        await driver.press("j", "j", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ChoiceDialog))
        await driver.sees("as the files have it", "bfloat16")
        await driver.press("j", "j", "j", "enter")
        await driver.until(lambda: "bfloat16" in driver.row("dtype "))
        await driver.until(lambda: "model" in driver.row("dtype "))
        await driver.press("j", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, Prompt))
        await driver.press("m", "a", "n", "y", "enter")
        await driver.sees("is no length of a context")
        await driver.press("ctrl+u", "8", "1", "9", "2", "enter")
        await driver.until(lambda: "8192" in driver.row("context "))
        assert await set_now(driver) == {"dtype": "bfloat16", "context": 8192}
        await driver.sees("Versions", "dtype=bfloat16  context=8192")
        await driver.press("u")
        await driver.until(lambda: "8192" not in driver.row("context "))
        assert await set_now(driver) == {"dtype": "bfloat16"}
        await driver.press("u")
        await driver.until(lambda: "context is not set for this model." in driver.notes())


async def test_an_older_version_counts_again(online: Configuration) -> None:
    async with screen(online, NARROW) as driver:
        for value in ("4096", "8192"):
            await driver.services.configuring.change(MODEL, {"context": value})
        await open_configuration(driver)
        await driver.press("G")
        await driver.sees("Version 1 would count again", "context 8192 → 4096")
        await driver.press("enter")
        await driver.until(lambda: "4096" in driver.row("context "))
        assert await set_now(driver) == {"context": 4096}
        await driver.until(lambda: "Version 1 counts again, as version 3" in driver.notes())


async def test_an_option_is_added_and_a_wrong_one_typed_anew(online: Configuration) -> None:
    async with screen(online, NARROW) as driver:
        await open_configuration(driver)
        await driver.press("o")
        await driver.until(lambda: isinstance(driver.app.screen, Prompt))
        await driver.press(*"top_k", "enter")
        await driver.sees("no NAME=VALUE")
        await driver.press(*"=40", "enter")
        await driver.until(lambda: any("nothing would take" in note for note in driver.notes()))
        await driver.sees("Add an option", "top_k=40")
        await driver.services.configuring.change(MODEL, {"runtime": "ollama"})
        await driver.press("enter")
        await driver.until(lambda: "40" in driver.row("options.top_k"))
        assert await set_now(driver) == {"runtime": "ollama", "options.top_k": "40"}


async def test_an_active_model_is_reloaded_when_the_person_agrees(online: Configuration) -> None:
    async with screen(online) as driver:
        await installed(driver, MODEL)
        await driver.services.configuring.change(MODEL, {"variant": "Q4_0"})
        await driver.services.activation.activate(MODEL)
        await open_configuration(driver)
        await driver.sees("active as llm, loaded like this")
        await driver.press("g", "j", "j", "j", "j", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ChoiceDialog))
        await driver.sees("Q8_0", "installed")
        await driver.press("G", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm))
        await driver.press("n")
        await driver.sees("active as llm, loaded in another way", "R reload")
        await driver.press("R")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm))
        await driver.press("y")
        await driver.sees("active as llm, loaded like this")
        slot = await driver.services.activation.active("llm")
        assert slot is not None and slot.variant == "Q8_0"


async def test_its_keys_are_offered_where_it_is_in_front(online: Configuration) -> None:
    async with screen(online) as driver:
        await open_model(driver, MODEL)
        await driver.sees("next tab")
        assert "u default" not in driver.text()
        await driver.press("left")
        await driver.sees("⏎ set", "u default", "o option")
        await driver.press("question_mark")
        await driver.sees("Configuration", "Take this value out")


async def test_it_needs_no_network(offline: Configuration) -> None:
    await fill(offline, [made(1, id=f"hf:{MODEL}")])
    async with screen(offline, NARROW) as driver:
        await open_configuration(driver)
        await driver.press("j", "j", "j", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, Prompt))
        await driver.press("9", "enter")
        await driver.until(lambda: " 9 " in driver.row("context "))
        await driver.press("j", "enter")
        await driver.sees("Which of its variants", "Leave it empty to let the default count.")


async def test_what_its_process_says_is_shown(online: Configuration) -> None:
    async with screen(online) as driver:
        await open_configuration(driver)
        await driver.press("L")
        await driver.until(lambda: "It is not active." in driver.notes())
        await installed(driver, MODEL)
        await driver.services.activation.activate(MODEL, variant="Q4_0")
        await driver.sees("active as llm")
        await driver.press("L")
        await driver.sees("link as llm", "It has said nothing so far.")
