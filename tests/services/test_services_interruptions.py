"""What survives: a pause, a killed process, a full disk, a second process."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from halting import halt
from homes import Configure
from small_models import OTHER_WEIGHTS, WEIGHTS

from tui_hub.blobs import BlobStore
from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.downloads import Download
from tui_hub.domain.errors import HubError, NoSpaceError, NotFoundError
from tui_hub.domain.feeds import FeedState
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.models import ModelStatus
from tui_hub.services import Services, open_services
from tui_hub.services.context import Context
from tui_hub.services.sync import run
from tui_hub.services.sync.run import lease_is_held

DOWNLOADER = textwrap.dedent(
    """
    import asyncio, os
    from tui_hub.services import open_services
    from tui_hub.settings import load_configuration

    async def main():
        async with open_services(load_configuration()) as services:
            job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
            print(job.id, flush=True)
            await services.downloads.wait(job.id)

    asyncio.run(main())
    """
)


async def until(
    services: Services, job: str, reached: Callable[[Download], bool], seconds: float = 60
) -> Download:
    """The download once it satisfies a condition."""
    async with asyncio.timeout(seconds):
        while True:
            download = await services.downloads.get(job)
            if download is not None and reached(download):
                return download
            await asyncio.sleep(0.02)


async def test_a_paused_download_goes_on_from_its_bytes(configure: Configure, hub: DemoHub) -> None:
    halt(hub, 900_000)
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        await until(services, job.id, lambda download: download.done > 800_000)
        await services.downloads.pause(job.id)
        paused = await services.downloads.wait(job.id)
        assert paused.status is JobStatus.PAUSED
        hub.faults.clear()
        await services.downloads.resume(job.id)
        done = await services.downloads.wait(job.id)
        (file,) = done.files
        assert done.status is JobStatus.COMPLETED
        assert file.resumed_from >= 800_000
        assert file.bytes_transferred <= len(WEIGHTS) - 800_000


async def halfway(services: Services, model: str, *paths: str) -> Download:
    """A download that was paused in the middle of a model's weights."""
    job = await services.downloads.start(model, paths=paths)
    await until(services, job.id, lambda download: download.done > 900_000)
    await services.downloads.pause(job.id)
    return await services.downloads.wait(job.id)


async def test_what_a_download_left_goes_with_its_model(configure: Configure, hub: DemoHub) -> None:
    """And the download with it, which would bring the model back once somebody adopts it."""
    halt(hub, 950_000)
    async with open_services(configure()) as services:
        job = (await halfway(services, "acme/tiny", "model.safetensors")).job
        await services.downloads.mark_interrupted(job)
        told = await services.storage.usage()
        assert told.partial_bytes > 900_000
        preview = await services.storage.preview_delete("hf:acme/tiny")
        freed = (await services.storage.delete("hf:acme/tiny")).bytes_freed
        assert preview.bytes_freed == freed == told.partial_bytes
        assert (await services.storage.usage()).partial_bytes == 0
        assert (await services.jobs.get(job)).status is JobStatus.CANCELLED
        hub.faults.clear()
        assert await services.downloads.adopt() == 0


