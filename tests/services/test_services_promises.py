"""Disk that running downloads have still to take is nobody else's, and no blob comes twice."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from halting import halt
from homes import Configure
from small_models import OTHER_WEIGHTS, WEIGHTS

from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.errors import NoSpaceError
from tui_hub.domain.jobs import JobStatus
from tui_hub.services import Services, open_services
from tui_hub.services.downloads.plans import refuse_if_full

DOWNLOADER = textwrap.dedent(
    """
    import asyncio
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


async def reserved(services: Services, model: str, *, path: str) -> int:
    return (await services.downloads.plan(model, paths=(path,))).disk_reserved


@pytest.mark.parametrize("other_home", [False, True])
async def test_what_runs_and_waits_in_line_is_promised(
    other_home: bool, configure: Configure, hub: DemoHub, tmp_path: Path
) -> None:
    """The one that runs holds its blocks already; the other's are promised, in the same home."""
    store = str(tmp_path / "shared")
    hold = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1))
    settings = {"MODEL_STORE_PATH": store, "TUI_HUB_DOWNLOADS__JOBS": "1"}
    async with (
        open_services(configure("one", **settings)) as one,
        open_services(configure("two" if other_home else "one", **settings)) as two,
    ):
        before = await reserved(two, "acme/eye", path="eye.tflite")
        running = await one.downloads.start("acme/tiny", paths=("model.safetensors",))
        async with asyncio.timeout(60):
            while not hold.hits:
                await asyncio.sleep(0.01)
        promised = await reserved(two, "acme/eye", path="eye.tflite")
        assert (before, promised) == (0, len(WEIGHTS))
        own = await reserved(two, "acme/tiny-copy", path="model.safetensors")
        assert own == 0, "the same bytes are taken once"
        waiting = await one.downloads.start("acme/quants", paths=("quants-Q8_0.gguf",))
        both = await reserved(two, "acme/quants", path="quants-Q4_0.gguf")
        assert both == len(WEIGHTS) + (0 if other_home else 2 * len(OTHER_WEIGHTS))
        await one.downloads.cancel(waiting.id)
        await one.downloads.cancel(running.id)
        assert await reserved(two, "acme/eye", path="eye.tflite") == 0
        hold.release()


async def test_blocks_that_are_taken_are_not_promised_again(
    configure: Configure, hub: DemoHub
) -> None:
    halt(hub, 200_000)
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        async with asyncio.timeout(60):
            while (await services.downloads.require(job.id)).done < 100_000:
                await asyncio.sleep(0.02)
        assert await reserved(services, "acme/eye", path="eye.tflite") == 0
        await services.downloads.cancel(job.id)


async def test_a_plan_that_only_fits_without_the_others_is_refused(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1))
    async with open_services(configure()) as services:
        first = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        async with asyncio.timeout(60):
            while not stall.hits:
                await asyncio.sleep(0.01)
        plan = await services.downloads.plan("acme/quants", paths=("quants-Q4_0.gguf",))
        assert plan.disk_reserved == len(WEIGHTS)
        room = replace(plan, disk_margin=0, disk_free=plan.bytes_to_write + len(WEIGHTS))
        refuse_if_full(room)
        with pytest.raises(NoSpaceError, match=r"3\.0 MiB are promised"):
            refuse_if_full(replace(room, disk_free=room.disk_free - 1))
        await services.downloads.cancel(first.id)
        stall.release()


async def test_a_promise_ends_with_its_process(configure: Configure, hub: DemoHub) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, origin="cdn", times=-1))
    one = configure("one")
    with subprocess.Popen(
        [sys.executable, "-c", DOWNLOADER],
        env={**os.environ, **one.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline()
        async with open_services(configure("two", MODEL_STORE_PATH=str(one.paths.store))) as two:
            async with asyncio.timeout(60):
                while not stall.hits:
                    await asyncio.sleep(0.02)
            assert await reserved(two, "acme/eye", path="eye.tflite") == len(WEIGHTS)
            process.kill()
            process.wait()
            assert await reserved(two, "acme/eye", path="eye.tflite") == 0
    stall.release()


@pytest.mark.parametrize("place", ["process", "home"])
async def test_two_jobs_that_want_one_blob_fetch_it_once(
    place: str, configure: Configure, hub: DemoHub, tmp_path: Path
) -> None:
    """Two models of different names, at the same time; in one process, and in two homes."""
    hub.throttle.connection = 2_000_000
    store = str(tmp_path / "shared")
    second = "one" if place == "process" else "two"
    async with (
        open_services(configure("one", MODEL_STORE_PATH=store)) as one,
        open_services(configure(second, MODEL_STORE_PATH=store)) as two,
    ):
        other = one if place == "process" else two
        jobs = [
            (one, await one.downloads.start("acme/tiny", paths=("model.safetensors",))),
            (other, await other.downloads.start("acme/tiny-copy", paths=("model.safetensors",))),
        ]
        done = [await services.downloads.wait(job.id) for services, job in jobs]
    assert [download.status for download in done] == [JobStatus.COMPLETED] * 2
    assert sum(download.bytes_transferred for download in done) == len(WEIGHTS)
    assert sum(download.bytes_deduplicated for download in done) == len(WEIGHTS)
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    assert [path.name for path in (Path(store) / "blobs" / "sha256").iterdir()] == [digest]
