"""Work that is called off just as it begins, or as it is written down: never half of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from halting import halt
from homes import Configure

from tui_hub import processes
from tui_hub.database import connection
from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.errors import LostLeaseError
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.domain.runtime import LoadProgress
from tui_hub.domain.types import ModelType
from tui_hub.services import open_services
from tui_hub.services.concurrency import uninterrupted
from tui_hub.services.downloads.job import DownloadJob, Outcome
from tui_hub.services.jobs import leases
from tui_hub.services.jobs.run import run_job
from tui_hub.services.slots import swap_watch
from tui_hub.services.slots.swap_progress import SwapProgress


async def test_what_is_not_to_be_interrupted_tells_of_a_cancellation_afterwards() -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await end.wait()

    task = asyncio.create_task(uninterrupted(work()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    end.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_downloads_go_on_again_though_going_offline_was_called_off(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="*", origin="cdn", times=-1, after=9))
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny")
        while (await services.downloads.require(job.id)).status is not JobStatus.RUNNING:
            await asyncio.sleep(0.01)
        going = asyncio.create_task(services.network.go_offline())
        await asyncio.sleep(0)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        hub.faults.clear()
        stall.release()
        services.network.go_online()
        assert await services.downloads.adopt() == 1
        assert (await services.downloads.wait(job.id)).status is JobStatus.COMPLETED


async def test_a_job_that_is_cancelled_as_it_begins_is_cancelled(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_services(configure()) as services:
        table = services.jobs._table
        take = table.take

        async def take_and_be_cancelled(*arguments: Any) -> bool:
            taken = await take(*arguments)
            working.cancel()
            return taken

        async def work() -> None:
            async with run_job(services.jobs, JobType.SCAN, {}):
                raise AssertionError("nobody wants it any more")

        monkeypatch.setattr(table, "take", take_and_be_cancelled)
        working = asyncio.create_task(work())
        with pytest.raises(asyncio.CancelledError):
            await working
        (job,) = await services.jobs.list()
        assert (job.status, services.jobs.held.has(job)) == (JobStatus.CANCELLED, False)


async def test_nobody_keeps_a_lease_whose_taker_was_cancelled(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_services(configure()) as services:
        context = services.jobs._context
        insist = connection._insist

        async def commit_and_be_cancelled(writer: Any, sql: str) -> None:
            await insist(writer, sql)
            if sql == "COMMIT":
                monkeypatch.undo()
                taking.cancel()
                await asyncio.sleep(0)

        monkeypatch.setattr(connection, "_insist", commit_and_be_cancelled)
        arguments = ("something", context.owner, processes.alive, leases.TTL)
        taking = asyncio.create_task(context.hub.leases.acquire(*arguments))
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert await context.hub.leases.acquire(*arguments) is not None


async def test_a_download_that_is_paused_as_it_enters_the_line_is_paused(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_services(configure()) as services:
        take = services.jobs.take

        async def take_and_be_paused(job: Job, status: JobStatus, lost: Callable[[], None]) -> Job:
            taken = await take(job, status, lost)
            if status is JobStatus.PENDING:
                await services.downloads.pause(job.id)
            return taken

        monkeypatch.setattr(services.jobs, "take", take_and_be_paused)
        job = await services.downloads.start("acme/tiny")
        assert (await services.downloads.wait(job.id)).status is JobStatus.PAUSED
        assert (await services.jobs.get(job.id)).status is JobStatus.PAUSED
        monkeypatch.undo()
        await services.downloads.resume(job.id)
        assert (await services.downloads.wait(job.id)).status is JobStatus.COMPLETED


async def test_what_another_process_asks_of_a_waiting_download_outlives_the_one_that_runs(
    configure: Configure, hub: DemoHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    halt(hub, 100_000)
    async with open_services(configure(TUI_HUB_DOWNLOADS__JOBS="1")) as services:
        endings = services.downloads._runner.endings
        give_back, run = endings.give_back, DownloadJob.run
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def give_back_late(job: Job) -> None:
            begun.set()
            await go_on.wait()
            await give_back(job)

        async def end_first(work: DownloadJob) -> Outcome:
            outcome = await run(work)
            asyncio.get_running_loop().call_soon(go_on.set)
            return outcome

        monkeypatch.setattr(endings, "give_back", give_back_late)
        monkeypatch.setattr(DownloadJob, "run", end_first)
        first = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        second = await services.downloads.start("acme/tiny-copy", paths=("config.json",))
        await services.jobs._table.ask(second.id, "cancel")
        async with asyncio.timeout(60):
            await begun.wait()
            hub.faults.clear()
            assert (await services.downloads.wait(first.id)).status is JobStatus.COMPLETED
            assert (await services.downloads.wait(second.id)).status is JobStatus.CANCELLED


async def test_a_download_goes_on_whatever_befalls_those_who_look_after_it(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, hub: DemoHub
) -> None:
    halt(hub, 100_000)
    async with open_services(configure()) as services:
        looked = asyncio.Event()

        async def fail(*_: object) -> Awaitable[None]:
            looked.set()
            raise ValueError("a fault of the program")

        monkeypatch.setattr(services.downloads._queue, "_heed", fail)
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        async with asyncio.timeout(60):
            await looked.wait()
            looked.clear()
            await looked.wait()  # and looks again
        hub.faults.clear()
        assert (await services.downloads.wait(job.id)).status is JobStatus.COMPLETED


async def test_a_change_of_a_slot_is_watched_on_though_its_job_could_not_be_written(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap_watch, "_SECONDS", 0.01)
    async with open_services(configure()) as services:
        tries = 0
        again = asyncio.Event()

        async def refuse(*_: object) -> Job:
            nonlocal tries
            tries += 1
            if tries == 2:
                again.set()
            raise LostLeaseError("another process")

        monkeypatch.setattr(services.jobs, "progress", refuse)
        watch = swap_watch.SwapWatch(services.jobs._context.bus, services.jobs)
        async with (
            run_job(services.jobs, JobType.ACTIVATE, {}) as run,
            watch.told(ModelType.LLM, run),
            asyncio.timeout(60),
        ):
            progress = SwapProgress(ModelType.LLM, "acme/tiny", None, watch.take)
            progress.load(LoadProgress(phase="load", done=1, total=2))
            await again.wait()


async def test_nothing_is_fetched_offline_though_its_address_is_known(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        await services.repositories.details("acme/tiny")
    hub.requests.clear()
    async with open_services(configure(HF_HUB_OFFLINE="1")) as services:
        job = await services.downloads.start("acme/tiny")
        ended = await services.downloads.wait(job.id)
        assert (ended.status, ended.error_code) == (JobStatus.FAILED, "unreachable")
        assert not hub.requests
        services.network.go_online()
        await services.downloads.retry(job.id)
        assert (await services.downloads.wait(job.id)).status is JobStatus.COMPLETED
