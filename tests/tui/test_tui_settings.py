"""The Settings screen: every setting, changed in the file, taken over where that can be."""

from __future__ import annotations

import tomllib
from pathlib import Path

from screen_driver import NARROW, Driver, screen

from tui_hub.settings import Configuration
from tui_hub.settings.keys import keys
from tui_hub.settings.themes import THEMES
from tui_hub.tui.screens.settings import SettingsScreen


def written(configuration: Configuration) -> dict[str, object]:
    """What stands in the settings file."""
    file = Path(configuration.paths.config_file)
    return tomllib.loads(file.read_text()) if file.exists() else {}


async def go_to(driver: Driver, key: str) -> SettingsScreen:
    """Open the screen with the cursor on a setting."""
    await driver.press("7")
    await driver.sees("network.timeout")
    shown = driver.app.screen
    assert isinstance(shown, SettingsScreen)
    shown.settings.cursor = list(keys()).index(key)
    await driver.sees(f"─ {key} ─")
    return shown


async def type_over(driver: Driver, words: str) -> None:
    """Replace what stands in the question."""
    await driver.press("enter")
    await driver.sees("enter accepts")
    await driver.press("home", "shift+end", *words, "enter")


async def test_every_setting_is_there(offline: Configuration) -> None:
    async with screen(offline, NARROW) as driver:
        shown = await go_to(driver, "network.timeout")
        assert [one.setting.key for one in shown.settings.rows] == list(keys())
        await driver.press("f")
        await driver.until(lambda: 0 < shown.settings.row_count() < len(keys()))
        await driver.sees("network.offline", "changed ones")


async def test_a_setting_is_changed_in_the_file_and_taken_back(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await go_to(driver, "downloads.limit")
        await type_over(driver, "2M")
        await driver.until(lambda: written(offline) == {"downloads": {"limit": 2097152}})
        await driver.until(lambda: driver.services.downloads.limit == 2097152, "counts at once")
        await driver.until(lambda: "file" in driver.row("downloads.limit"))
        await driver.press("u")
        await driver.until(lambda: written(offline) == {})
        await driver.until(lambda: driver.services.downloads.limit == 0)
        await driver.press("u")
        await driver.until(lambda: "downloads.limit does not stand in the file." in driver.notes())


async def test_a_wrong_value_is_refused_where_it_is_typed(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await go_to(driver, "downloads.files")
        await type_over(driver, "[/]")
        await driver.sees("'[/]' is no value for downloads.files", "a whole number")
        assert "tui-hub config" not in driver.text()
        await driver.press("escape")
        assert written(offline) == {}


async def test_what_counts_from_the_next_start_says_so(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await go_to(driver, "screen.ascii")
        await driver.press("enter")
        await driver.until(lambda: written(offline) == {"screen": {"ascii": True}})
        await driver.sees("true from the next start", "It counts from the next start")


async def test_themes_show_themselves_and_one_is_kept(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await go_to(driver, "screen.theme")
        await driver.press("enter")
        await driver.sees("▸ hub-dark", "solarized-light", "enter keeps it")
        await driver.press("j")
        await driver.until(lambda: driver.app.theme == "hub-light")
        await driver.press("escape")
        await driver.until(lambda: driver.app.theme == "hub-dark")
        assert written(offline) == {}
        await driver.press("enter")
        await driver.sees("▸ hub-dark")
        await driver.press("j", "enter")
        await driver.until(lambda: written(offline) == {"screen": {"theme": "hub-light"}})
        await driver.until(lambda: "file" in driver.row("screen.theme"))
        await driver.press("u")
        await driver.until(lambda: driver.app.theme == "hub-dark")


async def test_a_key_changes_the_theme_from_anywhere(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("4", "T")
        await driver.sees("▸ hub-dark")
        await driver.press("G", "enter")
        await driver.until(lambda: written(offline) == {"screen": {"theme": "tokyo-night"}})
        assert driver.app.theme == "tokyo-night"


async def test_the_settings_know_all_themes(offline: Configuration) -> None:
    async with screen(offline) as driver:
        assert set(driver.app.available_themes) == set(THEMES)


async def test_a_broken_file_is_told_and_left(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await go_to(driver, "network.retries")
        offline.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
        offline.paths.config_file.write_text("[broken")
        await type_over(driver, "3")
        await driver.until(lambda: any("broken" in note for note in driver.notes()))
        assert offline.paths.config_file.read_text() == "[broken"
