"""Several processes on one home: who may do what, and what becomes of the work of those that go."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from halting import halt
from homes import Configure
from small_models import WEIGHTS
from stopping import stop_between_writes

from tui_hub import processes
from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.errors import LostLeaseError, RefusedError
from tui_hub.domain.feeds import FeedState
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.services import Services, open_services
from tui_hub.services.jobs import leases
from tui_hub.settings import Configuration

OTHER = textwrap.dedent(
    """
    import asyncio, sys
    from tui_hub.services import open_services
    from tui_hub.services.jobs import leases
    from tui_hub.settings import load_configuration

    leases.TTL, leases.BEAT = {ttl}, {ttl} / 10

    async def main():
        async with open_services(load_configuration()) as services:
    {work}

    asyncio.run(main())
    """
)
DOWNLOAD = """
job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
print(job.id, flush=True)
ended = await services.downloads.wait(job.id)
print(ended.status.value, flush=True)
"""
SYNC = """
print("begins", flush=True)
report = await services.sync.run(["hf:all"])
print(report.status, flush=True)
"""
ALONE = """
try:
    async with services.jobs._context.alone("something"):
        print("in", flush=True)
        await asyncio.sleep(60)
except Exception as error:
    print(type(error).__name__, flush=True)
"""


@contextmanager
def other(
    configuration: Configuration, work: str, ttl: float = 3.0
) -> Iterator[subprocess.Popen[str]]:
    """Another process on the same home, which is gone at the end whatever it did."""
    script = OTHER.format(ttl=ttl, work=textwrap.indent(textwrap.dedent(work), " " * 8))
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, **configuration.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def line_of(process: subprocess.Popen[str]) -> str:
    return await asyncio.to_thread(line, process)


async def job_once(
    services: Services, job: str, reached: Callable[[Job], bool], seconds: float = 60
) -> Job:
    async with asyncio.timeout(seconds):
        while not reached(found := await services.jobs.get(job)):
            await asyncio.sleep(0.05)
    return found


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence that counts after some seconds, which a busy box may make of a moment."""
    monkeypatch.setattr(leases, "TTL", 3.0)
    monkeypatch.setattr(leases, "BEAT", 0.3)


async def running(services: Services, job: str) -> None:
    await job_once(services, job, lambda found: found.status is JobStatus.RUNNING)


async def test_a_stopped_owner_loses_its_download_and_notices(
    configure: Configure, hub: DemoHub, short: None
) -> None:
    halt(hub, 100_000)
    configuration = configure()
    with other(configuration, DOWNLOAD) as process:
        job = await line_of(process)
        async with open_services(configuration) as services:
            await running(services, job)
            assert await services.jobs.recover() == ()
            stop_between_writes(process.pid, configuration.paths.hub_database)
            theirs = await services.jobs.get(job)
            async with asyncio.timeout(60):
                while not (orphans := await services.jobs.recover()):
                    await asyncio.sleep(0.1)
            assert [orphan.id for orphan in orphans] == [job]
            assert await services.downloads.adopt() == 1
            process.send_signal(signal.SIGCONT)
            hub.faults.clear()
            # It notices by itself, says what it finds, and leaves the job alone.
            assert await line_of(process) in ("pending", "running", "completed")
            done = await services.downloads.wait(job)
            assert done.status is JobStatus.COMPLETED
            assert (Path(done.path or "") / "model.safetensors").read_bytes() == WEIGHTS
            mine = await services.jobs.get(job)
            assert mine.fence > theirs.fence and mine.owner == processes.this_process()


