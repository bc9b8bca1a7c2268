"""A damaged catalogue is put aside at the start, and a person is told of it once."""

from __future__ import annotations

from pathlib import Path

from command_line import Inside
from screen_driver import screen
from terminal import Terminal

from tui_hub.settings import Configuration


def spoil(home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "catalogue.db").write_bytes(b"no database at all" * 500)


async def test_the_screen_tells_once(offline: Configuration) -> None:
    home = offline.paths.hub_database.parent
    spoil(home)
    async with screen(offline) as driver:
        await driver.until(lambda: any("was damaged" in note for note in driver.notes()))
        assert str(home / "catalogue.db.damaged") in " ".join(driver.notes())
    async with screen(offline) as driver:
        await driver.settled()
        assert not any("was damaged" in note for note in driver.notes())


def test_a_command_tells_a_person_and_no_script(tmp_path: Path) -> None:
    program = Inside(tmp_path / "home")
    spoil(program.home)
    script = program("active")
    assert (script.code, script.err) == (0, "")
    arguments = ("-m", "tui_hub", "active")
    for told in (True, False):
        terminal = Terminal(program.home, *arguments, **program.whole({}))
        assert terminal.ends() == 0
        assert ("The catalogue was damaged" in terminal.raw) is told
