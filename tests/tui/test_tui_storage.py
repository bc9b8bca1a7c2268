"""The Storage screen: what is found is shown, and nothing goes without a yes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from screen_driver import NARROW, Driver, screen
from small_models import gguf_file, tensors_file

from tui_hub.domain.scanning import ScanMode
from tui_hub.settings import Configuration


def put(folder: Path, *names: str) -> None:
    """Files that a person might keep models in, written a while ago."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        gguf = gguf_file(bytes([number + 1]) * 3_000_000)
        whole = tensors_file(number, 750_000) if name.endswith(".safetensors") else gguf
        (folder / name).write_bytes(whole)
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))


async def scan(driver: Driver, folder: Path) -> None:
    """Scan a folder, up to the question."""
    await driver.press("5", "s")
    await driver.sees("Find models on this box")
    await driver.press(*str(folder), "enter")


async def test_models_of_this_box_are_found_taken_in_and_verified(
    offline: Configuration, tmp_path: Path
) -> None:
    put(tmp_path / "loras", "tiny-style.safetensors")
    async with screen(offline) as driver:
        await scan(driver, tmp_path / "loras")
        await driver.sees("Take them in?", "found", "local:tiny-style")
        assert not await driver.services.storage.installs(), "only with a yes"
        await driver.press("y")
        await driver.sees("1 taken in")
        await driver.until(lambda: "local:tiny-style" in driver.row("▸"))
        await driver.press("v")
        await driver.sees("1 of 1 blobs sound")
        (tmp_path / "loras" / "tiny-style.safetensors").write_bytes(b"changed")
        await driver.press("V")
        await driver.sees("0 of", "tiny-style.safetensors")


@pytest.mark.parametrize("size", [NARROW, (120, 36)])
async def test_models_can_be_told_apart_by_their_whole_names(
    offline: Configuration, tmp_path: Path, size: tuple[int, int]
) -> None:
    names = [f"lumen-chat-instruct-2507-long-{word}" for word in ("one", "two")]
    put(tmp_path / "box", *(f"{name}.gguf" for name in names))
    async with screen(offline, size) as driver:
        await driver.services.scanning.run([str(tmp_path / "box")], adopt=True, mode=ScanMode.COPY)
        await driver.press("5")
        await driver.sees("By model", "local:lumen-chat", "Size")
        await driver.settled()
        await driver.until(lambda: all(name in driver.text() for name in names))


async def test_room_is_made_only_with_a_yes(offline: Configuration, tmp_path: Path) -> None:
    put(tmp_path / "box", "one.gguf", "two.gguf")
    async with screen(offline, NARROW) as driver:
        box = [str(tmp_path / "box")]
        await driver.services.scanning.run(box, adopt=True, mode=ScanMode.COPY)
        await driver.press("5", "m")
        await driver.sees("How much should come free?")
        await driver.press(*"much", "enter")
        await driver.sees("'much' is no size")
        await driver.press("home", "shift+end", *"1M", "enter")
        await driver.sees("Delete for room?", "never active")
        await driver.press("n")
        assert len(await driver.services.storage.installs()) == 2
        await driver.press("m")
        await driver.sees("How much should come free?")
        await driver.press(*"1M", "enter")
        await driver.sees("Delete for room?")
        await driver.press("y")
        await driver.until(lambda: any("free again" in note for note in driver.notes()))
        assert len(await driver.services.storage.installs()) == 1


async def test_what_is_left_over_is_swept_with_a_yes(
    offline: Configuration, tmp_path: Path
) -> None:
    put(tmp_path, "orphan.bin")
    async with screen(offline) as driver:
        await driver.press("5", "w")
        await driver.until(lambda: any("Nothing is left over" in one for one in driver.notes()))
        store = driver.services.storage._context.store
        store.prepare()
        digest = store.adopt(tmp_path / "orphan.bin")
        await driver.press("w")
        await driver.sees("Sweep?", "bytes of no model")
        await driver.press("n", "w")
        await driver.sees("Sweep?")
        assert store.has(digest)
        await driver.press("y")
        await driver.sees("came free")
        assert not store.has(digest)


async def test_stopping_nothing_says_so(offline: Configuration) -> None:
    async with screen(offline) as driver:
        await driver.press("5", "X")
        await driver.until(lambda: any("No verification" in note for note in driver.notes()))
