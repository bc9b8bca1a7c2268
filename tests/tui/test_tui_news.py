"""What the screen says after a sync, whoever ran it."""

from __future__ import annotations

from dataclasses import replace

from homes import Configure
from screen_driver import Driver, screen
from textual.worker import WorkerState

from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.services import open_services

FEED = "hf:text-generation"


def bar(driver: Driver) -> str:
    return driver.lines()[0]


async def looked(driver: Driver) -> None:
    """Have the screen look what other processes did; a later look takes an earlier one's place."""
    worker = driver.app.look()
    while worker.state is not WorkerState.SUCCESS:
        await driver.until(lambda: worker.is_finished)  # noqa: B023
        if worker.state is WorkerState.CANCELLED:
            worker = driver.app.look()


async def test_what_a_sync_elsewhere_brought_is_told_once_and_marked_until_seen(
    configure: Configure, hub: DemoHub
) -> None:
    configuration = configure(TUI_HUB_SYNC__ENABLED="0")
    async with open_services(configuration) as elsewhere:
        await elsewhere.sync.run([FEED])
        job = await elsewhere.downloads.start("acme/tiny")
        await elsewhere.downloads.wait(job.id)
        async with screen(configuration) as driver:
            await driver.settled()
            assert "+" not in bar(driver) and driver.notes() == []
            tiny = hub.registry.find("acme/tiny")
            assert tiny is not None
            hub.put(replace(tiny.head.repository, license="other", last_modified=None))
            for name in ("acme/new-one", "acme/new-two"):
                hub.put(replace(tiny.head.repository, id=name, last_modified=None))
            await elsewhere.sync.run([FEED])
            await driver.until(lambda: len(driver.notes()) == 2)
            first, second = sorted(driver.notes())
            assert first.startswith("2 new models: hf:acme/new-")
            assert second == (
                "hf:acme/tiny, which is installed, changed: revision, licence apache-2.0 → other"
            )
            await driver.until(lambda: "6 Sync +2" in bar(driver))
            await driver.press("6")
            await driver.until(lambda: "Sync +" not in bar(driver))
            assert await elsewhere.changes.unseen() == 0


async def test_a_sync_that_fails_is_told_once(configure: Configure, hub: DemoHub) -> None:
    configuration = configure(TUI_HUB_SYNC__ENABLED="0")
    async with open_services(configuration) as elsewhere, screen(configuration) as driver:
        await driver.settled()
        hub.faults.add(Fault(FaultKind.HTML, path="/api/models", times=-1))
        for _ in range(2):
            await elsewhere.sync.run([FEED])
            await looked(driver)
        (note,) = driver.notes()
        assert note.startswith(f"The sync of {FEED} failed: 127.0.0.1:")


async def test_a_store_over_its_quota_is_told_when_a_download_ends(configure: Configure) -> None:
    configuration = configure(TUI_HUB_SYNC__ENABLED="0", TUI_HUB_STORE__QUOTA="1000")
    async with screen(configuration) as driver:
        await driver.settled()
        await driver.app.services.downloads.start("acme/eye")
        words = "over its quota of 1.0 KiB"
        await driver.until(lambda: any(words in note for note in driver.notes()))
