"""Verifying a store: damage is found, named, moved away, fetched again; nothing else is lost."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from homes import Configure
from small_models import OTHER_WEIGHTS, WEIGHTS, small_repositories, tensors_file

from tui_hub.blobs import BlobStore, receipts
from tui_hub.blobs.hashing import sha256_file
from tui_hub.demo import DemoHub, RepositoryFile
from tui_hub.domain.artifacts import ArtifactStatus
from tui_hub.domain.errors import InterruptedJobError, NotFoundError, RefusedError
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.models import ModelStatus
from tui_hub.domain.scanning import ScanMode
from tui_hub.domain.verification import Verification
from tui_hub.events import StorageChanged, WorkMoved
from tui_hub.services import Services, open_services

OLD = time.time_ns() - 10**12


async def install(services: Services, model: str, **choice: str) -> Path:
    """Download a model and return its folder."""
    job = await services.downloads.start(model, **choice)  # type: ignore[arg-type]
    done = await services.downloads.wait(job.id)
    assert (done.status, done.error) == (JobStatus.COMPLETED, None)
    assert done.path is not None
    return Path(done.path)


def store_of(services: Services) -> BlobStore:
    return BlobStore(services.configuration.paths.store)


def blob_of(folder: Path, name: str = "model.safetensors") -> Path:
    """The blob behind a file of a model's folder."""
    return (folder / name).resolve()


