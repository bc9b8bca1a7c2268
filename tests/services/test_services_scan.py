"""Scans as the screen and other programs ask for them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from pathlib import Path

import pytest
from homes import Configure
from small_models import gguf_file, tensors_file

from tui_hub.blobs import receipts
from tui_hub.domain.errors import InterruptedJobError, RefusedError
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.scanning import ScanMode, ScanStatus
from tui_hub.events import StorageChanged, WorkMoved
from tui_hub.services import open_services

OLD = time.time_ns() - 10**12
SLOW = {"TUI_HUB_STORE__READ_RATE": "2000000"}


def write(place: Path, content: bytes) -> None:
    """Write a file as if that was a while ago."""
    place.write_bytes(content)
    os.utime(place, ns=(OLD + len(content), OLD + len(content)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A few models of some size."""
    folder = tmp_path / "models"
    folder.mkdir()
    for number in range(6):
        path = folder / f"m{number}.gguf"
        path.write_bytes(gguf_file(bytes([number]) * (2_000_000 - 32)))
        os.utime(path, ns=(OLD, OLD))
    return folder


async def test_one_scan_at_a_time_and_it_can_be_cancelled(
    configure: Configure, folder: Path
) -> None:
    async with open_services(configure(**SLOW)) as services:
        with services.bus.subscribe() as events:
            job = await services.scanning.start([str(folder)])
            with pytest.raises(RefusedError, match="another scan of this home is running"):
                await services.scanning.run([str(folder)])
            async for event in events:
                if isinstance(event, WorkMoved):
                    assert event.job == job.id
                    break
        (picture,) = services.works.pictures()
        assert (picture.job, picture.type) == (job.id, JobType.SCAN)
        assert (await services.jobs.cancel(job.id)).status is JobStatus.CANCELLED
        assert len(services.scanning.report.models) < 6
        report = await services.scanning.run([str(folder / "m0.gguf")])
        assert report.found == 1


async def test_a_cancelled_scan_says_so_to_who_waits(configure: Configure, folder: Path) -> None:
    async with open_services(configure(**SLOW)) as services:
        work = asyncio.create_task(services.scanning.run([str(folder)], adopt=True))
        while not any(picture.done for picture in services.works.pictures()):
            await asyncio.sleep(0)
        (running,) = await services.jobs.list((JobType.SCAN,), (JobStatus.RUNNING,))
        await services.jobs.cancel(running.id)
        with pytest.raises(InterruptedJobError):
            await work
        temp = services.configuration.paths.store / "temp"
        assert [path.name for path in temp.iterdir() if path.suffix != ".lock"] == []


async def test_what_was_adopted_is_told_to_who_listens(configure: Configure, folder: Path) -> None:
    async with open_services(configure()) as services:
        with services.bus.subscribe() as events:
            report = await services.scanning.run([str(folder)], adopt=True, mode=ScanMode.REFERENCE)
            async for event in events:
                if isinstance(event, StorageChanged):
                    break
        assert {model.status for model in report.models} == {ScanStatus.ADOPTED}
        assert (report.found, report.adopted) == (6, 6)
        assert report.referenced_bytes == report.bytes == 12_000_000
        installs = {install.model for install in await services.storage.installs()}
        assert installs == {f"local:m{number}" for number in range(6)}


async def test_two_homes_adopt_into_one_store(
    configure: Configure, folder: Path, tmp_path: Path
) -> None:
    shared = {"MODEL_STORE_PATH": str(tmp_path / "store")}
    one, two = configure("one", **shared), configure("two", **shared)
    async with open_services(one) as first, open_services(two) as second:
        reports = await asyncio.gather(
            *(services.scanning.run([str(folder)], adopt=True) for services in (first, second))
        )
        for report in reports:
            assert {model.status for model in report.models} == {ScanStatus.ADOPTED}
        checked = await first.verify.run()
        assert (checked.checked, checked.damaged, checked.missing) == (6, (), ())
        usage = await second.storage.usage()
        assert usage.blobs == 6


async def test_a_model_of_several_files_is_known_again(
    configure: Configure, tmp_path: Path
) -> None:
    """Its weights are each looked up by their hash, and all say the same model."""
    folder = tmp_path / "models" / "parts"
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        path = folder / f"parts-{number:05d}-of-00003.gguf"
        path.write_bytes(gguf_file(bytes([number]) * (2_000_000 - 32)))
        os.utime(path, ns=(OLD, OLD))
    async with open_services(configure()) as services:
        first = await services.scanning.run([str(tmp_path / "models")], adopt=True)
        again = await services.scanning.run([str(tmp_path / "models")])
    assert [model.status for model in first.models] == [ScanStatus.ADOPTED]
    assert [(model.model, model.status) for model in again.models] == [
        (first.models[0].model, ScanStatus.INSTALLED)
    ]


