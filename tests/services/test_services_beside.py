"""Downloads whose bytes another process moves, as the screen has it."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest
from file_server import FileServer
from homes import Configure
from small_models import WEIGHTS

from tui_hub.blobs import BlobStore
from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.jobs import JobStatus
from tui_hub.events import DownloadChanged
from tui_hub.services import Services, open_services
from tui_hub.services.downloads import transfers
from tui_hub.services.downloads.transfers import Mover
from tui_hub.transfer import Options, Request


@pytest.fixture(autouse=True)
def all_files_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small files go that way too."""
    monkeypatch.setattr(transfers, "_WORTH", 0)


async def moving(services: Services, job: str) -> int:
    """Wait until bytes of a download arrive; the process that brings them."""
    with services.bus.subscribe() as events:
        async for event in events:
            if isinstance(event, DownloadChanged) and event.job == job:
                now = await services.downloads.get(job)
                pid = services.downloads.beside
                if now.bytes_transferred and pid is not None:
                    return pid
    raise AssertionError("the bus ended")


async def test_a_model_arrives(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        services.downloads.step_aside()
        job = await services.downloads.start("acme/tiny")
        done = await services.downloads.wait(job.id)
        assert (done.status, done.error) == (JobStatus.COMPLETED, None)
        assert done.path is not None
        assert (Path(done.path) / "model.safetensors").read_bytes() == WEIGHTS
        assert services.downloads.beside is None


async def test_a_paused_download_goes_on_from_its_bytes(configure: Configure, hub: DemoHub) -> None:
    hub.throttle.connection = 200_000
    async with open_services(configure()) as services:
        services.downloads.step_aside()
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        await moving(services, job.id)
        await services.downloads.pause(job.id)
        paused = await services.downloads.wait(job.id)
        assert paused.status is JobStatus.PAUSED
        assert 0 < paused.done < len(WEIGHTS)
        hub.throttle.connection = 0
        await services.downloads.resume(job.id)
        done = await services.downloads.wait(job.id)
        assert done.status is JobStatus.COMPLETED
        assert done.bytes_transferred == len(WEIGHTS)


async def test_it_goes_on_when_that_process_is_killed(configure: Configure, hub: DemoHub) -> None:
    hub.throttle.connection = 200_000
    async with open_services(configure()) as services:
        services.downloads.step_aside()
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        pid = await moving(services, job.id)
        hub.throttle.connection = 0
        os.kill(pid, signal.SIGKILL)
        done = await services.downloads.wait(job.id)
        assert (done.status, done.error) == (JobStatus.COMPLETED, None)
        assert services.downloads.beside is None


async def test_wrong_bytes_never_get_a_name(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.CORRUPT, origin="cdn", times=-1))
    async with open_services(configure()) as services:
        services.downloads.step_aside()
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        done = await services.downloads.wait(job.id)
        assert (done.status, done.error_code) == (JobStatus.FAILED, "corrupt")
        assert list((services.configuration.paths.store / "blobs" / "sha256").iterdir()) == []


async def test_a_home_that_closes_leaves_no_process(configure: Configure, hub: DemoHub) -> None:
    hub.throttle.connection = 200_000
    async with open_services(configure()) as services:
        services.downloads.step_aside()
        job = await services.downloads.start("acme/tiny")
        pid = await moving(services, job.id)
    assert not Path(f"/proc/{pid}").exists()
    async with open_services(configure()) as services:
        assert (await services.jobs.get(job.id)).status is JobStatus.PAUSED


def test_with_a_limit_no_small_file_goes_past_that_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(transfers, "_WORTH", 1000)
    store = BlobStore(tmp_path)
    store.prepare()
    mover = Mover(Options(environment={}), 0)
    mover.step_aside()
    with closing(FileServer()) as server, closing(store.open_partial("one")) as partial:
        request = Request(url=server.put("/one", b"here"), size=4)
        download = mover.begin()
        download.transfer(request, partial).run()
        room = memoryview(bytearray(4))
        assert download.brief(request, room) is not None
        mover.rate = 1000
        assert download.brief(request, room) is None
        download.close()
