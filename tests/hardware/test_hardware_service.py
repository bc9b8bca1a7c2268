"""The service: readings off the loop, slots, history, and drivers that do not answer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from nvml_driver import GIB, StubDriver

from tui_hub.domain.errors import UsageError
from tui_hub.domain.hardware import BoxSample, GpuMoment, Held
from tui_hub.events import HardwareSampled
from tui_hub.services import Services, open_services
from tui_hub.services import hardware as module
from tui_hub.settings import Configuration, load_configuration


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return load_configuration(
        environment={"TUI_HUB_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    )


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a condition to hold."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def sample_of(services: Services) -> BoxSample:
    """The latest reading, which must be there."""
    assert services.hardware.sample is not None
    return services.hardware.sample


async def test_a_fresh_reading_needs_no_watch(
    driver: StubDriver, configuration: Configuration
) -> None:
    driver.two_gpus(compute=f"{os.getpid()}:1000,{os.getppid()}:5")
    async with open_services(configuration) as services:
        assert services.hardware.sample is None
        services.hardware.own({os.getpid(): "llm"})
        box = await services.hardware.read()
        assert box is services.hardware.sample
        assert box.error is None
        assert [gpu.uuid for gpu in box.gpus] == ["GPU-aaaa", "GPU-bbbb"]
        assert {one.pid: one.slot for one in box.gpus[0].processes} == {
            os.getpid(): "llm",
            os.getppid(): None,
        }
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        assert box.host.memory_total == total
        driver.gpu(0, temperature=60, compute="")
        again = await services.hardware.read()
        assert (again.gpus[0].temperature, again.gpus[0].processes) == (60, ())
        assert services.hardware.history("GPU-aaaa") == ()
    assert driver.calls()["nvmlShutdown -"] == 1


async def test_readings_at_the_interval_of_the_settings(driver: StubDriver, tmp_path: Path) -> None:
    driver.two_gpus()
    fast = load_configuration(
        environment={"TUI_HUB_HOME": str(tmp_path / "home"), "TUI_HUB_GPU__INTERVAL": "0.25"}
    )
    async with open_services(fast) as services:
        started = time.monotonic()
        services.hardware.start()
        await until(lambda: len(services.hardware.history("GPU-aaaa")) == 4)
        assert time.monotonic() - started >= 0.75


def samplers() -> int:
    """How many of them read the box."""
    return sum(task.get_name() == "hardware" for task in asyncio.all_tasks())


async def test_one_sampler_for_all_who_watch_and_none_when_nobody_does(
    driver: StubDriver, configuration: Configuration
) -> None:
    driver.two_gpus()
    async with open_services(configuration) as services:
        hardware = services.hardware
        assert samplers() == 0
        hardware.start(0.001)
        hardware.start(0.001)
        await until(lambda: hardware.history("GPU-aaaa"))
        assert samplers() == 1
        await hardware.stop()
        seen = driver.calls()["nvmlDeviceGetCount_v2 -"]
        await until(lambda: driver.calls()["nvmlDeviceGetCount_v2 -"] > seen)
        await hardware.stop()
        await hardware.stop()
        assert samplers() == 0
        hardware.start(0.001)
        driver.gpu(0, used=7)
        await until(lambda: sample_of(services).gpus[0].memory_used == 7)
        assert samplers() == 1


async def test_gpus_that_cuda_does_not_show_are_not_for_models(
    driver: StubDriver, tmp_path: Path
) -> None:
    driver.two_gpus()
    some = load_configuration(
        environment={"TUI_HUB_HOME": str(tmp_path / "home"), "CUDA_VISIBLE_DEVICES": "GPU-bb"}
    )
    async with open_services(some) as services:
        assert [gpu.hidden for gpu in (await services.hardware.read()).gpus] == [True, False]
        devices = await services.fit.devices()
        assert [device.index for device in devices] == [1, None], "with the driver's number"


async def test_what_the_driver_hides_is_known_by_our_own_record(
    driver: StubDriver, configuration: Configuration
) -> None:
    driver.two_gpus()
    mine, nobody = os.getpid(), 4_194_300
    async with open_services(configuration) as services:
        hardware = services.hardware
        hardware.own({mine: "llm"}, [Held(0, mine, "llm", 30 * GIB), Held(1, 5, "tts", 20 * GIB)])

        async def told(**processes: str | None) -> list[tuple[int, int | None, str | None, bool]]:
            driver.gpu(0, compute=None, graphics=None)
            driver.gpu(0, **processes)
            gpu = (await hardware.read()).gpus[0]
            return [(one.pid, one.memory, one.slot, one.recorded) for one in gpu.processes]

        assert await told() == [(mine, 30 * GIB, "llm", True)], "no list names it"
        gpus = (await hardware.read()).gpus
        assert (gpus[0].ours, gpus[0].unnamed) == (30 * GIB, gpus[0].memory_used - 30 * GIB)
        assert gpus[1].ours == gpus[1].memory_used == 12_884_901_888, "never more than is in use"
        assert await told(compute=f"{mine}:na") == [(mine, 30 * GIB, "llm", True)]
        assert await told(compute=f"{mine}:7") == [(mine, 7, "llm", False)], "its word counts"
        alike = f"{nobody}:{31 * GIB},{nobody + 1}:{45 * GIB},{nobody + 2}:{29 * GIB}"
        (first, *others) = await told(compute=alike)
        assert first == (nobody, 31 * GIB, "llm", True), "by its number on the host"
        assert [slot for _, _, slot, _ in others] == [None, None]


@pytest.mark.parametrize("interval", ["0.1", "0", "often"])
def test_an_interval_that_would_weigh_on_the_driver(tmp_path: Path, interval: str) -> None:
    with pytest.raises(UsageError, match="INTERVAL in the environment"):
        load_configuration(
            environment={"TUI_HUB_HOME": str(tmp_path), "TUI_HUB_GPU__INTERVAL": interval}
        )


async def test_the_history_keeps_the_last_sixty(
    driver: StubDriver, configuration: Configuration
) -> None:
    driver.two_gpus()
    async with open_services(configuration) as services:
        hardware = services.hardware
        hardware.start(0.001)
        await until(lambda: len(hardware.history("GPU-bbbb")) == 60)
        driver.gpu(1, used=7, utilization=None)
        new = GpuMoment(memory_used=7, utilization=None)
        await until(lambda: hardware.history("GPU-bbbb")[-1] == new)
        moments = hardware.history("GPU-bbbb")
        assert len(moments) == 60
        assert moments[0] == GpuMoment(memory_used=12_884_901_888, utilization=3)
        driver.gpu(1, fail=15)
        await until(lambda: sample_of(services).gpus[1].error)
        await hardware.stop()
        assert hardware.history("GPU-bbbb")[-1] == new, "what cannot be read adds nothing"
        assert hardware.history("GPU-none") == ()


async def test_an_event_for_each_reading_that_differs(
    driver: StubDriver, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.two_gpus()
    async with open_services(configuration) as services:
        with services.bus.subscribe() as events:
            await services.hardware.read()
            async for event in events:
                assert event == HardwareSampled()
                break


async def test_all_calls_come_from_one_thread(
    driver: StubDriver, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pynvml

    callers: set[threading.Thread] = set()
    count = pynvml.nvmlDeviceGetCount

    def noting() -> int:
        callers.add(threading.current_thread())
        return count()

    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", noting)
    driver.two_gpus()
    async with open_services(configuration) as services:
        services.hardware.start(0.001)
        await asyncio.gather(*(services.hardware.read() for _ in range(20)))
    (caller,) = callers
    assert caller.name == "gpu" and caller.daemon
    await until(lambda: not caller.is_alive())


async def test_a_driver_that_hangs_holds_up_nothing(
    driver: StubDriver, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_GLANCE", 0.02)
    monkeypatch.setattr(module, "_PATIENCE", 600.0)
    driver.two_gpus()
    driver.tell(hang="nvmlDeviceGetMemoryInfo_v2")
    try:
        async with open_services(configuration) as services:
            services.hardware.start(0.01)
            await until(lambda: services.hardware.sample)
            assert (
                sample_of(services).error == "waiting for the GPU driver: it has not answered yet"
            )
            monkeypatch.setattr(module, "_PATIENCE", 1.0)
            await until(lambda: (sample_of(services).error or "").startswith("GPU driver hangs: "))
            hosts = {sample_of(services).host}
            await until(lambda: hosts.add(sample_of(services).host) or len(hosts) > 2)
            box = await services.hardware.read()
            assert box.gpus == () and (box.error or "").startswith("GPU driver hangs: ")
            driver.tell(hang=None)
            await until(
                lambda: len(sample_of(services).gpus) == 2 and sample_of(services).error is None
            )
            driver.tell(hang="nvmlDeviceGetCount_v2")
            await until(lambda: (sample_of(services).error or "").startswith("GPU driver hangs: "))
            ending = time.monotonic()
        assert time.monotonic() - ending < 60
    finally:
        driver.tell(hang=None)


def test_a_program_ends_though_its_driver_hangs(
    driver: StubDriver, configuration: Configuration, tmp_path: Path
) -> None:
    driver.two_gpus()
    driver.tell(hang="nvmlInitWithFlags")
    program = """
import asyncio
from tui_hub.services import open_services
from tui_hub.settings import load_configuration

async def main():
    async with open_services(load_configuration()) as services:
        services.hardware.start(0.01)
        while services.hardware.sample is None:
            await asyncio.sleep(0.01)
        print(services.hardware.sample.error)

asyncio.run(main())
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **driver.environment, "TUI_HUB_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("waiting for the GPU driver")


async def test_the_loop_goes_on_while_a_reading_takes_its_time(
    driver: StubDriver, configuration: Configuration
) -> None:
    driver.two_gpus()
    driver.tell(hang="nvmlDeviceGetCount_v2")
    async with open_services(configuration) as services:
        reading = asyncio.create_task(services.hardware.read())
        turns = 0
        while turns < 20:
            await asyncio.sleep(0.005)
            turns += 1
            assert not reading.done()
        driver.tell(hang=None)
        assert len((await reading).gpus) == 2
