"""Damage: a catalogue is put aside at the start, and of a model every screen tells the same."""

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


async def test_every_screen_tells_the_same_of_a_model_that_is_damaged(
    online: Configuration,
) -> None:
    async with screen(online) as driver:
        downloads, storage = driver.services.downloads, driver.services.storage
        await downloads.wait((await downloads.start("acme/quants")).id)
        files = await driver.services.repositories.files("acme/quants")
        blob = next(file.blob for file in files if file.path.endswith("Q8_0.gguf"))
        path = online.paths.store / "blobs" / "sha256" / str(blob)
        path.chmod(0o644)
        path.write_bytes(bytes(path.stat().st_size))
        assert not (await driver.services.verify.run()).sound
        assert await storage.damaged() == {"hf:acme/quants"}
        await driver.press(*"/quants", "enter")
        await driver.until(lambda: "acme/quants damaged" in driver.text())
        await driver.sees("✓ installed", "1 damaged file")
        await driver.press("enter", "right")
        await driver.sees("✓ installed", "1 damaged file")
        await driver.until(lambda: "damaged" in driver.row("quants-Q8_0.gguf"))
        assert "failed" not in driver.text()
        await driver.press("5")
        await driver.sees("hf:acme/quants  1 lost")
        await downloads.wait((await downloads.start("acme/quants")).id)
        await driver.press("1")
        await driver.until(lambda: "damaged" not in driver.text())
