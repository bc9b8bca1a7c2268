"""The Sync screen: when each feed's turn is, and who sees to it."""

from __future__ import annotations

import os

from homes import Configure
from screen_driver import NARROW, WIDE, screen

from tui_hub.demo import DemoHub
from tui_hub.services import open_services
from tui_hub.settings import Configuration


async def test_the_screen_runs_the_schedule(configure: Configure, hub: DemoHub) -> None:
    async with screen(configure(TUI_HUB_SYNC__FIRST_DELAY="0.1"), WIDE) as driver:
        await driver.press("6")
        await driver.sees("schedule: this screen (", f"pid {os.getpid()})")
        await driver.until(lambda: "daily 02:00Z  02:00Z" in driver.row("hf:litert"))
        await driver.until(lambda: "completed" in driver.row("hf:text-generation"))
        await driver.sees("just now · next ")
        assert hub.requests
        await driver.until(lambda: "random 3-4 h" in driver.row("hf:text-generation"))


async def test_the_words_about_a_feed(configure: Configure) -> None:
    async with screen(configure(TUI_HUB_SYNC__FIRST_DELAY="0.1"), NARROW) as driver:
        await driver.press("6")
        await driver.sees("schedule    daily 02:00Z, next 02:00Z")
        await driver.press("tab")
        await driver.sees("Nothing changed since the feeds were first synced.")
        await driver.until(
            lambda: "schedule    " not in driver.text(), "there is room for one of the two"
        )
        await driver.press("tab")
        await driver.sees("schedule    daily 02:00Z, next 02:00Z")


async def test_another_process_that_runs_it_is_named(configure: Configure) -> None:
    configuration = configure(TUI_HUB_SYNC__FIRST_DELAY="3600")
    async with open_services(configuration) as other:
        other.scheduler.start()
        async with screen(configuration) as driver:
            await driver.press("6")
            await driver.sees("schedule: another process (")


async def test_what_keeps_the_schedule_from_running_is_said(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("6")
        await driver.sees("schedule: the settings turn it off (sync.enabled)")


async def test_a_wrong_schedule_shows_at_its_feed(configure: Configure) -> None:
    configuration = configure()
    configuration.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    configuration.paths.config_file.write_text('[feeds."hf:litert"]\nschedule = "[/] * * * *"\n')
    async with screen(configure(TUI_HUB_SYNC__FIRST_DELAY="3600"), WIDE) as driver:
        await driver.press("6")
        await driver.until(lambda: "wrong" in driver.row("hf:litert"))
        await driver.sees("error       the schedule '[/] * * * *' of hf:litert")


async def test_a_sync_without_network_leaves_the_feeds_as_they_were(
    offline: Configuration,
) -> None:
    async with screen(offline, WIDE) as driver:
        await driver.press("6")
        await driver.until(lambda: "completed" in driver.row("curated:models"))
        await driver.until(lambda: not driver.app.services.sync.running)
        assert "never" in driver.row("hf:litert")
        await driver.press("s")
        await driver.sees("Offline: feeds that need the network stay as they are.")
        await driver.until(lambda: "completed" in driver.row("curated:models"))
        await driver.until(lambda: not driver.app.services.sync.running)
        assert "never" in driver.row("hf:litert")