async def test_a_delete_that_fails_costs_no_download_its_bytes(
    configure: Configure, hub: DemoHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    halt(hub, 950_000)
    async with open_services(configure()) as services:
        job = (await halfway(services, "acme/tiny", "model.safetensors")).job
        here = (await services.storage.usage()).partial_bytes
        temp, fsync = services.configuration.paths.store / "temp", os.fsync

        def failing(descriptor: int) -> None:
            if Path(f"/proc/self/fd/{descriptor}").readlink().parent == temp:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            fsync(descriptor)

        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", failing)
            with pytest.raises(HubError, match=os.strerror(errno.EIO)):
                await services.storage.delete("hf:acme/tiny")
        assert (await services.jobs.get(job)).status is JobStatus.PAUSED
        assert (await services.storage.usage()).partial_bytes == here > 900_000
        await services.storage.delete("hf:acme/tiny")
        assert (await services.jobs.get(job)).status is JobStatus.CANCELLED
        assert (await services.storage.usage()).partial_bytes == 0


async def test_a_paused_download_of_a_variant_goes_with_the_variant(
    configure: Configure, hub: DemoHub
) -> None:
    """And what is installed of the model stays."""
    async with open_services(configure()) as services:
        first = (await services.downloads.start("acme/quants", variant="Q4_0")).id
        assert (await services.downloads.wait(first)).status is JobStatus.COMPLETED
        installs = await services.storage.installs()
        halt(hub, 950_000)
        job = (await halfway(services, "acme/quants", "quants-Q8_0.gguf")).job
        told = (await services.storage.usage()).partial_bytes
        preview = await services.storage.preview_delete("acme/quants", variant="q8_0")
        deletion = await services.storage.delete("acme/quants", variant="q8_0")
        assert preview == deletion and deletion.bytes_freed == told > 900_000
        assert (await services.jobs.get(job)).status is JobStatus.CANCELLED
        assert (await services.storage.usage()).partial_bytes == 0
        assert await services.storage.installs() == installs
        with pytest.raises(NotFoundError, match="is not on this box"):
            await services.storage.delete("acme/quants", variant="q8_0")


async def test_what_another_model_waits_for_stays(configure: Configure, hub: DemoHub) -> None:
    halt(hub, 900_000)
    async with open_services(configure()) as services:
        await halfway(services, "acme/tiny")
        other = await halfway(services, "acme/tiny-copy")
        freed = (await services.storage.delete("hf:acme/tiny")).bytes_freed
        assert freed < 900_000
        hub.faults.clear()
        await services.downloads.resume(other.job)
        done = await services.downloads.wait(other.job)
        assert done.status is JobStatus.COMPLETED
        assert max(file.resumed_from for file in done.files) >= 800_000


async def test_what_is_here_shows_before_the_first_byte_of_a_resumed_download(
    configure: Configure, hub: DemoHub
) -> None:
    halt(hub, 900_000)
    configuration = configure()
    async with open_services(configuration) as services:
        job = await services.downloads.start("acme/tiny")
        await until(services, job.id, lambda download: download.done > 900_000)
        await services.downloads.pause(job.id)
        paused = await services.downloads.wait(job.id)
        hub.faults.clear()
        store = BlobStore(configuration.paths.store)
        with store.lock(hashlib.sha256(WEIGHTS).hexdigest()) as mine:
            assert mine
            await services.downloads.resume(job.id)
            begun = await until(
                services, job.id, lambda download: any(file.message for file in download.files)
            )
            (waits,) = (file for file in begun.files if file.message)
            assert "another process" in waits.message
            assert waits.ranges
            assert waits.ranges in [file.ranges for file in paused.files]
            assert begun.done >= paused.done
        done = await services.downloads.wait(job.id)
        assert done.done == done.bytes_total


async def test_figures_are_those_of_all_attempts(configure: Configure, hub: DemoHub) -> None:
    """What an attempt brought is counted by the next one too, and as nothing that was saved."""
    halt(hub, 1_200_000)
    configuration = configure(TUI_HUB_DOWNLOADS__FILES="1")
    async with open_services(configuration) as services:
        job = await services.downloads.start("acme/quants")
        size = len(OTHER_WEIGHTS)
        await until(services, job.id, lambda download: download.done > size + 100_000)
        await services.downloads.pause(job.id)
        paused = await services.downloads.wait(job.id)
        hub.faults.clear()
        await services.downloads.resume(job.id)
        done = await services.downloads.wait(job.id)
        assert any(file.deduplicated for file in done.files)
        assert (done.bytes_transferred, done.bytes_deduplicated) == (done.bytes_total, 0)
        assert done.seconds > paused.seconds > 0
        again = await services.downloads.start("acme/quants")
        nothing = await services.downloads.wait(again.id)
        assert (nothing.bytes_transferred, nothing.bytes_deduplicated) == (0, 0)
    async with open_services(configuration) as services:
        told = await services.downloads.require(job.id)
        assert (told.bytes_transferred, told.bytes_deduplicated) == (told.bytes_total, 0)


async def test_what_a_killed_process_transferred_is_counted(
    configure: Configure, hub: DemoHub
) -> None:
    halt(hub, 1_000_000)
    configuration = configure()
    with subprocess.Popen(
        [sys.executable, "-c", DOWNLOADER],
        env={**os.environ, **configuration.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        job = process.stdout.readline().strip()
        async with open_services(configuration) as services:
            counted = 0
            async with asyncio.timeout(60):
                while not counted:
                    await asyncio.sleep(0.05)
                    counted = (await services.downloads.require(job)).bytes_transferred
        process.send_signal(signal.SIGKILL)
    hub.faults.clear()
    async with open_services(configuration) as services:
        await services.downloads.resume(job)
        done = await services.downloads.wait(job)
        (file,) = done.files
        assert done.bytes_transferred >= counted + file.bytes_transferred
        assert done.bytes_deduplicated == 0


async def test_kill_minus_nine_loses_no_checkpointed_byte(
    configure: Configure, hub: DemoHub
) -> None:
    halt(hub, 1_000_000)
    configuration = configure()
    with subprocess.Popen(
        [sys.executable, "-c", DOWNLOADER],
        env={**os.environ, **configuration.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        job = process.stdout.readline().strip()
        temp = configuration.paths.store / "temp"
        async with asyncio.timeout(60):
            while not any(b'"ranges":[[' in path.read_bytes() for path in temp.glob("*.json")):
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert list((configuration.paths.store / "blobs" / "sha256").iterdir()) == []
    hub.faults.clear()
    async with open_services(configuration) as services:
        orphan = await services.jobs.get(job)
        assert orphan.status is JobStatus.PAUSED
        model = await services.catalogue.get("acme/tiny")
        assert model.status is ModelStatus.NOT_INSTALLED
        again = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        assert again.id == job
        done = await services.downloads.wait(job)
        assert done.status is JobStatus.COMPLETED
        assert done.files[0].resumed_from > 0
        assert (Path(done.path or "") / "model.safetensors").read_bytes() == WEIGHTS


async def test_closing_pauses_what_runs(configure: Configure, hub: DemoHub) -> None:
    halt(hub, 200_000)
    configuration = configure()
    async with open_services(configuration) as services:
        job = await services.downloads.start("acme/tiny")
        await until(services, job.id, lambda download: download.done > 100_000)
    async with open_services(configuration) as services:
        assert (await services.jobs.get(job.id)).status is JobStatus.PAUSED


async def test_another_process_cancels(configure: Configure, hub: DemoHub) -> None:
    halt(hub, 100_000)
    configuration = configure()
    with subprocess.Popen(
        [sys.executable, "-c", DOWNLOADER],
        env={**os.environ, **configuration.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        job = process.stdout.readline().strip()
        async with open_services(configuration) as services:
            async with asyncio.timeout(60):
                while (await services.jobs.get(job)).status is not JobStatus.RUNNING:
                    await asyncio.sleep(0.05)
            seen = await services.downloads.current()
            assert [(one.job, one.local) for one in seen] == [(job, False)]
            await services.jobs.cancel(job)
            done = await services.downloads.wait(job)
            assert done.status is JobStatus.CANCELLED
        assert process.wait(60) == 0


async def test_too_little_room_is_refused_with_figures(configure: Configure) -> None:
    configuration = configure(TUI_HUB_STORE__RESERVE=str(2**60))
    async with open_services(configuration) as services:
        with pytest.raises(NoSpaceError, match=r"3\.0 MiB more on disk") as refused:
            await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        assert "--variant" in (refused.value.hint or "")
        assert await services.jobs.list((JobType.DOWNLOAD,)) == ()


async def test_one_bad_file_does_not_stop_the_others(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.STATUS, path="*config.json*", status=404, times=-1))
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny")
        done = await services.downloads.wait(job.id)
        assert done.status is JobStatus.FAILED
        states = {file.path: str(file.state) for file in done.files}
        assert states["model.safetensors"] == "completed"
        assert states["config.json"] == "failed"
        hub.faults.clear()
        again = await services.downloads.start("acme/tiny")
        assert again.id != job.id
        final = await services.downloads.wait(again.id)
        assert final.status is JobStatus.COMPLETED
        assert final.bytes_transferred < 1000


async def test_an_interrupted_sync_goes_on_at_its_page(configure: Configure, hub: DemoHub) -> None:
    feed = "hf:all"
    configuration = configure()
    configuration.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    configuration.paths.config_file.write_text(f'[feeds."{feed}"]\nqueries = [{{}}]\n')
    configuration = configure(TUI_HUB_HUGGINGFACE__PAGE_SIZE="2")
    hub.faults.add(Fault(FaultKind.HEADERS, path="/api/models", times=1))
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    async with open_services(configuration) as services:
        services.sync.start([feed])
        async with asyncio.timeout(60):
            while not stall.hits or not await services.catalogue.total():
                await asyncio.sleep(0.02)
        assert await services.catalogue.total() == 2, "a page does not wait for the next for long"
        await services.sync.cancel()
        (status,) = [one for one in await services.sync.status() if one.feed == feed]
        assert status.state is FeedState.PARTIAL
    hub.faults.clear()
    hub.requests.clear()
    async with open_services(configuration) as services:
        (result,) = (await services.sync.run([feed])).feeds
        assert result.state is FeedState.COMPLETED
        assert await services.catalogue.total() == 5
        assert len([seen for seen in hub.requests if seen.path == "/api/models"]) == 2


async def test_a_page_that_is_no_listing_fails_the_feed_alone(
    configure: Configure, hub: DemoHub
) -> None:
    hub.faults.add(Fault(FaultKind.HTML, path="/api/models", times=1))
    async with open_services(configure()) as services:
        report = await services.sync.run(["hf:litert", "hf:text-generation", "curated"])
        assert report.status == "partial"
        states = {one.feed: one.state for one in report.feeds}
        assert states["hf:litert"] is FeedState.FAILED
        assert await services.catalogue.total() > 30
        status = {one.feed: one for one in await services.sync.status()}["hf:litert"]
        assert status.error is not None
        assert status.last_success is None


async def test_a_second_sync_follows_the_first(configure: Configure, hub: DemoHub) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    configuration = configure()
    async with open_services(configuration) as one, open_services(configuration) as two:
        first = asyncio.create_task(one.sync.run(["hf:litert"]))
        async with asyncio.timeout(60):
            while not stall.hits:
                await asyncio.sleep(0.02)
        second = asyncio.create_task(two.sync.run(["hf:litert"]))
        await asyncio.wait([second], timeout=1)
        assert not second.done()
        stall.release()
        reports = await asyncio.gather(first, second)
        assert reports[0] == reports[1]
        assert len(await one.jobs.list((JobType.SYNC,))) == 1


async def test_a_second_sync_has_the_result_of_a_first_that_ends_as_it_looks(
    configure: Configure, hub: DemoHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    looks, over = asyncio.Event(), asyncio.Event()

    async def look_late(context: Context) -> bool:
        looks.set()
        await over.wait()
        return await lease_is_held(context)

    configuration = configure()
    async with (
        open_services(configuration) as one,
        open_services(configuration) as two,
        asyncio.timeout(60),
    ):
        first = asyncio.create_task(one.sync.run(["hf:litert"]))
        while not stall.hits:
            await asyncio.sleep(0.02)
        monkeypatch.setattr(run, "lease_is_held", look_late)
        second = asyncio.create_task(two.sync.run(["hf:litert"]))
        await looks.wait()
        stall.release()
        report = await first
        over.set()
        assert await second == report
        assert len(await one.jobs.list((JobType.SYNC,))) == 1


async def test_what_is_cancelled_takes_no_disk(configure: Configure, hub: DemoHub) -> None:
    halt(hub, 200_000)
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        await until(services, job.id, lambda download: download.done > 100_000)
        assert (await services.storage.usage()).partial_bytes > len(WEIGHTS)
        await services.downloads.cancel(job.id)
        assert (await services.storage.usage()).partial_bytes == 0
        assert not list((services.configuration.paths.store / "temp").glob("*.part"))


async def test_a_cancelled_download_leaves_the_bytes_that_another_waits_for(
    configure: Configure, hub: DemoHub
) -> None:
    """Two models share a file, and thus its unfinished bytes."""
    halt(hub, 400_000)
    async with open_services(configure()) as services:
        paused = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        await until(services, paused.id, lambda download: download.done > 300_000)
        await services.downloads.pause(paused.id)
        await services.downloads.wait(paused.id)
        other = await services.downloads.start("acme/tiny-copy", paths=("model.safetensors",))
        await until(services, other.id, lambda download: download.done > 400_000)
        await services.downloads.cancel(other.id)
        hub.faults.clear()
        await services.downloads.resume(paused.id)
        done = await services.downloads.wait(paused.id)
        assert done.status is JobStatus.COMPLETED
        assert done.files[0].resumed_from >= 300_000
        assert not list((services.configuration.paths.store / "temp").glob("*.part"))


async def test_what_is_paused_takes_no_more_disk_than_its_bytes(
    configure: Configure, hub: DemoHub
) -> None:
    halt(hub, 300_000)
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        await until(services, job.id, lambda download: download.done > 200_000)
        await services.downloads.pause(job.id)
        paused = await services.downloads.wait(job.id)
        taken = (await services.storage.usage()).partial_bytes
        assert paused.done <= taken < len(WEIGHTS)


async def test_what_the_end_of_the_program_stopped_goes_on(
    configure: Configure, hub: DemoHub
) -> None:
    halt(hub, 400_000)
    configuration = configure()
    async with open_services(configuration) as services:
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        await until(services, job.id, lambda download: download.done > 300_000)
    hub.faults.clear()
    async with open_services(configuration) as services:
        (paused,) = await services.downloads.current()
        assert (paused.status, paused.local) == (JobStatus.PAUSED, True)
        assert paused.files[0].done >= 300_000
        assert await services.downloads.adopt() == 1
        done = await services.downloads.wait(job.id)
        assert done.status is JobStatus.COMPLETED
    async with open_services(configuration) as services:
        remembered = await services.downloads.get(job.id)
        assert remembered is not None
        assert len(WEIGHTS) <= remembered.bytes_transferred <= 1.1 * len(WEIGHTS)


async def test_what_a_person_paused_stays_paused(configure: Configure, hub: DemoHub) -> None:
    halt(hub, 100_000)
    configuration = configure()
    async with open_services(configuration) as services:
        job = await services.downloads.start("acme/tiny")
        await until(services, job.id, lambda download: download.done > 50_000)
        await services.downloads.pause(job.id)
        await services.downloads.wait(job.id)
    async with open_services(configuration) as services:
        assert await services.downloads.adopt() == 0


async def test_a_download_given_up_while_all_are_paused_keeps_none_from_it(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1))
    async with open_services(configure(TUI_HUB_DOWNLOADS__JOBS="1")) as services:
        runs = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        waits = await services.downloads.start("acme/quants", paths=("quants-Q8_0.gguf",))
        goes = await services.downloads.start("acme/eye", paths=("eye.tflite",))
        await asyncio.gather(services.downloads.cancel(goes.id), services.downloads.close())
        for job in (runs, waits):
            stored = await services.jobs.get(job.id)
            assert stored.status is JobStatus.PAUSED
            assert (stored.error or "").startswith("interrupted")
        assert (await services.jobs.get(goes.id)).status is JobStatus.CANCELLED
        stall.release()
