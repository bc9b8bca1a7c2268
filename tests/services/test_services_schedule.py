"""The schedule over the demo hub, with days that take milliseconds."""

from __future__ import annotations

import asyncio
import time as system
from datetime import timedelta

import pytest
from homes import Configure
from schedule_clock import FEEDS, FIRST, FakeClock, scheduled, two_feeds

from tui_hub.domain.feeds import FeedState
from tui_hub.services import open_services
from tui_hub.text import parse_time

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


async def test_offline_nothing_runs_and_it_is_said(configure: Configure) -> None:
    time = FakeClock()
    configuration = two_feeds(configure, HF_HUB_OFFLINE="1")
    async with open_services(configuration, time.clock) as services:
        services.scheduler.start()
        await asyncio.sleep(0.1)
        state = await services.scheduler.state()
        assert (state.holder, state.ours) == (None, False)
        assert state.off == "offline: nothing is synced"
        time.pass_by(DAY)
        time.tick()
        await asyncio.sleep(0.1)
        assert await services.jobs.list() == ()


async def test_it_can_be_turned_off(configure: Configure) -> None:
    time = FakeClock()
    configuration = two_feeds(configure, TUI_HUB_SYNC__ENABLED="false")
    async with open_services(configuration, time.clock) as services:
        services.scheduler.start()
        await asyncio.sleep(0.1)
        time.pass_by(DAY)
        time.tick()
        await asyncio.sleep(0.1)
        assert await services.jobs.list() == ()
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


async def test_a_registered_repository_has_turns_of_its_own(configure: Configure) -> None:
    configuration, time = two_feeds(configure), FakeClock()
    async with scheduled(configuration, time) as driver:
        assert await driver.after(FIRST) == BOTH
        await driver.services.repositories.register("acme/quants", auto_sync=True)
        await driver.services.repositories.register("acme/tiny")
        assert await driver.after(3 * HOUR - 1) == []
        (turn,) = (await driver.services.sync.registered.turns()).values()
        moment = parse_time(turn)
        assert moment is not None
        wait = (moment - time.now).total_seconds()
        assert 0 < wait <= HOUR
        told = await driver.after(wait - 1) + await driver.after(1)
        assert ["hf:acme/quants"] in told
        assert [name for sync in told for name in sync].count("hf:acme/quants") == 1
        after = await driver.services.sync.registered.turns()
        assert list(after) == ["hf:acme/quants"] and after != {"hf:acme/quants": turn}
        assert await driver.tick() == []
    time.set(-DAY)
    async with scheduled(configuration, time) as driver:
        assert ["hf:acme/quants"] in await driver.after(FIRST)
