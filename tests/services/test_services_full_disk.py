"""A home on a disk without any room left: it can be looked at, and room be made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from homes import Configure
from small_models import WEIGHTS

from tui_hub.domain.models import ModelStatus
from tui_hub.services import open_services
from tui_hub.services.slots.published import SlotFiles
from tui_hub.services.storage import spare

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: mounting needs root"),
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 90 MB."""
    point = tmp_path / "mounted"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m", "tmpfs", point], check=True)
    yield point
    subprocess.run(["umount", "-l", point], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as file, pytest.raises(OSError):
        for size in (2**20, 4096):
            while file.write(b"x" * size) == size:
                pass
        file.write(b"x" * 4096)


async def test_a_model_can_be_deleted_from_a_full_disk(configure: Configure, disk: Path) -> None:
    configuration = configure(TUI_HUB_HOME=str(disk / "home"))
    async with open_services(configuration) as services:
        await services.sync.run()
        job = await services.downloads.start("acme/tiny")
        assert (await services.downloads.wait(job.id)).error is None
    fill(disk)
    async with open_services(configuration) as services:
        assert await services.catalogue.total() > 0
        deletion = await services.storage.delete("acme/tiny")
        assert deletion.bytes_freed > len(WEIGHTS)
    (disk / "filler").unlink()
    async with open_services(configuration):
        assert (disk / "home" / "spare").stat().st_size == 2 * 2**20


def test_nothing_is_set_aside_where_there_is_little(disk: Path) -> None:
    fill(disk)
    spare.keep(disk)
    assert not (disk / "spare").exists() and not spare.give_up(disk)


@pytest.mark.parametrize("emptied", [False, True])
async def test_a_slot_that_was_changed_is_told_as_changed(
    configure: Configure, disk: Path, monkeypatch: pytest.MonkeyPatch, emptied: bool
) -> None:
    """The disk is full from the moment on at which the change stands."""
    configuration = configure(TUI_HUB_HOME=str(disk / "home"))
    write = SlotFiles.write

    async def full(self: SlotFiles) -> None:
        fill(disk)
        await write(self)

    async with open_services(configuration) as services:
        for model in ("acme/tiny", "acme/tiny-copy"):
            job = await services.downloads.start(model)
            assert (await services.downloads.wait(job.id)).error is None
        slots = services.activation
        await slots.activate("acme/tiny")
        with monkeypatch.context() as patch:
            patch.setattr(SlotFiles, "write", full)
            result = await (slots.deactivate("llm") if emptied else slots.switch("acme/tiny-copy"))
        assert (result.status, result.error) == ("inactive" if emptied else "active", None)
        now = [slot.model for slot in await slots.slots()]
        assert now == ([] if emptied else ["hf:acme/tiny-copy"])
        (disk / "filler").unlink()
    async with open_services(configuration) as services:
        await services.activation.recover()
        shown = (await services.catalogue.get("acme/tiny-copy")).status
        assert shown is (ModelStatus.INSTALLED if emptied else ModelStatus.ACTIVE)
        told = (configuration.paths.store / "active.json").read_text()
        assert "acme/tiny" not in told if emptied else "hf:acme/tiny-copy" in told