def rewrite(path: Path, change: Callable[[bytearray], bytes | bytearray]) -> None:
    """Damage a file in its place, as a disk or a careless program does it."""
    data = bytearray(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(change(data))
    path.chmod(0o444)


def flip(data: bytearray) -> bytearray:
    data[len(data) // 2] ^= 1
    return data


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a bit flipped": (lambda path: rewrite(path, flip), "has another hash"),
    "truncated": (lambda path: rewrite(path, lambda data: data[:-5]), "instead of"),
    "grown": (lambda path: rewrite(path, lambda data: data + b"more"), "instead of"),
    "emptied": (lambda path: rewrite(path, lambda data: b""), "has 0 bytes instead of"),
    "a link": (lambda path: _replaced(path, lambda: path.symlink_to("/etc/hostname")), "link"),
    "a folder": (lambda path: _replaced(path, path.mkdir), "is a folder, not a file"),
    "a pipe": (lambda path: _replaced(path, lambda: os.mkfifo(path)), "is a named pipe"),
}


def _replaced(path: Path, make: Callable[[], None]) -> None:
    path.unlink()
    make()


@pytest.mark.parametrize("damage", DAMAGES)
async def test_each_kind_of_damage_is_named_moved_away_and_mended_by_a_download(
    configure: Configure, damage: str
) -> None:
    do, reason = DAMAGES[damage]
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        twin = await install(services, "acme/tiny-copy")
        blob = blob_of(folder)
        do(blob)

        result = await services.verify.run()

        (found,) = result.damaged
        assert reason in found.reason
        assert found.sha256 == blob.name
        assert found.models == ("hf:acme/tiny", "hf:acme/tiny-copy")
        assert found.quarantine is not None and Path(found.quarantine).name.startswith(blob.name)
        assert os.path.lexists(found.quarantine) and not os.path.lexists(blob)
        assert (result.checked, result.ok) == (4, 3)
        for model in found.models:
            assert (await services.catalogue.get(model)).status is ModelStatus.ERROR
            receipt = receipts.read(store_of(services), model)
            assert receipt is not None
            assert "model.safetensors" not in {file.path for file in receipt.files}
            files = (await services.repositories.details(model)).files
            weights = next(file for file in files if file.path == "model.safetensors")
            assert (weights.status, weights.blob) == (ArtifactStatus.FAILED, None)
        assert not await services.storage.installs()

        job = await services.downloads.start("acme/tiny")
        done = await services.downloads.wait(job.id)
        assert done.status is JobStatus.COMPLETED
        assert done.bytes_transferred == len(WEIGHTS), "only the damaged file is fetched"
        assert (folder / "model.safetensors").read_bytes() == WEIGHTS
        assert (twin / "model.safetensors").read_bytes() == WEIGHTS
        clean = await services.verify.run()
        assert clean.sound and clean.ok == 4
        assert [mend.model for mend in clean.mended] == ["hf:acme/tiny-copy"], "it has all again"
        for model in found.models:
            assert (await services.catalogue.get(model)).status is ModelStatus.INSTALLED
        assert (await services.verify.run()).mended == ()


async def test_the_command_that_is_named_fetches_what_was_lost_and_no_more(
    configure: Configure,
) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/quants", variant="Q4_0")
        rewrite(blob_of(folder, "quants-Q4_0.gguf"), flip)
        result = await services.verify.run("acme/quants")
        (command,) = result.commands
        assert command == "tui-hub download hf:acme/quants quants-Q4_0.gguf"
        await install(services, "acme/quants", paths=["quants-Q4_0.gguf"])  # type: ignore[arg-type]
        details = await services.repositories.details("acme/quants")
        assert details.installed_variants == ("Q4_0",)
        assert (await services.verify.run()).sound


async def test_one_variant_survives_the_damage_of_the_other(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/quants")
        rewrite(blob_of(folder, "quants-Q4_0.gguf"), flip)
        await services.verify.run()
        (left,) = await services.storage.installs()
        assert left.variants == ("Q8_0",)
        assert (await services.catalogue.get("acme/quants")).status is ModelStatus.INSTALLED
        receipt = receipts.read(store_of(services), "hf:acme/quants")
        assert receipt is not None and receipt.variants == ("Q8_0",)
        assert (folder / "quants-Q8_0.gguf").read_bytes() == OTHER_WEIGHTS * 2


async def test_a_missing_blob_is_told_until_it_is_here_again(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        blob_of(folder).unlink()
        result = await services.verify.run("acme/tiny")
        (missing,) = result.missing
        assert missing.models == ("hf:acme/tiny",)
        assert (result.damaged, result.checked, result.ok) == ((), 3, 3)
        for model in (None, "acme/tiny"):
            assert len((await services.verify.run(model)).missing) == 1
        assert (await services.catalogue.get("acme/tiny")).status is ModelStatus.ERROR
        await install(services, "acme/tiny")
        assert (await services.verify.run("acme/tiny")).sound


async def test_what_was_lost_is_told_again_until_it_is_fetched_or_deleted(
    configure: Configure,
) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        rewrite(blob_of(folder), flip)
        assert (await services.verify.run()).damaged
        for model in (None, "acme/tiny"):
            again = await services.verify.run(model)
            assert not again.damaged
            assert [one.models for one in again.missing] == [("hf:acme/tiny",)]
        await services.storage.delete("acme/tiny")
        assert (await services.verify.run()).sound
        with pytest.raises(NotFoundError, match="nothing of hf:acme/tiny"):
            await services.verify.run("acme/tiny")


async def test_bytes_of_a_replaced_revision_are_no_loss_and_do_not_bring_it_back(
    configure: Configure, hub: DemoHub
) -> None:
    """Another model may bring them again; the newer revision stays, and so do its bytes."""
    old = next(one for one in small_repositories() if one.id == "acme/tiny")
    new = RepositoryFile("model.safetensors", OTHER_WEIGHTS)
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        rewrite(blob_of(folder), flip)
        assert (await services.verify.run()).damaged
        hub.put(replace(old, files=(*(f for f in old.files if f.path != new.path), new)))
        folder = await install(services, "acme/tiny")
        before = await services.storage.installs()
        assert (await services.verify.run()).sound, "what was replaced is needed no more"
        await install(services, "acme/tiny-copy")
        assert (await services.verify.run()).sound
        assert [
            one for one in await services.storage.installs() if one.model == "hf:acme/tiny"
        ] == (before)
        assert (folder / new.path).read_bytes() == OTHER_WEIGHTS


async def test_a_dry_run_tells_and_changes_nothing(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        rewrite(blob_of(folder), flip)
        (folder / "config.json").unlink()
        before = picture(store_of(services).root)
        result = await services.verify.run(dry_run=True)
        assert (len(result.damaged), result.damaged[0].quarantine) == (1, None)
        assert [mend.done for mend in result.mended] == [False]
        assert picture(store_of(services).root) == before
        assert (await services.catalogue.get("acme/tiny")).status is ModelStatus.INSTALLED


def picture(root: Path) -> set[tuple[str, int]]:
    """All that is in a store, but for locks, which come by looking."""
    return {
        (str(path), path.lstat().st_mtime_ns)
        for path in root.rglob("*")
        if path.suffix != ".lock" and path.name != "temp"
    }


async def test_an_active_model_with_damage_is_named_with_its_slot(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        await services.activation.activate("acme/tiny")
        rewrite(blob_of(folder), flip)
        (found,) = (await services.verify.run()).damaged
        assert found.active == ("llm",)
        slot = await services.activation.active("llm")
        assert slot is not None and slot.model == "hf:acme/tiny"
        await install(services, "acme/tiny")
        assert (await services.catalogue.get("acme/tiny")).status is ModelStatus.ACTIVE
        assert (Path(slot.path) / "model.safetensors").read_bytes() == WEIGHTS


async def test_links_and_small_files_that_are_wrong_are_made_again(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        store = store_of(services)
        (folder / "model.safetensors").unlink()
        (folder / "config.json").unlink()
        (folder / "config.json").symlink_to("/etc/hostname")
        (folder / "mine.txt").write_text("somebody's own")
        (snapshot,) = (store.hf / "models--acme--tiny" / "snapshots").iterdir()
        (snapshot / "tokenizer.json").unlink()
        small = store.metadata / "acme_tiny" / "config.json"
        small.write_bytes(b"{}")

        result = await services.verify.run()

        assert result.sound
        assert {Path(mend.path).name for mend in result.mended} == {
            "model.safetensors",
            "config.json",
            "tokenizer.json",
        }
        assert all(mend.done for mend in result.mended)
        assert (folder / "model.safetensors").read_bytes() == WEIGHTS
        assert (folder / "config.json").read_bytes() == small.read_bytes() == CONFIG
        assert (folder / "mine.txt").read_text() == "somebody's own"
        assert (snapshot / "tokenizer.json").read_bytes() == b'{"version": "1.0"}'
        assert (await services.verify.run()).mended == ()


CONFIG = b'{"model_type": "tiny"}'


async def test_what_is_no_link_in_the_place_of_one_is_told_and_left(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        (folder / "config.json").unlink()
        (folder / "config.json").write_text("edited by hand")
        (mend,) = (await services.verify.run()).mended
        assert (mend.done, mend.problem) == (False, "is no link but something else")
        assert (folder / "config.json").read_text() == "edited by hand"


async def test_a_blob_that_can_be_written_to_is_sealed(configure: Configure) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        blob_of(folder).chmod(0o664)
        (mend,) = (await services.verify.run()).mended
        assert mend.done
        assert blob_of(folder).stat().st_mode & 0o777 == 0o444


async def test_strangers_among_the_blobs_and_a_broken_receipt_are_told(
    configure: Configure,
) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/tiny")
        store = store_of(services)
        (store.blobs / "README\x1b[2J").write_text("?")
        (store.blobs / ("A" * 64)).write_text("upper case is no blob's name")
        receipt = store.metadata / "acme_tiny" / "receipt.json"
        receipt.write_text("{")
        result = await services.verify.run()
        assert len(result.strangers) == 2
        (found,) = result.damaged
        assert (found.sha256, found.path, found.models) == (None, str(receipt), ("hf:acme/tiny",))
        assert result.ok == result.checked == 4
        assert receipt.read_text() == "{"


async def test_a_run_that_was_cut_short_goes_on_and_reads_nothing_twice(
    configure: Configure,
) -> None:
    configuration = configure(TUI_HUB_STORE__READ_RATE=str(2 * 1024**2))
    async with open_services(configuration) as services:
        await install(services, "acme/tiny")
        await install(services, "acme/quants")
        run = asyncio.create_task(services.verify.run())
        await until(lambda: bool(services.verify.report and services.verify.report.checked >= 2))
        (job,) = await services.jobs.list((JobType.VERIFY,), (JobStatus.RUNNING,))
        await services.jobs.cancel(job.id)
        with pytest.raises(InterruptedJobError, match="the check of the store was cancelled"):
            await run
        first = services.verify.report
        assert first is not None and 2 <= first.checked < 7
    async with open_services(configure(TUI_HUB_STORE__READ_RATE="0")) as services:
        result = await services.verify.run()
        assert result.resumed == first.checked
        assert (result.checked, result.ok) == (7, 7)
        everything = sum(path.stat().st_size for path in store_of(services).blobs.iterdir())
        done = first.bytes + result.bytes
        assert everything <= done <= everything + len(OTHER_WEIGHTS) * 2 + len(WEIGHTS)
        anew = await services.verify.run()
        assert (anew.resumed, anew.bytes) == (0, everything)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_file_that_changed_since_the_first_part_is_read_again(
    configure: Configure,
) -> None:
    configuration = configure(TUI_HUB_STORE__READ_RATE=str(2 * 1024**2))
    async with open_services(configuration) as services:
        folder = await install(services, "acme/tiny")
        await install(services, "acme/quants")
        run = asyncio.create_task(services.verify.run())
        await until(lambda: bool(services.verify.report and services.verify.report.checked >= 6))
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        rewrite(blob_of(folder), flip)
        for path in store_of(services).blobs.iterdir():
            if path.stat().st_size < 100:
                rewrite(path, flip)
    async with open_services(configure()) as services:
        result = await services.verify.run()
        assert len(result.damaged) == sum(
            sha256_file(Path(one.quarantine or "")) != one.sha256 for one in result.damaged
        )
        assert len(result.damaged) == 5


async def test_a_second_run_at_the_same_time_is_refused_with_the_way_to_follow_it(
    configure: Configure,
) -> None:
    async with open_services(configure(TUI_HUB_STORE__READ_RATE="1000000")) as services:
        await install(services, "acme/tiny")
        job = await services.verify.start()
        with pytest.raises(RefusedError, match="another verify") as refused:
            await services.verify.run("acme/tiny")
        assert job.id in (refused.value.hint or "")
        with services.bus.subscribe() as events:
            await services.jobs.cancel(job.id)
            async for event in events:
                if event == WorkMoved(job.id):
                    break
        assert (await services.jobs.get(job.id)).status is JobStatus.CANCELLED
        assert services.verify.pictures() == ()


async def test_another_home_of_the_store_learns_of_the_loss(
    configure: Configure, tmp_path: Path
) -> None:
    store = str(tmp_path / "shared")
    async with open_services(configure("two", MODEL_STORE_PATH=store)) as two:
        folder = await install(two, "acme/tiny")
    async with open_services(configure("one", MODEL_STORE_PATH=store)) as one:
        rewrite(blob_of(folder), flip)
        assert (await one.verify.run()).damaged
    async with open_services(configure("two", MODEL_STORE_PATH=store)) as two:
        assert not await two.storage.installs()
        assert (await two.catalogue.get("acme/tiny")).status is ModelStatus.ERROR
        assert [missing.models for missing in (await two.verify.run()).missing] == [
            ("hf:acme/tiny",)
        ]
        await install(two, "acme/tiny")
    async with open_services(configure("one", MODEL_STORE_PATH=store)) as one:
        assert [found.model for found in await one.storage.installs()] == ["hf:acme/tiny"]
        assert (await one.verify.run()).sound


async def test_what_a_process_found_and_did_not_write_down_is_settled_by_the_next(
    configure: Configure,
) -> None:
    async with open_services(configure()) as services:
        folder = await install(services, "acme/tiny")
        # A kill between the two steps of a quarantine leaves just this.
        assert store_of(services).quarantine(blob_of(folder).name) is not None
    async with open_services(configure()) as services:
        assert not await services.storage.installs()
        receipt = receipts.read(store_of(services), "hf:acme/tiny")
        assert receipt is not None and receipt.path == ""


async def test_an_empty_home_has_nothing_to_verify(configure: Configure) -> None:
    async with open_services(configure()) as services:
        assert (await services.verify.run()).checked == 0
        with services.bus.subscribe() as events:
            await install(services, "acme/tiny")
            job = await services.verify.start()
            async for event in events:
                if isinstance(event, StorageChanged | WorkMoved):
                    break
            async with asyncio.timeout(60):
                while not (await services.jobs.get(job.id)).status.ended:
                    await asyncio.sleep(0.01)
        ended = await services.jobs.get(job.id)
        assert ended.status is JobStatus.COMPLETED
        assert ended.progress.done == ended.progress.total
        report = services.verify.report
        assert isinstance(report, Verification) and report.sound
        again = await services.jobs.retry(job.id)
        assert again.id != job.id


async def test_fifty_damaged_blobs_are_fifty_findings(configure: Configure, tmp_path: Path) -> None:
    async with open_services(configure()) as services:
        await install(services, "acme/eye")
        store = store_of(services)
        source = tmp_path / "source"
        harm = [flip, lambda data: bytes(len(data)), lambda data: data[: len(data) // 2]]
        damaged = set()
        for number in range(50):
            source.write_bytes(b"%d " % number * 3000)
            damaged.add(sha256 := store.adopt(source))
            rewrite(store.path(sha256), harm[number % 3])
        result = await services.verify.run()
        assert {one.sha256 for one in result.damaged} == damaged
        assert result.checked - result.ok == 50
        assert len(list(store.quarantined.iterdir())) == 50
        assert (await services.verify.run()).sound, "nothing needed them"


async def test_a_model_whose_file_was_only_touched_is_not_lost(
    configure: Configure, tmp_path: Path
) -> None:
    """It counted as changed without being read, and its link was taken away."""
    place = tmp_path / "mine.safetensors"
    place.write_bytes(tensors_file(1, 300_000))
    os.utime(place, ns=(OLD, OLD))
    async with open_services(configure()) as services:
        await services.scanning.run([str(place)], adopt=True, mode=ScanMode.REFERENCE)
        (install,) = await services.storage.installs()
        os.utime(place, ns=(OLD, OLD + 10**9))
        blob = sha256_file(place)
        looked = await services.verify.run(dry_run=True)
        assert looked.sound and [mend.done for mend in looked.mended] == [False]
        assert not store_of(services).has(blob)
        mended = await services.verify.run()
        assert mended.sound and [mend.done for mend in mended.mended] == [True]
        assert store_of(services).has(blob)
        assert await services.storage.installs() == [install]
        assert (await services.verify.run()).mended == ()
        place.write_bytes(tensors_file(2, 300_000))
        (missing,) = (await services.verify.run()).missing
        assert missing.sha256 == blob and not os.path.lexists(store_of(services).path(blob))
