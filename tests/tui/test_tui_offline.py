"""Going offline on the screen, and online again."""

from __future__ import annotations

import pytest
from screen_driver import NARROW, WIDE, screen

from tui_hub import processes
from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.errors import NoConnectionError
from tui_hub.domain.jobs import JobStatus, Owner
from tui_hub.settings import Configuration


async def test_nothing_is_asked_offline_and_all_goes_on_online(
    online: Configuration, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="*", origin="cdn", times=-1, after=9))
    async with screen(online, WIDE) as driver:
        downloads = driver.services.downloads
        job = await downloads.start("acme/tiny")
        await driver.until(lambda: driver.app.live.running)
        await driver.press("O")
        await driver.until(
            lambda: "Offline; 1 download rests: O goes online again" in driver.notes()
        )
        assert "offline · ↻ " in driver.lines()[0] and "offline" in driver.lines()[-2]
        assert (await downloads.require(job.id)).status is JobStatus.PAUSED
        hub.faults.clear()
        stall.release()
        await driver.app.live_state.look()
        hub.requests.clear()
        with pytest.raises(NoConnectionError):
            await driver.services.catalogue.get("acme/eye")
        await driver.app.look().wait()
        assert not downloads.running and not hub.requests
        await driver.press("6", "s")
        await driver.until(lambda: any("Offline: feeds" in note for note in driver.notes()))
        await driver.press("O")
        await driver.until(lambda: "offline" not in driver.text())
        assert (await downloads.wait(job.id)).status is JobStatus.COMPLETED
        assert (await driver.services.catalogue.get("acme/eye")).name == "eye"


async def test_a_home_that_begins_offline_goes_online_by_the_same_key(
    online: Configuration,
) -> None:
    online.line.offline = True
    async with screen(online, NARROW) as driver:
        await driver.sees("offline")
        await driver.press("plus", *"acme/eye", "enter")
        await driver.sees("O goes online again, to look it up at its source.")
        await driver.press("escape", "O")
        await driver.until(lambda: not driver.services.network.offline)
        await driver.press("plus", *"acme/eye", "enter")
        await driver.sees("acme/eye", "Files")


async def test_who_goes_offline_is_told_of_an_agent_that_does_not(
    online: Configuration, hub: DemoHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def holder() -> Owner:
        return processes.this_process()

    hub.faults.add(Fault(FaultKind.STALL, path="*", origin="cdn", times=-1, after=9))
    async with screen(online, WIDE) as driver:
        await driver.services.downloads.start("acme/tiny")
        await driver.until(lambda: driver.app.live.running)
        monkeypatch.setattr(driver.services.agent, "holder", holder)
        await driver.press("O")
        told = "Offline, but the agent goes on with 1 download: O goes online again"
        await driver.until(lambda: told in driver.notes(), told)
