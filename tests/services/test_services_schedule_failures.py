"""The schedule, where a sync fails, is cancelled, or another one is in its way."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from homes import Configure
from schedule_clock import FEEDS, FIRST, FakeClock, scheduled, two_feeds

from tui_hub.database import HubDatabase
from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.feeds import FeedState
from tui_hub.processes import alive, this_process
from tui_hub.services import open_services
from tui_hub.services.jobs import leases
from tui_hub.services.sync import run as sync_run

LITERT, RANDOM = FEEDS
HOUR = 3600.0
BOTH = [list(FEEDS)]


async def test_a_failed_feed_is_tried_again_three_times(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.STATUS, path="/api/models", times=-1))
    async with scheduled(two_feeds(configure), FakeClock()) as driver:
        assert await driver.after(FIRST) == BOTH
        for number in (1, 2, 3):
            for status in await driver.statuses():
                assert (status.state, status.retries) == (FeedState.FAILED, number)
            assert await driver.after(59) == []
            assert await driver.after(2) == BOTH
        assert {one.retries for one in await driver.statuses()} == {0}
        assert await driver.hours(RANDOM) == pytest.approx(3.5, abs=0.001)
        assert await driver.after(HOUR) == []
        hub.faults.clear()
        assert await driver.until_next() == [[RANDOM]]
        assert (await driver.status(RANDOM)).state is FeedState.COMPLETED


async def test_only_what_failed_is_tried_again(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.STATUS, path="/api/models", times=1))
    async with scheduled(two_feeds(configure), FakeClock()) as driver:
        await driver.after(FIRST)
        assert (await driver.status(RANDOM)).retries == 0
        assert await driver.after(61) == [[LITERT]]
        status = await driver.status(LITERT)
        assert (status.state, status.retries) == (FeedState.COMPLETED, 0)
        assert status.next_run == "2031-03-08T02:00:00Z"


async def test_a_failure_in_the_middle_counts_as_one(configure: Configure, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.HEADERS, path="/api/models", times=1))
    hub.faults.add(Fault(FaultKind.STATUS, path="/api/models", times=1))
    configuration = two_feeds(
        configure,
        f'[feeds."{LITERT}"]\nenabled = false\n',
        TUI_HUB_HUGGINGFACE__PAGE_SIZE="1",
    )
    async with scheduled(configuration, FakeClock()) as driver:
        assert await driver.after(FIRST) == [[RANDOM]]
        status = await driver.status(RANDOM)
        assert (status.state, status.retries) == (FeedState.PARTIAL, 1)
        assert await driver.after(61) == [[RANDOM]]
        assert (await driver.status(RANDOM)).state is FeedState.COMPLETED


async def stalled(stall: Fault) -> None:
    """Wait until an answer stands still."""
    async with asyncio.timeout(60):
        while not stall.hits:
            await asyncio.sleep(0.01)


async def test_a_cancelled_sync_waits_for_its_next_turn(configure: Configure, hub: DemoHub) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    time = FakeClock()
    async with scheduled(two_feeds(configure), time) as driver:
        time.pass_by(FIRST)
        time.tick()
        await stalled(stall)
        await driver.services.sync.cancel()
        assert await driver.new_syncs() == BOTH
        assert await driver.tick() == []
        for status in await driver.statuses():
            assert status.retries == 0
            assert status.next_run is not None
        assert (await driver.status(LITERT)).error == "cancelled"
        assert await driver.hours(RANDOM) == pytest.approx(3.5, abs=0.001)


async def test_a_sync_that_another_process_cancels_waits_too(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    configuration, time = two_feeds(configure), FakeClock()
    async with (
        open_services(configuration, time.clock) as other,
        scheduled(configuration, time) as driver,
    ):
        time.pass_by(FIRST)
        time.tick()
        await stalled(stall)
        await other.sync.cancel()
        assert await driver.new_syncs() == BOTH
        assert await driver.tick() == []
        assert await driver.hours(RANDOM) == pytest.approx(3.5, abs=0.001)


async def test_what_was_never_synced_runs_at_the_next_start(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    configuration, time = two_feeds(configure), FakeClock()
    async with scheduled(configuration, time) as driver:
        time.pass_by(FIRST)
        time.tick()
        await stalled(stall)
        await driver.services.sync.cancel()
    async with scheduled(configuration, time) as driver:
        assert await driver.after(FIRST) == [[RANDOM]]


async def test_a_sync_that_cannot_be_done_at_all_is_a_failure(configure: Configure) -> None:
    configuration = two_feeds(configure)
    async with scheduled(configuration, FakeClock()) as driver:
        with closing(sqlite3.connect(configuration.paths.hub_database)) as hub:
            hub.execute(
                "CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
            assert await driver.after(FIRST) == []
            assert [one.retries for one in await driver.statuses()] == [1, 1]
            assert await driver.hours(RANDOM) == pytest.approx(1 / 60, abs=0.001)
            hub.execute("DROP TRIGGER full")
        assert await driver.after(61) == BOTH


async def test_what_the_end_of_the_program_cut_off_goes_on_at_the_next_start(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    configuration, time = two_feeds(configure), FakeClock()
    async with scheduled(configuration, time) as driver:
        time.pass_by(FIRST)
        time.tick()
        await stalled(stall)
    hub.faults.clear()
    time.pass_by(60)
    async with scheduled(configuration, time) as driver:
        assert await driver.after(FIRST) == BOTH


async def test_a_turn_that_another_sync_takes_is_not_taken_twice(
    configure: Configure, hub: DemoHub
) -> None:
    configuration, time = two_feeds(configure), FakeClock()
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    async with open_services(configuration, time.clock) as other:
        running = asyncio.create_task(other.sync.run())
        await stalled(stall)
        async with scheduled(configuration, time) as driver:
            assert await driver.after(FIRST) == []
            assert await driver.after(10) == []
            stall.release()
            await running
            assert await driver.after(10) == []
            assert len(await driver.services.jobs.list()) == 1


async def test_what_is_due_follows_a_sync_of_this_process_at_once(
    configure: Configure, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    time = FakeClock()
    async with scheduled(two_feeds(configure), time) as driver:
        driver.services.sync.start([LITERT])
        await stalled(stall)
        time.pass_by(FIRST)
        time.tick()
        stall.release()
        assert await driver.new_syncs() == [[LITERT], [RANDOM]]


async def test_a_sync_that_stands_still_holds_the_schedule_up_for_a_while_only(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = two_feeds(configure)
    async with await HubDatabase.open(configuration.paths.hub_database) as hub:
        assert await hub.leases.acquire(sync_run.LEASE, this_process(), alive, 60.0)
    async with scheduled(configuration, FakeClock()) as driver:
        assert await driver.after(FIRST) == []
        assert await driver.tick() == []
        monkeypatch.setattr(leases, "TTL", 0.0)
        assert await driver.tick() == BOTH
