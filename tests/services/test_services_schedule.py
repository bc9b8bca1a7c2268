"""The schedule over the demo hub, with days that take milliseconds."""

from __future__ import annotations

import asyncio
import sqlite3
import time as system
from contextlib import closing
from datetime import timedelta

import pytest
from homes import Configure
from schedule_clock import FEEDS, FIRST, FakeClock, scheduled, two_feeds

from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.feeds import FeedState
from tui_hub.services import open_services

LITERT, RANDOM = FEEDS
DAY = 24 * 3600.0
HOUR = 3600.0
BOTH = [list(FEEDS)]


async def test_the_first_sync_comes_after_its_delay(configure: Configure) -> None:
    async with scheduled(two_feeds(configure), FakeClock()) as driver:
        assert await driver.after(FIRST - 0.1) == []
        assert await driver.after(0.1) == BOTH
        assert await driver.hours(RANDOM) == pytest.approx(3.5, abs=0.001)
        assert (await driver.status(LITERT)).next_run == "2031-03-08T02:00:00Z"
        assert {one.state for one in await driver.statuses()} == {FeedState.COMPLETED}


async def test_nothing_starts_by_itself_without_start(configure: Configure) -> None:
    time = FakeClock()
    async with open_services(two_feeds(configure), time.clock) as services:
        time.pass_by(DAY)
        await asyncio.sleep(0.05)
        assert await services.jobs.list() == ()
        assert time.sleepers == 0