async def test_what_lies_elsewhere_makes_no_room(configure: Configure, folder: Path) -> None:
    """Deleting such a model takes a link away, and no file of anybody's."""
    async with open_services(configure()) as services:
        await services.scanning.run([str(folder)], adopt=True, mode=ScanMode.REFERENCE)
        plan = await services.room.plan(1)
        assert (plan.steps, plan.enough) == ((), False)


async def test_a_definition_that_a_kill_left_alone_is_completed(
    configure: Configure, folder: Path
) -> None:
    """It is written down first; without its files, the model was refused for ever as changed."""
    place = str(folder / "m0.gguf")
    async with open_services(configure("before")) as services:
        await services.scanning.run([place], adopt=True)
        written = await services.adding.find("local:m0")
        assert written is not None
    async with open_services(configure()) as services:
        await services.storage._context.hub.additions.put(written)
        report = await services.scanning.run([place], adopt=True)
        assert [(one.status, one.reason) for one in report.models] == [(ScanStatus.ADOPTED, None)]


async def test_rows_that_a_kill_left_without_a_receipt_are_taken_in_again(
    configure: Configure, folder: Path
) -> None:
    """Else nothing would refer to its bytes, and the next sweep would take them."""
    place = str(folder / "m0.gguf")
    configuration = configure()
    async with open_services(configuration) as services:
        await services.scanning.run([place], adopt=True, mode=ScanMode.COPY)
        context = services.storage._context
        receipts.delete(context.store, "local:m0")
        await context.hub.installs.delete("local:m0")
        report = await services.scanning.run([place], adopt=True, mode=ScanMode.COPY)
        assert [one.status for one in report.models] == [ScanStatus.ADOPTED]
        assert (await services.garbage.sweep()).pieces == ()
        assert len(list(context.store.iter())) == 1


@pytest.mark.parametrize("mode", [ScanMode.REFERENCE, ScanMode.COPY])
async def test_a_model_whose_file_changed_is_taken_as_it_is_now(
    configure: Configure, tmp_path: Path, mode: ScanMode
) -> None:
    place = tmp_path / "models" / "mine.safetensors"
    place.parent.mkdir()
    contents = [tensors_file(number, 300_000 + 200 * number) for number in range(3)]
    write(place, contents[0])
    async with open_services(configure(HF_HUB_OFFLINE="1")) as services:
        first = await services.scanning.run([str(place)], adopt=True, mode=mode)
        assert [model.status for model in first.models] == [ScanStatus.ADOPTED]
        write(place, contents[1])
        left = await services.scanning.run([str(place)], adopt=True, mode=mode)
        assert "`tui-hub download local:mine` takes it" in (left.models[0].reason or "")
        job = await services.downloads.start("local:mine")
        done = await services.downloads.wait(job.id)
        assert done.error is None
        (file,) = (await services.repositories.details("local:mine")).files
        assert file.blob == hashlib.sha256(contents[1]).hexdigest()
        await services.storage.delete("local:mine")
        write(place, contents[2])
        again = await services.scanning.run([str(place)], adopt=True, mode=mode)
        assert [model.status for model in again.models] == [ScanStatus.ADOPTED]


async def test_broken_weights_are_left_where_they_lie(configure: Configure, tmp_path: Path) -> None:
    whole = tensors_file(1, 300_000)
    newer = gguf_file(b"")[:4] + b"\x09" + gguf_file(b"")[5:]
    for name, content in {
        "cut.safetensors": whole[:-1],
        "junk.safetensors": b"abcde",
        "junk.gguf": b"x" * 2_000_000,
        "whole.safetensors": whole,
        "newer.gguf": newer,
    }.items():
        write(tmp_path / name, content)
    async with open_services(configure()) as services:
        for _ in range(2):
            report = await services.scanning.run([str(tmp_path)], adopt=True)
            told = {model.place.rpartition("/")[2]: model for model in report.models}
            left = {name for name, one in told.items() if one.status is ScanStatus.LEFT}
            assert left == {"cut.safetensors", "junk.safetensors", "junk.gguf"}
            for name in left:
                assert "is no whole weights file" in (told[name].reason or "")
        installs = {one.model for one in await services.storage.installs()}
        assert installs == {"local:whole", "local:newer"}


@pytest.mark.parametrize("runtime", [None, "link"])
async def test_broken_weights_do_not_become_active(
    configure: Configure, tmp_path: Path, runtime: str | None
) -> None:
    place = tmp_path / "mine.gguf"
    write(place, gguf_file(b"x" * 2_000_000))
    async with open_services(configure()) as services:
        await services.scanning.run([str(place)], adopt=True, mode=ScanMode.REFERENCE)
        blob = services.configuration.paths.store / "blobs" / "sha256"
        now = place.stat()
        place.write_bytes(b"x" * now.st_size)
        os.utime(place, ns=(now.st_mtime_ns, now.st_mtime_ns))  # which only reading it shows
        assert [path.stat().st_size for path in blob.iterdir()] == [now.st_size]
        with pytest.raises(RefusedError, match="is no GGUF file"):
            await services.activation.activate("local:mine", runtime=runtime)
        assert await services.activation.slots() == ()
