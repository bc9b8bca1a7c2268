"""Keys of the user's own: what they do, where they are shown, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from screen_driver import fill, hub_app, made, screen

from tui_hub.settings import Configuration, load_configuration
from tui_hub.tui import commands as c
from tui_hub.tui.keys import Keys, is_key
from tui_hub.tui.scopes import scopes
from tui_hub.tui.screens.plan import PlanDialog


def with_keys(configuration: Configuration, lines: str) -> Configuration:
    """The same home with a table of keys in its settings file."""
    file = configuration.paths.config_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"[keys]\n{lines}\n")
    return load_configuration(environment=configuration.environment)


async def test_other_keys_work_and_show_everywhere(offline: Configuration) -> None:
    given = with_keys(offline, 'download_model = ["D", "ctrl+t"]\nshow_jobs = "f4"')
    await fill(given, [made(n) for n in range(3)])
    async with screen(given) as driver:
        await driver.sees("model-0000", "D download", "f4 Jobs")
        await driver.press("d")
        assert not isinstance(driver.app.screen, PlanDialog), "the old key does nothing"
        for key in ("D", "ctrl+t"):
            await driver.press(key)
            await driver.until(lambda: isinstance(driver.app.screen, PlanDialog))
            await driver.press("escape")
        await driver.press("question_mark")
        await driver.sees("D ^t", "f4")
        await driver.press("escape", "ctrl+p", *"download model")
        await driver.sees("Download model  (D)")
        await driver.press("escape", "escape", "f4")
        await driver.until(lambda: driver.app.current_mode == "jobs")
        driver.app.keys.drop_conflicts()
        assert driver.app.keys.problems == []


async def test_keys_that_cannot_count_are_told_and_leave_all_as_it_was(
    offline: Configuration,
) -> None:
    given = with_keys(offline, 'download_model = "a"\ndownlod = "z"\nquit = "no key"\n')
    await fill(given, [made(0)])
    async with screen(given) as driver:
        await driver.sees("model-0000")
        await driver.until(lambda: len(driver.notes()) == 3)
        told = "\n".join(driver.notes())
        assert "keys.download_model: a is the key of activate_model already" in told
        assert "keys.downlod: there is no such command\nDid you mean down" in told
        assert "keys.quit: 'nokey' is no key" in told
        await driver.sees("d download", "a activate", "q quit")
        await driver.press("d")
        await driver.until(lambda: isinstance(driver.app.screen, PlanDialog))


async def test_what_is_no_text_is_told_and_the_screen_opens(offline: Configuration) -> None:
    given = with_keys(offline, 'down = 5\nshow_jobs = ["f4", true]\nquit = "f9"')
    async with screen(given) as driver:
        await driver.sees("f9 quit", "4 Jobs")
        await driver.until(lambda: len(driver.notes()) == 2)
        told = "\n".join(driver.notes())
        assert "keys.down: 5 is no key\nKeys are named like" in told
        assert "keys.show_jobs: True is no key" in told


async def test_sentences_name_the_keys_that_are_set(offline: Configuration) -> None:
    given = with_keys(
        offline,
        'cancel = "f9"\ndismiss = "f9"\nquit = "ctrl+x"\nfill_slot = "F"\nshow_browse = "f1"\n'
        'help = "f2"\nno = "f9"',
    )
    await fill(given, [made(0)])
    async with screen(given) as driver:
        await driver.sees("model-0000", "f1 Browse")
        await driver.press("ctrl+c")
        await driver.until(lambda: "^x quits" in driver.notes(), str(driver.notes()))
        await driver.press("3")
        await driver.sees("F fills it from what is installed, f1 finds more")
        await driver.press("f2")
        await driver.sees("f9 closes", "^x")
        await driver.press("ctrl+c")
        await driver.until(lambda: "f9 closes this; then ^x quits" in driver.notes())
        await driver.press("f9", "plus")
        await driver.sees("enter accepts, f9 closes")


async def test_a_command_without_a_key_is_in_the_palette_and_in_the_help(
    offline: Configuration,
) -> None:
    given = with_keys(offline, 'quit = "none"\nshow_jobs = ""\ndownload_model = []')
    await fill(given, [made(0)])
    async with screen(given) as driver:
        await driver.sees("model-0000", "Jobs")
        assert driver.app.keys.problems == []
        assert "quit" not in driver.lines()[-1] and "download" not in driver.lines()[-1]
        for key in ("q", "ctrl+q", "d", "4"):
            await driver.press(key)
        assert driver.app.is_running and driver.app.current_mode == "browse"
        assert len(driver.app.screen_stack) == 1
        await driver.press("ctrl+c")
        await driver.until(lambda: driver.notes() == ["^p, Quit, quits"])
        await driver.press("question_mark")
        await driver.until(lambda: "no key " in driver.row("Plan a download"))
        await driver.press("escape", "ctrl+p", *"download model")
        await driver.sees("Download model  (no key)")
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, PlanDialog))


async def test_a_change_of_the_file_counts_at_once(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        await driver.sees("model-0000", "d download", "4 Jobs")
        with_keys(offline, 'download_model = "D"\nshow_jobs = "f4"')
        await driver.sees("D download", "f4 Jobs")
        await driver.press("D")
        await driver.until(lambda: isinstance(driver.app.screen, PlanDialog))
        await driver.press("escape")
        with_keys(offline, 'download_model = "a"')
        await driver.sees("d download", "4 Jobs")
        assert any("a is the key of activate_model already" in one for one in driver.notes())
        offline.paths.config_file.write_text("[keys")
        await driver.until(lambda: any("cannot be read" in note for note in driver.notes()))
        await driver.sees("d download")


def test_what_a_question_needs_keeps_its_key() -> None:
    keys = Keys({"no": "none", "commands": "", "toggle_favourite": "none"})
    keys.drop_conflicts()
    assert {one.command for one in keys.problems} == {"no", "commands"}
    assert "it needs a key" in keys.problems[0].message
    assert keys.of(c.ToggleFavourite) == () and keys.of(c.Commands) == ("ctrl+p",)


def test_two_commands_may_change_places() -> None:
    keys = Keys({"toggle_favourite": "n", "edit_note": "b"})
    keys.drop_conflicts()
    assert keys.problems == []
    assert keys.keymap == {"toggle_favourite": "n", "edit_note": "b"}


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        ({"next_column": "x"}, "drop_column"),
        ({"toggle_filters": "j"}, "down"),
        ({"show_sync": "s"}, "filter_status"),
        ({"yes": "n"}, "no"),
        ({"search": "q"}, "quit"),
    ],
)
def test_a_key_is_looked_for_wherever_it_would_be_in_the_way(
    wanted: dict[str, str | list[str]], other: str
) -> None:
    keys = Keys(wanted)
    keys.drop_conflicts()
    (problem,) = keys.problems
    assert f"is the key of {other} already" in problem.message
    assert keys.keymap == {}


def test_only_the_key_that_another_command_has_is_left_out() -> None:
    keys = Keys({"search": ["q", "Q"], "download_model": ["a", "q"]})
    keys.drop_conflicts()
    assert keys.of(c.Search) == ("Q",)
    assert keys.of(c.DownloadModel) == c.DownloadModel.keys(), "it keeps its own where none is left"
    assert {one.message for one in keys.problems} == {
        "q is the key of quit already",
        "a is the key of activate_model already (Browse)",
    }


async def test_the_first_frame_has_the_keys_that_count(offline: Configuration) -> None:
    from tui_hub.services import open_services

    given = with_keys(offline, 'search = ["q", "Q"]\nhelp = "d"\nshow_jobs = "f4"')
    async with open_services(given) as services:
        app = hub_app(services)
        assert app.sign_of(c.Search) == "Q"
        assert app.sign_of(c.Help) == "?"
        assert app.sign_of(c.ShowJobs) == "f4"


def test_a_question_has_keys_of_its_own() -> None:
    keys = Keys({"no": "q"})
    keys.drop_conflicts()
    assert keys.problems == [], "nothing else works while it is asked"


def test_what_is_known_to_stand_on_a_screen() -> None:
    assert c.DownloadModel in scopes()["Browse"] and c.Quit in scopes()["Browse"]
    assert c.Quit not in scopes()["Variants"]


@pytest.mark.parametrize(
    "key", ["x", "X", "f5", "ctrl+o", "space", "?", "é", "shift+left", "alt+x"]
)
def test_what_is_a_key(key: str) -> None:
    assert Keys({"quit": key}).problems == []


def test_keys_may_come_from_the_environment(offline: Configuration) -> None:
    told = {"TUI_HUB_KEYS__QUIT": "x", "TUI_HUB_KEYS__SEARCH": '["s", "f3"]'}
    given = load_configuration(environment={**offline.environment, **told})
    assert given.settings.keys == {"quit": "x", "search": ["s", "f3"]}


@pytest.mark.parametrize("key", ["nokey", "xx", "ctrl+", "hello+x", "\x1b", "[/]"])
def test_what_is_no_key(key: str) -> None:
    (problem,) = Keys({"quit": key}).problems
    assert "\x1b" not in problem.message


@pytest.mark.parametrize(
    ("name", "meant"),
    [("bogus_command", ""), ("serch", "search"), ("cancle_job", "cancel_job")],
)
def test_only_a_name_that_is_near_is_taken_for_the_one_that_was_meant(
    name: str, meant: str
) -> None:
    (problem,) = Keys({name: "y"}).problems
    assert problem.message == "there is no such command"
    assert problem.mend.startswith(f"Did you mean {meant}? " if meant else "The palette")


def test_signs() -> None:
    assert is_key("ctrl+p") and Keys({"quit": "ctrl+x"}).sign(c.Quit) == "^x"
    assert Keys({"quit": "slash"}).sign(c.Quit) == "/"
    assert Keys({}).sign(c.Help) == "?"


def test_the_doctor_tells_of_them(offline: Configuration, tmp_path: Path) -> None:
    from command_line import Inside

    with_keys(offline, 'download_model = "a"\n')
    program = Inside(tmp_path / "home", {"HF_HUB_OFFLINE": "1"})
    findings = program.json("doctor").document["findings"]
    (told,) = [one for one in findings if one["check"] == "keys"]
    assert told["status"] == "warning"
    assert told["message"].startswith("download_model: a is the key of activate_model already")
