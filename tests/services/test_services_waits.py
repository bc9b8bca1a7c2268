"""A source that stays away: downloads wait for it and go on by themselves, where somebody stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from homes import Configure
from small_models import WEIGHTS

from tui_hub import text
from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.errors import NoConnectionError, RateLimitedError, UnreachableError
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.services import Services, open_services
from tui_hub.services.downloads.waits import WAITS, is_away, is_due, next_wait

AWAY = NoConnectionError("the hub is silent")
JOB = Job(id="j", type=JobType.DOWNLOAD, created_at=text.now())
PAUSED = replace(JOB, status=JobStatus.PAUSED)


def after(job: Job, *, moved: bool = False, error: Exception = AWAY) -> tuple[Job, float]:
    """The job once it waits, and for how long."""
    wait = next_wait(job, error, moved=moved)
    assert wait is not None
    payload = {**job.payload, WAITS: {"tries": wait.tries, "until": wait.until}}
    return replace(job, status=JobStatus.PAUSED, payload=payload), wait.seconds


def test_the_pauses_grow_and_a_byte_makes_them_short_again() -> None:
    job, pauses = JOB, []
    for _ in range(8):
        job, seconds = after(job)
        pauses.append(seconds)
    assert pauses == pytest.approx([30, 60, 120, 240, 480, 900, 900, 900], abs=2)
    assert after(job, moved=True)[1] == pytest.approx(30, abs=2)


def test_after_a_day_of_nothing_it_is_given_up() -> None:
    job, total, tries = JOB, 0.0, 0
    while next_wait(job, AWAY, moved=False) is not None:
        job, seconds = after(job)
        total += seconds
        tries += 1
    assert tries == 100 and 86_000 < total < 90_000


def test_a_pause_that_the_source_asks_for_is_kept() -> None:
    assert after(JOB, error=RateLimitedError("x", wait=7200.0))[1] == pytest.approx(7200, abs=2)
    assert after(JOB, error=RateLimitedError("x", wait=1e12))[1] == pytest.approx(86_400, abs=2)


def test_what_waits_is_due_when_its_time_has_come_and_when_the_clock_went_astray() -> None:
    assert is_due(JOB)
    assert not is_due(after(JOB)[0])

    def waits(seconds: float) -> Job:
        until = text.stamp(datetime.now(UTC) + timedelta(seconds=seconds))
        return replace(PAUSED, payload={WAITS: {"tries": 3, "until": until}})

    assert is_due(waits(-1))
    assert not is_due(waits(600))
    assert is_due(waits(10 * 86_400)), "the clock was set back"
    assert is_due(replace(PAUSED, payload={WAITS: "nonsense"}))
    assert is_due(replace(PAUSED, payload={WAITS: {"tries": 1, "until": "never"}}))


def test_only_what_may_come_back_is_waited_for() -> None:
    assert is_away(AWAY) and is_away(RateLimitedError("x"))
    assert not is_away(UnreachableError("it redirects in a circle"))


async def end(services: Services, job: str) -> JobStatus:
    return (await services.downloads.wait(job)).status


async def due_now(services: Services, job: str) -> None:
    """Let the time pass until the next try."""
    stored = await services.jobs.get(job)
    waits = {"tries": stored.payload[WAITS]["tries"], "until": text.stamp(datetime.now(UTC))}
    table = services.jobs._table
    await table.save(replace(stored, payload={**stored.payload, WAITS: waits}))


async def test_a_screen_waits_for_its_source(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.TRUNCATE, origin="cdn", after=1_000_000, times=1))
    hub.faults.add(Fault(FaultKind.STATUS, origin="cdn", status=503, times=-1))
    async with open_services(configure(TUI_HUB_DOWNLOADS__RETRIES="1")) as services:
        assert await services.agent.tend() == 0
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        assert await end(services, job.id) is JobStatus.PAUSED
        waiting = await services.downloads.require(job.id)
        assert "is in trouble (503)" in (waiting.error or "") and waiting.error_code
        assert waiting.error.startswith("interrupted: ") and "by itself" in waiting.error
        assert await services.agent.tend() == 0, "it is not time yet"
        await due_now(services, job.id)
        assert await services.agent.tend() == 1
        assert await end(services, job.id) is JobStatus.PAUSED
        stored = await services.jobs.get(job.id)
        assert stored.payload[WAITS]["tries"] in (1, 2)
        assert any("tried again in" in line for line in stored.log)
        hub.faults.clear()
        await due_now(services, job.id)
        assert await services.agent.tend() == 1
        done = await services.downloads.wait(job.id)
        assert done.status is JobStatus.COMPLETED
        assert done.error is None
        assert done.files[0].resumed_from > 0
        assert (await services.jobs.get(job.id)).payload[WAITS] is None


async def test_another_process_does_not_try_before_the_time(
    configure: Configure, hub: DemoHub
) -> None:
    hub.faults.add(Fault(FaultKind.STATUS, origin="cdn", status=503, times=-1))
    configuration = configure(TUI_HUB_DOWNLOADS__RETRIES="1")
    async with open_services(configuration) as services:
        await services.agent.tend()
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        assert await end(services, job.id) is JobStatus.PAUSED
    hub.faults.clear()
    async with open_services(configuration) as services:
        assert await services.agent.tend() == 0
        assert await services.downloads.any_waits()
        await services.downloads.resume(job.id)
        assert await end(services, job.id) is JobStatus.COMPLETED, "a person need not wait"
        assert not await services.downloads.any_waits()


async def test_a_person_ends_the_waiting_either_way(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.STATUS, origin="cdn", status=503, times=-1))
    async with open_services(configure(TUI_HUB_DOWNLOADS__RETRIES="1")) as services:
        await services.agent.tend()
        plan = await services.downloads.plan("acme/tiny", paths=("model.safetensors",))
        job = await services.downloads.begin(plan)
        assert await end(services, job.id) is JobStatus.PAUSED
        left = await services.downloads.begin(plan, detached=True)
        assert (left.id, left.status) == (job.id, JobStatus.PENDING)
        assert await services.agent.tend() == 1, "it was asked for once more"
        assert await end(services, job.id) is JobStatus.PAUSED
        await services.downloads.pause(job.id)
        await due_now(services, job.id)
        assert await services.agent.tend() == 0
        assert not await services.downloads.any_waits()


async def test_a_command_fails_at_once(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.STATUS, origin="cdn", status=503, times=-1))
    async with open_services(configure(TUI_HUB_DOWNLOADS__RETRIES="1")) as services:
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        done = await services.downloads.wait(job.id)
        assert (done.status, done.error_code) == (JobStatus.FAILED, "unreachable")


async def test_what_would_fail_again_is_not_tried_again(configure: Configure, hub: DemoHub) -> None:
    """One file is gone for good; that the other's server is away does not matter then."""
    hub.faults.add(Fault(FaultKind.STATUS, path="*config.json*", status=404, times=-1))
    hub.faults.add(Fault(FaultKind.STATUS, origin="cdn", status=503, times=-1))
    async with open_services(configure(TUI_HUB_DOWNLOADS__RETRIES="1")) as services:
        await services.agent.tend()
        job = await services.downloads.start(
            "acme/tiny", paths=("model.safetensors", "config.json")
        )
        assert await end(services, job.id) is JobStatus.FAILED


async def test_a_download_that_waits_can_be_cancelled(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.TRUNCATE, origin="cdn", after=1_000_000, times=1))
    hub.faults.add(Fault(FaultKind.STATUS, origin="cdn", status=503, times=-1))
    async with open_services(configure(TUI_HUB_DOWNLOADS__RETRIES="1")) as services:
        await services.agent.tend()
        job = await services.downloads.start("acme/tiny", paths=("model.safetensors",))
        assert await end(services, job.id) is JobStatus.PAUSED
        assert 0 < (await services.storage.usage()).partial_bytes <= len(WEIGHTS) + 65536
        await services.downloads.cancel(job.id)
        assert (await services.storage.usage()).partial_bytes == 0
        await due_now(services, job.id)
        assert await services.agent.tend() == 0
