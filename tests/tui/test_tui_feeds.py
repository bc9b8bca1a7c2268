"""Feeds on the Sync screen: made, changed, switched, tried and removed, and what goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from homes import Configure
from screen_driver import NARROW, WIDE, Driver, screen

from tui_hub.demo import DemoHub
from tui_hub.settings import Configuration
from tui_hub.tui.feed_fields import FIELDS, feed_of, texts_of
from tui_hub.tui.screens.confirm import Confirm
from tui_hub.tui.screens.feed_form import FeedForm
from tui_hub.tui.screens.feed_trial import TrialDialog


@pytest.fixture
def resting(configure: Configure) -> Configuration:
    """A home whose schedule is on, and begins long after the test."""
    return configure(TUI_HUB_SYNC__FIRST_DELAY="3600")


KEYS = ("n new", "e edit", "p try")


def content(configuration: Configuration) -> str:
    """The settings file."""
    return configuration.paths.config_file.read_text()


async def front(driver: Driver, kind: type[object]) -> None:
    """Wait until a dialog is in front."""
    await driver.until(lambda: isinstance(driver.app.screen, kind), f"no {kind.__name__}")


async def add(driver: Driver, name: str) -> None:
    """Add a feed that brings nothing."""
    await driver.press("n")
    await front(driver, FeedForm)
    await driver.press(*name, "down", *"author:nobody", "enter")
    await driver.sees(f"▸ ◌  hf:{name}")


@pytest.mark.parametrize("size", [NARROW, (100, 30), WIDE, (180, 45)])
async def test_every_key_of_a_feed_is_on_screen(
    offline: Configuration, size: tuple[int, int]
) -> None:
    async with screen(offline, size) as driver:
        await driver.press("6")
        await driver.sees("hf:litert", *KEYS, "space turn off")
        assert "D remove" not in driver.text(), "it ships with the program"
        await add(driver, "mine")
        await driver.sees(*KEYS, "space turn off", "D remove")
        await driver.press("space")
        await driver.sees("space turn on")


async def test_a_feed_is_made_while_the_words_say_what_it_means(
    resting: Configuration,
) -> None:
    async with screen(resting, NARROW) as driver:
        await driver.press("6", "n")
        await driver.sees("New feed", "It needs a name first.", "enter saves")
        await driver.press("enter")
        await driver.sees("the feed has no name yet")
        await driver.press(*"mine", "down")
        await driver.sees("it brings     all of it: everything", "random 3-4 h after each sync")
        await driver.press(*"tag:gguf colour:red")
        await driver.sees("'colour' is no part of a query")
        await driver.until(
            lambda: driver.row("is no part of a query").rstrip("│ ").endswith("query")
        )
        await driver.press(*["backspace"] * 10, *"author:acme", "down", *"20", "down")
        await driver.sees("it brings     the first 20: tag gguf and by acme")
        await driver.press(*"0 26 * * *")
        await driver.sees("'26' is no hour (0 to 23)")
        await driver.press("enter")
        assert isinstance(driver.app.screen, FeedForm), "nothing typed is lost"
        await driver.press("ctrl+u", *"0 5 * * *", "down", "down", "down", *"mit, apache-2.0")
        await driver.sees(
            "of these      licence mit or apache-2.0", "its turns     next ", "05:00Z"
        )
        await driver.press("enter")
        await driver.sees("▸ ◌  hf:mine", "daily 05:00Z")
        feed = driver.services.feeds.get("hf:mine")
        assert (feed.limit, feed.schedule) == (20, "0 5 * * *")
        assert feed.rules.licenses == ("mit", "apache-2.0")
        assert '[feeds."hf:mine"]' in content(resting)


async def test_a_feed_is_changed_and_what_is_not_touched_stays(resting: Configuration) -> None:
    resting.paths.config_file.parent.mkdir(parents=True)
    resting.paths.config_file.write_text('# mine\n[feeds."hf:litert"]\nlimit = 9 # few\n')
    async with screen(resting) as driver:
        await driver.press("6")
        await driver.sees("takes       the first 9 of each query")
        await driver.press("e")
        await driver.sees("tag:litert; tag:litert-lm", "it brings     the first 9 of each query")
        await driver.press("escape", "e", *["down"] * 2, "ctrl+u", "enter")
        await driver.sees("schedule    random 3-4 h")
        assert 'schedule = "random"' in content(resting) and "limit = 9 # few" in content(resting)
        assert "queries" not in content(resting)


async def test_a_feed_that_changed_meanwhile_is_not_overwritten(
    offline: Configuration, configure: Configure
) -> None:
    async with screen(offline) as driver:
        await driver.press("6")
        await driver.sees("hf:litert")
        await driver.press("e")
        await front(driver, FeedForm)
        offline.paths.config_file.write_text('[feeds."hf:litert"]\nlimit = 9\n')
        await driver.press("down", *"7", "enter")
        await driver.sees("the feed hf:litert was changed meanwhile")
        assert "limit = 9" in content(offline)


async def test_a_feed_is_switched_off_and_on(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("6")
        await driver.sees("hf:litert")
        await driver.press("space")
        await driver.until(lambda: " off " in driver.row("hf:litert"))
        assert "enabled = false" in content(offline)
        await driver.press("t")
        await driver.until(lambda: " never " in driver.row("hf:litert"))


async def test_the_whole_hub_asks_first(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("6")
        await driver.sees("hf:all")
        names = [feed.name for feed in driver.services.feeds.list()]
        await driver.press("g", *["down"] * names.index("hf:all"), "space")
        await front(driver, Confirm)
        await driver.sees("2 500 000 models", "about 25 min")
        await driver.press("enter")
        await driver.until(lambda: " off " in driver.row("hf:all"))
        assert not driver.services.feeds.get("hf:all").enabled, "a dangerous one rests on no"
        await driver.press("space", "y")
        await driver.until(lambda: " never " in driver.row("hf:all"))
        assert "enabled = true" in content(offline)


async def test_only_feeds_of_ones_own_are_removed(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("6")
        await driver.sees("hf:litert")
        await driver.press("D")
        await driver.until(
            lambda: driver.notes() == ["hf:litert ships with the program; space turns it off"]
        )
        await add(driver, "gone")
        await driver.press("D")
        await driver.sees("is taken out of the settings file")
        await driver.press("y")
        await driver.until(lambda: "hf:gone" not in content(offline))
        await driver.until(lambda: "hf:gone" not in "\n".join(driver.lines()[:-6]))


async def test_a_trial_shows_what_is_left_out_and_why(online: Configuration, hub: DemoHub) -> None:
    async with screen(online) as driver:
        await driver.press("6", "n")
        await front(driver, FeedForm)
        await driver.press(*"try", *["down"] * 5, *"no-such-task", "ctrl+t")
        await front(driver, TrialDialog)
        await driver.sees("What hf:try would take in", "found in all: 0 taken in", "(task ")
        await driver.sees("acme/", "task text-")
        await driver.press("m")
        await driver.until(lambda: "that is all that the queries find" in driver.notes())
        await driver.press("escape")
        await front(driver, FeedForm)
        await driver.sees("no-such-task")
        assert not online.paths.config_file.exists()
        await driver.press("escape", "p")
        await driver.sees("What hf:litert would take in", "1 found in all: 1 taken in")


async def test_a_trial_with_no_network_says_so(offline: Configuration) -> None:
    async with screen(offline, NARROW) as driver:
        await driver.press("6")
        await driver.sees("hf:litert")
        await driver.press("p")
        await front(driver, TrialDialog)
        await driver.sees("offline")


async def test_what_an_editor_writes_shows_and_a_broken_file_is_told(
    resting: Configuration,
) -> None:
    file: Path = resting.paths.config_file
    async with screen(resting, NARROW) as driver:
        await driver.press("6")
        await driver.sees("hf:litert")
        file.write_text('[feeds."hf:litert"]\nschedule = "0 7 * * *"\n')
        await driver.sees("daily 07:00Z")
        file.write_text('[feeds."hf:litert"]\nschedule = \n')
        await driver.sees("The feeds stay as they were", "read: Invalid value (at line 2")
        await driver.sees("daily 07:00Z")
        await driver.press("e")
        await front(driver, FeedForm)
        await driver.press("down", *"7", "enter")
        await driver.sees("is broken and stays as it is")
        file.write_text("")
        await driver.press("escape")
        await driver.sees("daily 02:00Z")
        await driver.until(lambda: "stay as they were" not in driver.text())


async def test_hostile_text_in_the_file_is_inert_and_kept(offline: Configuration) -> None:
    file = offline.paths.config_file
    file.parent.mkdir(parents=True)
    file.write_text(
        '[feeds."hf:bad"]\nqueries = [{ search = "[/] \\u001b[2J[bold]" }]\n'
        'schedule = "[/] * * * *"\n[feeds."hf:bad".rules]\nlicenses = ["[red]\\u202e"]\n'
    )
    before = content(offline)
    async with screen(offline) as driver:
        await driver.press("6")
        await driver.sees("hf:bad")
        await driver.press("G", "e")
        await front(driver, FeedForm)
        await driver.sees("[/]", "[red]")
        assert all(line.isprintable() for line in driver.lines())
        await driver.press("enter")
        await driver.until(lambda: not isinstance(driver.app.screen, FeedForm))
        assert content(offline) == before


def test_the_fields_make_the_feed_that_they_show(configure: Configure) -> None:
    from tui_hub.sources.feeds import feeds_from

    for feed in feeds_from(configure().settings):
        texts = texts_of(feed)
        assert {field.key for field in FIELDS} < set(texts)
        assert feed_of(texts, feed) == feed