async def test_a_process_that_wakes_after_long_goes_on_with_its_own_download(
    configure: Configure, hub: DemoHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.throttle.connection = 200_000
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        await running(services, job.id)
        with monkeypatch.context() as waking:
            waking.setattr(leases, "TTL", -1.0)  # its last heartbeat is too long ago
            await services.agent.look_after_jobs()
        hub.throttle.connection = 0
        done = await services.downloads.wait(job.id)
        assert (done.status, done.error) == (JobStatus.COMPLETED, None)


async def test_a_killed_owner_is_followed_at_once(configure: Configure, hub: DemoHub) -> None:
    halt(hub, 100_000)
    configuration = configure()
    with other(configuration, DOWNLOAD, ttl=30) as process:
        job = await line_of(process)
        async with open_services(configuration) as services:
            await running(services, job)
            process.kill()
            await asyncio.to_thread(process.wait)
            assert [orphan.id for orphan in await services.jobs.recover()] == [job]
            hub.faults.clear()
            assert await services.downloads.adopt() == 1
            assert (await services.downloads.wait(job)).status is JobStatus.COMPLETED


async def test_one_of_two_adopts(configure: Configure, hub: DemoHub) -> None:
    configuration = configure()
    async with open_services(configuration) as one, open_services(configuration) as two:
        plan = await one.downloads.plan("acme/tiny")
        job = await one.downloads.begin(plan, detached=True)
        assert (job.status, job.owner) == (JobStatus.PENDING, None)
        assert await two.jobs.recover() == (), "what nobody has begun is no orphan"
        counts = await asyncio.gather(one.downloads.adopt(), two.downloads.adopt())
        assert sorted(counts) == [0, 1]
        assert (await one.downloads.wait(job.id)).status is JobStatus.COMPLETED
        assert (await one.jobs.get(job.id)).attempts == 1


async def test_what_was_left_to_others_can_be_paused_and_cancelled(configure: Configure) -> None:
    async with open_services(configure()) as services:
        plan = await services.downloads.plan("acme/tiny")
        job = await services.downloads.begin(plan, detached=True)
        await services.downloads.pause(job.id)
        assert await services.downloads.adopt() == 0
        again = await services.downloads.begin(plan, detached=True)
        assert (again.id, again.status, again.owner) == (job.id, JobStatus.PENDING, None)
        await services.downloads.cancel(job.id)
        assert await services.downloads.adopt() == 0


async def test_a_job_that_changed_meanwhile_is_not_taken(configure: Configure) -> None:
    async with open_services(configure()) as services:
        job = await services.jobs.create(JobType.SCAN, {})
        stale = replace(job)
        await services.jobs.take(job, JobStatus.RUNNING, lambda: None)
        with pytest.raises(RefusedError, match="another process"):
            await services.jobs.take(stale, JobStatus.RUNNING, lambda: None)


async def test_a_stopped_sync_is_continued_by_another(
    configure: Configure, hub: DemoHub, short: None
) -> None:
    home = configure()
    home.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    home.paths.config_file.write_text('[feeds."hf:all"]\nqueries = [{}]\n')
    configuration = configure(TUI_HUB_HUGGINGFACE__PAGE_SIZE="2")
    hub.faults.add(Fault(FaultKind.HEADERS, path="/api/models", times=1))
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    with other(configuration, SYNC) as process:
        assert await line_of(process) == "begins"
        async with asyncio.timeout(60):
            while not stall.hits:
                await asyncio.sleep(0.02)
        stop_between_writes(process.pid, configuration.paths.hub_database)
        async with open_services(configuration) as services:
            (report,) = (await services.sync.run(["hf:all"])).feeds
            assert report.state is FeedState.COMPLETED
            before = await services.catalogue.total()
            stall.release()
            process.send_signal(signal.SIGCONT)
            assert await line_of(process) in ("completed", "partial")
            assert await services.catalogue.total() == before
            (status,) = [one for one in await services.sync.status() if one.feed == "hf:all"]
            assert status.cursor is None and status.state is FeedState.COMPLETED


async def test_a_lost_lease_ends_the_work_under_it(configure: Configure, short: None) -> None:
    configuration = configure()
    with other(configuration, ALONE) as process:
        async with open_services(configuration) as services:
            assert await line_of(process) == "in"
            stop_between_writes(process.pid, configuration.paths.hub_database)
            async with services.jobs._context.alone("something"):
                process.send_signal(signal.SIGCONT)
                assert await line_of(process) == LostLeaseError.__name__


async def test_a_lease_outlives_its_term_while_it_is_kept(
    configure: Configure, short: None
) -> None:
    async with open_services(configure()) as services:
        context = services.jobs._context
        async with context.alone("something"):
            loop = asyncio.get_running_loop()
            began = loop.time()
            while loop.time() - began < 2 * leases.TTL:
                await asyncio.sleep(leases.BEAT)
                mine = await context.hub.leases.living("something", processes.alive, leases.TTL)
                assert mine == context.owner


def test_no_change_of_the_clock_makes_a_process_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    owner, last = processes.this_process(), processes.beat()
    for jump in (-3600, 3600, 86_400 * 365, -1_700_000_000):
        monkeypatch.setattr(time, "time", lambda jump=jump: 1_800_000_000 + jump)
        assert not processes.silent(owner, last, 30)
    assert processes.silent(owner, last - 31, 30)


def test_a_process_of_another_boot_is_silent_once_its_beat_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = [1000.0]
    monkeypatch.setattr(processes, "beat", lambda: moment[0])
    owner = replace(processes.this_process(), boot="elsewhere m/1", host="far")
    assert not processes.silent(owner, 5.0, 30)
    moment[0] += 29
    assert not processes.silent(owner, 6.0, 30), "it moved"
    moment[0] += 29
    assert not processes.silent(owner, 6.0, 30)
    moment[0] += 2
    assert processes.silent(owner, 6.0, 30)
