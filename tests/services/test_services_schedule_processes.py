"""One schedule for all processes of a home, and one on the clocks of the box itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from homes import Configure
from schedule_clock import FEEDS, FIRST, FakeClock, scheduled, two_feeds
from stopping import stop_between_writes

from tui_hub.database import HubDatabase
from tui_hub.domain.jobs import Job, JobType, Owner
from tui_hub.processes import this_process
from tui_hub.services import Services, open_services
from tui_hub.services.sync.alarms import Alarms
from tui_hub.services.sync.clocks import Clock
from tui_hub.services.sync.scheduler import LEASE
from tui_hub.settings import Configuration

LITERT, RANDOM = FEEDS

HOLDER = textwrap.dedent(
    """
    import asyncio
    from tui_hub.services import open_services
    from tui_hub.services.sync.clocks import Clock
    from tui_hub.settings import load_configuration

    async def main():
        often = Clock(sleep=lambda seconds: asyncio.sleep(0.05))
        async with open_services(load_configuration(), often) as services:
            services.scheduler.start()
            ours = False
            while True:
                if ours != (await services.scheduler.state()).ours:
                    ours = not ours
                    print("holds" if ours else "stands by", flush=True)
                await asyncio.sleep(0.02)

    asyncio.run(main())
    """
)


@contextmanager
def another_holder(configuration: Configuration) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the schedule."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, **configuration.environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "holds\n"
            yield process
        finally:
            process.kill()


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait for a condition to hold."""
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.02)


async def ours(services: Services) -> bool:
    return (await services.scheduler.state()).ours


async def test_one_of_two_runs_the_feeds(configure: Configure) -> None:
    configuration, fake = two_feeds(configure), FakeClock()
    async with open_services(configuration, fake.clock) as second:
        async with scheduled(configuration, fake) as driver:
            second.scheduler.start()
            assert await driver.after(FIRST) == [list(FEEDS)]
            assert await driver.until_next() == [[RANDOM]]
            assert (await driver.services.scheduler.state()).ours
            seen = await second.scheduler.state()
            assert (seen.ours, seen.holder) == (False, this_process())
        fake.tick()
        await until(lambda: ours(second))


async def test_stopping_gives_the_schedule_away(configure: Configure) -> None:
    async with scheduled(two_feeds(configure), FakeClock()) as driver:
        await driver.services.scheduler.stop()
        state = await driver.services.scheduler.state()
        assert (state.holder, state.ours) == (None, False)
        driver.services.scheduler.start()
        await until(lambda: ours(driver.services))


async def test_who_lost_the_lease_starts_nothing_more(configure: Configure) -> None:
    configuration = two_feeds(configure)
    async with scheduled(configuration, FakeClock()) as driver:
        await driver.after(FIRST)
        other = Owner(host="elsewhere", pid=1, started=1.0, boot="another")
        async with await HubDatabase.open(configuration.paths.hub_database) as hub:
            fence = await hub.leases.acquire(LEASE, other, lambda owner: False, 0.0)
            assert fence is not None
            assert await driver.until_next() == []
            state = await driver.services.scheduler.state()
            assert (state.ours, state.holder) == (False, other)
            assert await driver.tick() == []
            await hub.leases.release(LEASE, fence)
        assert await driver.tick() == [[RANDOM]]
        assert await ours(driver.services)


async def test_who_was_stopped_and_goes_on_stands_by(configure: Configure) -> None:
    configuration = two_feeds(configure)
    with another_holder(configuration) as process:
        assert process.stdout is not None
        stop_between_writes(process.pid, configuration.paths.hub_database)
        async with await HubDatabase.open(configuration.paths.hub_database) as hub:
            taken = await hub.leases.acquire(LEASE, this_process(), lambda owner: False, 0.0)
            assert taken is not None
            process.send_signal(signal.SIGCONT)
            line = await asyncio.to_thread(process.stdout.readline)
            assert line == "stands by\n"
            assert await hub.leases.renew(LEASE, taken)


async def test_who_stands_by_takes_over_from_the_killed(configure: Configure) -> None:
    configuration = two_feeds(configure, TUI_HUB_SYNC__FIRST_DELAY="3600")
    often = Clock(sleep=lambda seconds: asyncio.sleep(0.02))
    with another_holder(configuration) as process:
        async with open_services(configuration, often) as services:
            services.scheduler.start()
            state = await services.scheduler.state()
            assert (state.ours, state.holder and state.holder.pid) == (False, process.pid)
            process.kill()
            process.wait()
            async with open_services(configuration) as watching:
                await until(lambda: ours(services))
                assert (await watching.scheduler.state()).holder == this_process()


async def test_a_dead_process_runs_nothing(configure: Configure) -> None:
    configuration = two_feeds(configure)
    with another_holder(configuration) as process:
        async with open_services(configuration) as services:
            process.kill()
            process.wait()
            assert (await services.scheduler.state()).holder is None


async def test_the_clocks_of_the_box(configure: Configure) -> None:
    """With no looks in between, so that all syncs but the first come from the alarms."""

    async def sleep(seconds: float) -> None:
        await (asyncio.sleep(seconds) if seconds < 5 else asyncio.Event().wait())

    configuration = two_feeds(
        configure,
        TUI_HUB_SYNC__FIRST_DELAY="0.2",
        TUI_HUB_SYNC__INTERVAL_MIN="0.2",
        TUI_HUB_SYNC__INTERVAL_MAX="0.6",
    )
    async with open_services(configuration, Clock(sleep=sleep)) as services:
        services.scheduler.start()

        async def runs() -> tuple[Job, ...]:
            return await services.jobs.list((JobType.SYNC,))

        async def four() -> bool:
            return len(await runs()) >= 4

        await until(four)
        *again, first = [job.payload["feeds"] for job in await runs()]
        assert first == list(FEEDS)
        assert {tuple(names) for names in again} == {(RANDOM,)}  # type: ignore[arg-type]


async def test_an_alarm_rings_however_late_the_loop_is() -> None:
    rang = asyncio.Event()
    alarms = Alarms(rang.set)
    alarms.set({"soon": datetime.now(UTC) + timedelta(seconds=0.1)})
    time.sleep(1.5)
    async with asyncio.timeout(60):
        await rang.wait()
    alarms.close()


async def test_alarms_that_are_taken_back_do_not_ring() -> None:
    rang = asyncio.Event()
    alarms = Alarms(rang.set)
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    alarms.set({"soon": soon, "later": soon + timedelta(seconds=0.2)})
    alarms.set({"later": soon + timedelta(hours=1)})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6):
            await rang.wait()
    alarms.close()


@pytest.mark.parametrize("verb", ["feeds", "scheduler", "sync"])
def test_a_plain_command_starts_no_schedule(configure: Configure, verb: str) -> None:
    configuration = two_feeds(configure, TUI_HUB_SYNC__FIRST_DELAY="0")
    statement = textwrap.dedent(
        f"""
        import sys
        from tui_hub.cli import main
        try:
            main([{verb!r}, "--json"])
        except SystemExit as end:
            assert not end.code, end.code
        assert "tui_hub.services.sync.scheduler" in sys.modules
        assert not {{name for name in sys.modules if name.startswith("apscheduler")}}
        """
    )
    subprocess.run(
        [sys.executable, "-c", statement],
        env={**os.environ, **configuration.environment},
        stdout=subprocess.DEVNULL,
        check=True,
    )
