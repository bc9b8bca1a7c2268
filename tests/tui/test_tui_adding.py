"""Adding models of one's own on the screen, and taking them out of the catalogue again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import FileServer
from screen_driver import NARROW, Driver, screen
from small_models import tensors_file

from tui_hub.domain.catalogue import Search
from tui_hub.settings import Configuration
from tui_hub.tui.screens.add import AddDialog
from tui_hub.tui.screens.confirm import Confirm
from tui_hub.tui.screens.model import ModelScreen

WEIGHTS = tensors_file(3)


@pytest.fixture
def server() -> Iterator[FileServer]:
    running = FileServer()
    yield running
    running.close()


async def place(driver: Driver, words: str) -> None:
    """Name a place, and wait until more is asked."""
    await driver.press("plus", *words, "enter")
    await driver.until(lambda: isinstance(driver.app.screen, AddDialog))


async def test_a_model_is_added_by_its_address(online: Configuration, server: FileServer) -> None:
    address = server.put("/m.safetensors", WEIGHTS)
    async with screen(online, NARROW) as driver:
        await place(driver, f"{address}?part=1")
        await driver.sees(address, "Name", "Type", "Checksum", "Licence", "GPU memory", "torch")
        assert "part=1" not in driver.text()
        await driver.press(*"mine", "tab", *"drawing", "enter")
        await driver.sees("'drawing' is no type.")
        await driver.press("ctrl+u", *"llm", "tab", *hashlib.md5(WEIGHTS).hexdigest())
        await driver.press("tab", *"mit", "tab", *"8G", "tab", *"2.4", "enter")
        await driver.sees("Take files from 127.0.0.1?")
        assert server.seen == []
        await driver.press("y")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        await driver.sees("url:mine", "Files 1")
        addition = await driver.services.adding.find("url:mine")
        assert addition is not None
        assert (addition.license, addition.gpu_memory, addition.torch, addition.type) == (
            "mit", 8 * 1024**3, "2.4", "llm",
        )  # fmt: skip
        assert addition.files[0].md5 == hashlib.md5(WEIGHTS).hexdigest()


async def test_a_folder_is_added_and_forgotten(online: Configuration, tmp_path: Path) -> None:
    folder = tmp_path / "my folder"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    async with screen(online) as driver:
        await place(driver, str(folder))
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        await driver.sees("local:my-folder")
        await place(driver, str(folder))
        await driver.press("enter")
        await driver.sees("local:my-folder is there already")
        await driver.press("n")
        await driver.until(lambda: isinstance(driver.app.screen, AddDialog))
        await driver.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        await driver.press("x")
        await driver.sees("Forget?", "leaves the catalogue")
        await driver.press("n")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        job = await driver.services.downloads.start("local:my-folder")
        assert (await driver.services.downloads.wait(job.id)).error is None
        await driver.press("x")
        await driver.sees("Delete?")
        await driver.press("y")
        await driver.until(lambda: any("Deleted 1 file" in note for note in driver.notes()))
        await driver.until(lambda: not isinstance(driver.app.screen, Confirm))
        await driver.press("x")
        await driver.sees("Forget?")
        await driver.press("y")
        await driver.until(lambda: not isinstance(driver.app.screen, ModelScreen | Confirm))
        assert await driver.services.catalogue.find("local:my-folder") is None
        assert (folder / "model.safetensors").read_bytes() == WEIGHTS


async def test_the_page_of_a_repository_is_no_place(online: Configuration) -> None:
    async with screen(online) as driver:
        endpoint = online.environment["HF_ENDPOINT"]
        await driver.press("plus", *f"{endpoint}/datasets/a/b", "enter")
        await driver.sees("the address leads to no model")
        await driver.press("ctrl+u", *f"{endpoint}/acme/tiny", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))


async def test_an_address_with_a_secret_is_refused(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.press("plus", *"https://a.org/x?token=pa55", "enter")
        await driver.until(lambda: any("a credential (token)" in one for one in driver.notes()))
        assert await driver.services.catalogue.count(Search(sources=("url",))) == 0


async def test_what_was_typed_stays_when_it_fails(
    online: Configuration, server: FileServer
) -> None:
    async with screen(online) as driver:
        await place(driver, f"{server.url}/nothing.bin")
        await driver.press(*"mine", "enter")
        await driver.sees("Take files from 127.0.0.1?")
        await driver.press("y")
        await driver.sees("/nothing.bin is not there (404)", "Check the address", " mine ")
        server.put("/nothing.bin", WEIGHTS)
        await driver.press("enter")
        await driver.sees("Take files from 127.0.0.1?")
        await driver.press("y")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        assert await driver.services.catalogue.find("url:mine") is not None


async def test_nothing_is_added_after_a_no(online: Configuration, server: FileServer) -> None:
    address = server.put("/m.safetensors", WEIGHTS)
    async with screen(online) as driver:
        await place(driver, address)
        await driver.press("enter")
        await driver.sees("Take files from 127.0.0.1?")
        await driver.press("n")
        await driver.until(lambda: not isinstance(driver.app.screen, Confirm))
        assert server.seen == []
        assert await driver.services.catalogue.count(Search(sources=("url",))) == 0


async def test_a_path_that_is_none_is_told_in_the_form(online: Configuration) -> None:
    for typed in ("~nosuchuser/x", "file:///tmp/a%00b", "file://[x"):
        async with screen(online) as driver:
            await place(driver, typed)
            await driver.press("enter")
            await driver.sees(f"{typed} is no path")


async def test_a_folder_is_added_by_its_file_address(online: Configuration, tmp_path: Path) -> None:
    folder = tmp_path / "my folder"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    async with screen(online) as driver:
        await place(driver, f"file://{folder}")
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        await driver.sees("local:my-folder")


async def test_what_is_no_weights_file_wants_a_type(online: Configuration, tmp_path: Path) -> None:
    (tmp_path / "notes.toml").write_text("a = 1\n")
    async with screen(online) as driver:
        await place(driver, str(tmp_path / "notes.toml"))
        await driver.press("enter")
        await driver.sees("is no weights file")
