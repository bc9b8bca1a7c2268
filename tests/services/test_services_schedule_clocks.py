"""The schedule, where the clock is set and the box is suspended."""

from __future__ import annotations

import pytest
from homes import Configure
from schedule_clock import FEEDS, FIRST, FakeClock, scheduled, two_feeds

LITERT, RANDOM = FEEDS
DAY = 24 * 3600.0
HOUR = 3600.0
BOTH = [list(FEEDS)]


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


JUMPS = {
    "an hour back": -HOUR,
    "an hour forward": HOUR,
    "a day back": -DAY,
    "a day forward": DAY,
    "to 1970": -61 * 365.25 * DAY,
    "past 2038": 8 * 365.25 * DAY,
    "a minute back": -60.0,
    "a second back": -1.0,
}


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("waited", [60.0, 3.4 * HOUR])
async def test_no_jump_of_the_clock_makes_a_feed_wait_longer_than_its_interval(
    configure: Configure, jump: str, waited: float
) -> None:
    time = FakeClock()
    async with scheduled(two_feeds(configure), time) as driver:
        await driver.after(FIRST)
        last = time.elapsed
        await driver.after(waited)
        time.set(JUMPS[jump])
        synced = await driver.tick()
        while not any(RANDOM in feeds for feeds in synced):
            synced = await driver.after(1200)
            assert time.elapsed - last <= 4 * HOUR
        later = await driver.after(600)
        assert not any(RANDOM in feeds for feeds in later)
