"""Copying by the terminal, addresses that it may open, and letters to jump by."""

from __future__ import annotations

from dataclasses import replace

import pytest
from screen_driver import Driver, fill, made, screen
from textual.widgets import Input

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.downloads import Download, FileProgress
from tui_hub.domain.invocation import Invocation
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.settings import Configuration
from tui_hub.tui.actions.copying import copyables, of_download, of_slot
from tui_hub.tui.drawing.links import can_link, link, safe_address
from tui_hub.tui.screens.active import ActiveScreen
from tui_hub.tui.screens.copy import CopyDialog
from tui_hub.tui.screens.jump import JumpScreen
from tui_hub.tui.screens.model import ModelScreen
from tui_hub.tui.widgets.facet_list import FacetList

HOSTILE = (
    "javascript:alert(1)",
    "file:///etc/passwd",
    "data:text/html,x",
    "https://",
    "https://user@huggingface.co/x",
    "https://huggingface.co/\x1b]8;;evil\x1b\\",
    "https://huggingface.co/a b",
    "https://huggingface.co/\u202egnp.exe",
    "https://xn--/" + "a" * 3000,
    "https://[::1",
    "http://host:99999/",
    " https://huggingface.co",
    "ssh://host/x",
)


async def asked(driver: Driver) -> CopyDialog:
    """Ask what can be copied."""
    await driver.press("y")
    await driver.until(lambda: isinstance(driver.app.screen, CopyDialog))
    shown = driver.app.screen
    assert isinstance(shown, CopyDialog)
    await driver.until(lambda: shown.table.rows, "nothing to copy")
    return shown


async def test_a_letter_copies(offline: Configuration) -> None:
    await fill(offline, [made(0, revision="abc123")])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await asked(driver)
        await driver.sees(
            "i  id", "hf:maker0/model-0000", "https://huggingface.co/maker0/model-0000"
        )
        await driver.press("i")
        await driver.until(lambda: driver.app.clipboard == "hf:maker0/model-0000")
        sent = "Sent to the terminal's clipboard: hf:maker0/model-0000"
        await driver.until(lambda: driver.notes() == [sent])
        await asked(driver)
        await driver.press("j", "j", "enter")
        await driver.until(lambda: driver.app.clipboard == "abc123")
        await asked(driver)
        await driver.press("escape", "6", "y")
        await driver.until(lambda: driver.notes()[-1] == "There is nothing to copy here.")


async def test_the_store_and_jobs_are_copied_too(offline: Configuration) -> None:
    async with screen(offline) as driver:
        job = await driver.services.jobs.create(JobType.SCAN, {})
        await driver.press("4")
        await driver.sees("scan")
        await asked(driver)
        await driver.press("i")
        await driver.until(lambda: driver.app.clipboard == job.id)
        await driver.press("5")
        await driver.sees("By model")
        await asked(driver)
        await driver.press("s")
        await driver.until(lambda: driver.app.clipboard == str(offline.paths.store))


async def test_a_file_is_copied_by_its_path_and_hash(online: Configuration) -> None:
    async with screen(online) as driver:
        await driver.press("plus", *"acme/tiny", "enter")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        await driver.settled()
        await driver.press("right")
        shown = driver.app.screen
        assert isinstance(shown, ModelScreen)
        await driver.until(lambda: shown.files.row_count())
        await driver.until(lambda: shown.files.has_focus)
        while shown.files.file is None or shown.files.file.sha256 is None:
            await driver.press("j")
        await asked(driver)
        await driver.press("s")
        await driver.until(lambda: driver.app.clipboard == shown.files.file.sha256)  # type: ignore[union-attr]


async def test_a_download_and_a_slot_are_copied(online: Configuration) -> None:
    async with screen(online) as driver:
        job = await driver.services.downloads.start("acme/quants", variant="Q4_0")
        ended = await driver.services.downloads.wait(job.id)
        (weights,) = [
            file
            for file in await driver.services.repositories.files(ended.model, ended.revision)
            if file.path.endswith("Q4_0.gguf") and file.path in {one.path for one in ended.files}
        ]
        await driver.press("2")
        await driver.sees("History")
        shown = await asked(driver)
        offered = {(one.word, one.value) for one in shown.table.rows}
        assert ("id", "hf:acme/quants") in offered and ("job", job.id) in offered
        assert ("folder", ended.path) in offered
        assert ("sha256", weights.sha256) in offered
        await driver.sees(weights.path)
        assert any(value.endswith("/acme/quants") for _, value in offered)
        await driver.press("escape")
        result = await driver.services.activation.activate("hf:acme/quants")
        await driver.press("3")
        await driver.sees("1 of")
        front = driver.app.screen
        assert isinstance(front, ActiveScreen)
        kinds = [row.type for row in front.slots.rows]
        front.slots.cursor = kinds.index(result.slot)
        shown = await asked(driver)
        offered = {(one.word, one.value) for one in shown.table.rows}
        assert {("id", "hf:acme/quants"), ("folder", result.path)} <= offered
        assert ("shell", f"tui-hub active {result.slot.value} --path") in offered
        assert "attach" not in {word for word, _ in offered}, "nothing holds its tensors"


