"""Pictures of screens. `pytest --snapshot-update` takes them anew; look at each one then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from screen_driver import NARROW, WIDE, Driver, fill, hub_app, made
from test_tui_memory_line import gpu
from textual.pilot import Pilot

from tui_hub.domain.hardware import BoxSample, GpuProcess, GpuSample, HostSample
from tui_hub.domain.models import ModelStatus
from tui_hub.services import Services, open_services
from tui_hub.settings import Configuration
from tui_hub.tui.app import HubApp
from tui_hub.tui.screens.compare import CompareScreen

Compare = Callable[..., bool]


@pytest.fixture
def services(offline: Configuration, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """A home whose pictures are always the same: made models, and readings that do not move."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    stack = AsyncExitStack()

    async def begin() -> Services:
        models = [made(number, likes=number * 31) for number in range(120)]
        models[2] = made(2, description="A model that says what it is.", gated="manual")
        models[0] = made(0, status=ModelStatus.ACTIVE)
        models[3] = made(3, status=ModelStatus.INSTALLED)
        await fill(offline, models)
        opened = await stack.enter_async_context(open_services(offline))
        return opened

    opened = loop.run_until_complete(begin())
    host = HostSample(
        memory_total=64 << 30,
        memory_used=23 << 30,
        cpu_percent=12.0,
        disk_total=900 << 30,
        disk_free=400 << 30,
    )
    opened.hardware.sample = BoxSample(host=host, error="no GPU: none is in this picture")
    monkeypatch.setattr(opened.hardware, "start", lambda: None)

    async def read() -> BoxSample:
        assert opened.hardware.sample is not None
        return opened.hardware.sample

    monkeypatch.setattr(opened.hardware, "read", read)
    yield opened
    loop.run_until_complete(stack.aclose())
    loop.close()
    asyncio.set_event_loop(None)


def after(services: Services, keys: str, *words: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Press keys once the catalogue is on screen, and wait for words to come up."""

    async def before(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, HubApp)
        driver = Driver(app, pilot, services)
        await driver.sees("model-0000", "120", "no GPU")
        await driver.until(lambda: app.live.total is not None)
        await driver.press(*keys)
        await driver.sees(*words)
        await driver.settled()

    return before


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_browse(snap_compare: Compare, services: Services, size: tuple[int, int]) -> None:
    words = ["▸    maker2/model-0002"] + (["A model that says", "□ llm"] if size == WIDE else [])
    assert snap_compare(
        hub_app(services), terminal_size=size, run_before=after(services, "jj", *words)
    )


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_compare(snap_compare: Compare, services: Services, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[int]) -> None:
        await after(services, "cjcjcjcC", "Side by side")(pilot)
        assert isinstance(pilot.app, HubApp)
        driver = Driver(pilot.app, pilot, services)
        shown = pilot.app.screen
        assert isinstance(shown, CompareScreen)
        await driver.until(lambda: all(one.asked for one in shown.candidates))
        pilot.app.clear_notifications()
        await driver.until(lambda: "4 marked" not in driver.text())

    assert snap_compare(hub_app(services), terminal_size=size, run_before=before)


def test_help(snap_compare: Compare, services: Services) -> None:
    run = after(services, "?", "Plan a download", "B as listed")
    assert snap_compare(hub_app(services), terminal_size=WIDE, run_before=run)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_active(snap_compare: Compare, services: Services, size: tuple[int, int]) -> None:
    run = after(services, "3", "0 of 12 filled", "no GPU: none is in this picture")
    assert snap_compare(hub_app(services), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_gpus(snap_compare: Compare, services: Services, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[int]) -> None:
        await after(services, "", "model-0000")(pilot)
        assert services.hardware.sample is not None
        busy = gpu(processes=(ours, GpuProcess(pid=22, user="kim", name="python", memory=9 << 30)))
        lost = GpuSample(index=1, uuid="GPU-1", name="NVIDIA H200", error="lost: off the bus")
        services.hardware.sample = replace(services.hardware.sample, gpus=(busy, lost), error=None)
        await pilot.press("3")
        await Driver(pilot.app, pilot, services).sees("GPU0", "GPU1")  # type: ignore[arg-type]

    ours = GpuProcess(pid=11, user="root", name="python", memory=20 << 30, slot="llm")
    assert snap_compare(hub_app(services), terminal_size=size, run_before=before)


def test_sync(snap_compare: Compare, services: Services) -> None:
    run = after(services, "6", "hf:litert", "120 models")
    assert snap_compare(hub_app(services), terminal_size=WIDE, run_before=run)