async def test_each_feed_runs_at_its_own_times_for_days(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four days over the night in which New York's clocks go forward."""
    monkeypatch.setenv("TZ", "America/New_York")
    system.tzset()
    try:
        time = FakeClock()
        async with scheduled(two_feeds(configure), time) as driver:
            await driver.after(FIRST)
            turns = {LITERT: [time.now], RANDOM: [time.now]}
            while len(turns[LITERT]) < 5:
                ((feed,),) = await driver.until_next()
                turns[feed].append(time.now)
    finally:
        monkeypatch.undo()
        system.tzset()
    assert [f"{turn:%d %H:%M:%S}" for turn in turns[LITERT][1:]] == [
        f"{day:02} 02:00:00" for day in range(8, 12)
    ]
    pairs = zip(turns[RANDOM], turns[RANDOM][1:], strict=False)
    gaps = [after - before for before, after in pairs]
    assert len(gaps) >= 22
    assert all(timedelta(hours=3) <= gap <= timedelta(hours=4) for gap in gaps)


async def test_feeds_that_are_due_together_are_one_sync(configure: Configure) -> None:
    more = f'[feeds."{RANDOM}"]\nschedule = "0 2 * * *"\n'
    async with scheduled(two_feeds(configure, more), FakeClock()) as driver:
        await driver.after(FIRST)
        assert await driver.until_next() == BOTH


async def test_at_start_only_what_is_overdue_runs(configure: Configure) -> None:
    configuration, time = two_feeds(configure), FakeClock()
    async with scheduled(configuration, time) as driver:
        assert await driver.after(FIRST) == BOTH
    time.pass_by(HOUR)
    async with scheduled(configuration, time) as driver:
        assert await driver.after(FIRST) == []
        assert await driver.hours(RANDOM) == pytest.approx(2.5, abs=0.01)
    time.pass_by(3 * HOUR)
    async with scheduled(configuration, time) as driver:
        assert await driver.after(FIRST) == [[RANDOM]]


async def test_after_a_week_of_being_off_each_runs_once(configure: Configure) -> None:
    configuration, time = two_feeds(configure), FakeClock()
    async with scheduled(configuration, time) as driver:
        await driver.after(FIRST)
    time.pass_by(7 * DAY)
    async with scheduled(configuration, time) as driver:
        assert await driver.after(FIRST) == BOTH
        assert await driver.after(60) == []


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
    async with asyncio.timeout(20):
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


async def test_a_sync_by_hand_moves_the_turn(configure: Configure) -> None:
    configuration, time = two_feeds(configure), FakeClock()
    async with scheduled(configuration, time) as driver:
        await driver.after(FIRST)
        await driver.after(3 * HOUR)
        await driver.services.sync.run([RANDOM])
        await driver.new_syncs()
        assert await driver.hours(RANDOM) == pytest.approx(3.5, abs=0.001)
        async with open_services(configuration, time.clock) as other:
            time.pass_by(3 * HOUR)
            await other.sync.run([RANDOM])
        await driver.new_syncs()
        assert await driver.tick() == []
        assert await driver.after(3 * HOUR) == []
        assert await driver.until_next() == [[RANDOM]]


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


async def test_a_suspended_box_runs_what_it_missed_once(configure: Configure) -> None:
    time = FakeClock()
    async with scheduled(two_feeds(configure), time) as driver:
        await driver.after(FIRST)
        time.pass_by(2 * DAY)
        assert await driver.tick() == BOTH
        assert await driver.tick() == []


async def test_a_clock_set_back_lengthens_no_interval(configure: Configure) -> None:
    time = FakeClock()
    async with scheduled(two_feeds(configure), time) as driver:
        await driver.after(FIRST)
        await driver.after(3 * HOUR)
        time.set(-HOUR)
        assert await driver.tick() == []
        assert await driver.hours(RANDOM) == pytest.approx(0.5, abs=0.01)
        assert await driver.after(0.4 * HOUR) == []
        assert await driver.after(0.11 * HOUR) == [[RANDOM]]


async def test_a_clock_set_back_by_years_stops_nothing(configure: Configure) -> None:
    time = FakeClock()
    async with scheduled(two_feeds(configure), time) as driver:
        await driver.after(FIRST)
        time.set(-30 * 365 * DAY)
        assert await driver.tick() == []
        assert await driver.hours(RANDOM) == pytest.approx(3.5, abs=0.01)
        assert await driver.hours(LITERT) <= 24
        assert await driver.after(3.6 * HOUR) == [[RANDOM]]


async def test_a_clock_set_forward_runs_what_is_overdue_once(configure: Configure) -> None:
    time = FakeClock()
    async with scheduled(two_feeds(configure), time) as driver:
        await driver.after(FIRST)
        time.set(DAY)
        assert await driver.tick() == BOTH
        assert await driver.tick() == []
        assert await driver.hours(RANDOM) == pytest.approx(3.5, abs=0.001)


async def test_a_clock_that_was_set_while_nobody_ran(configure: Configure) -> None:
    configuration, time = two_feeds(configure), FakeClock()
    async with scheduled(configuration, time) as driver:
        await driver.after(FIRST)
    time.set(-365 * DAY)
    async with scheduled(configuration, time) as driver:
        assert await driver.hours(RANDOM) == pytest.approx(3.5, abs=0.01)
        assert await driver.after(3.6 * HOUR) == [[RANDOM]]


async def test_offline_nothing_runs_and_it_is_said(configure: Configure) -> None:
    time = FakeClock()
    configuration = two_feeds(configure, HF_HUB_OFFLINE="1")
    async with open_services(configuration, time.clock) as services:
        services.scheduler.start()
        await asyncio.sleep(0.1)
        state = await services.scheduler.state()
        assert (state.holder, state.ours) == (None, False)
        assert state.off == "offline: nothing is synced"
        assert time.sleepers == 0


async def test_it_can_be_turned_off(configure: Configure) -> None:
    time = FakeClock()
    configuration = two_feeds(configure, TUI_HUB_SYNC__ENABLED="false")
    async with open_services(configuration, time.clock) as services:
        services.scheduler.start()
        await asyncio.sleep(0.1)
        assert time.sleepers == 0
        assert (await services.scheduler.state()).off == ("the settings turn it off (sync.enabled)")
        await services.sync.run([RANDOM])
        assert {one.next_run for one in await services.sync.status()} == {None}


async def test_a_wrong_schedule_is_the_trouble_of_its_feed_alone(configure: Configure) -> None:
    more = f'[feeds."{RANDOM}"]\nschedule = "0 26 * * *"\n'
    async with scheduled(two_feeds(configure, more), FakeClock()) as driver:
        assert await driver.after(FIRST) == [[LITERT]]
        status = await driver.status(RANDOM)
        assert status.next_run is None
        assert status.error == (
            f"the schedule '0 26 * * *' of {RANDOM} is wrong: '26' is no hour (0 to 23)"
        )
        assert (await driver.services.sync.run([RANDOM])).status == "completed"


async def test_a_shipped_schedule_can_be_made_random(configure: Configure) -> None:
    more = f'[feeds."{LITERT}"]\nschedule = "random"\n'
    async with scheduled(two_feeds(configure, more), FakeClock()) as driver:
        await driver.after(FIRST)
        assert await driver.hours(LITERT) == pytest.approx(3.5, abs=0.001)