def test_what_programs_take_a_model_in_memory_by() -> None:
    slot = Slot(
        type=ModelType.LLM, model="hf:a/b", revision="1", runtime="torch", path="/x", child="llm",
        url="http://127.0.0.1:8000",
    )  # fmt: skip
    told = {one.word: one.value for one in copyables(of_slot(slot, {}, Invocation()))}
    assert told["attach"] == 'tui_hub.attach("llm")' and told["server"] == "http://127.0.0.1:8000"
    gone = replace(slot, error="its process is gone")
    left = copyables(of_slot(gone, {}, Invocation("tui-hub --home /h")))
    assert not {"attach", "server"} & {one.word for one in left}
    assert ("run", "tui-hub --home /h run llm -- ") in {(one.word, one.value) for one in left}


def test_the_hashes_of_a_downloads_own_files_are_told_with_their_names() -> None:
    files = [
        Artifact(id=name, model="hf:a/b", revision="1", path=name, size=size, sha256=name * 64)
        for name, size in (("a", 1), ("b", 2), ("c", 3))
    ]
    one = Download(
        job="j", model="hf:a/b", revision="1", variant=None, status=JobStatus.COMPLETED,
        files=(FileProgress(path="a", size=1), FileProgress(path="b", size=2)),
    )  # fmt: skip
    told = [one for one in copyables(of_download(one, {}, files)) if one.word == "sha256"]
    assert [(one.value, one.of) for one in told] == [("b" * 64, "b"), ("a" * 64, "a")]


def test_what_does_more_than_it_shows_is_not_copied() -> None:
    told = copyables(
        [("id", "hf:a/b"), ("path", "a\nrm -rf ~\n"), ("link", "x\x1b[2J"), ("no", None)]
    )
    assert [(one.letter, one.word) for one in told] == [("i", "id")]


def test_letters_are_never_shared_or_taken_from_the_list() -> None:
    told = copyables([(word, "x") for word in ("jg", "id", "id", "kq", "page", "path", "page")])
    letters = [one.letter for one in told]
    assert len(set(letters)) == len(letters) and not set(letters) & set("gjkq")


@pytest.mark.parametrize("address", HOSTILE)
def test_hostile_addresses_are_inert(address: str) -> None:
    assert safe_address(address) is None
    content = link(address, "$primary")
    assert not any(getattr(span.style, "link", None) for span in content.spans)
    assert content.plain.isprintable()


def test_plain_addresses_are_links_where_the_terminal_can() -> None:
    page = "https://huggingface.co/maker/model"
    assert safe_address(page) == page
    assert any(getattr(span.style, "link", None) == page for span in link(page, "$primary").spans)
    assert can_link({"TERM": "xterm-256color"}) and not can_link({"TERM": "linux"})
    plain = link(page, "$primary", linked=False)
    assert not any(getattr(span.style, "link", None) for span in plain.spans)


async def test_a_letter_jumps(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        await driver.sees("model-0000", "□ image_gen")
        await driver.press("slash", "ctrl+o")
        await driver.until(lambda: isinstance(driver.app.screen, JumpScreen))
        await driver.sees(" a ", " s ", " d ")
        await driver.press("a")
        await driver.until(lambda: isinstance(driver.app.focused, FacetList))
        await driver.press("ctrl+o", "s")
        await driver.until(lambda: isinstance(driver.app.focused, Input))
        await driver.press("escape", "ctrl+o", "escape")
        await driver.until(lambda: driver.app.focused is driver.app.screen.query_one("#models"))


async def test_tabs_are_places_too(offline: Configuration) -> None:
    await fill(offline, [made(0)])
    async with screen(offline) as driver:
        await driver.sees("model-0000")
        await driver.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        shown = driver.app.screen
        assert isinstance(shown, ModelScreen)
        await driver.press("ctrl+o", "d")
        await driver.until(lambda: shown.tabs.present == 2)
