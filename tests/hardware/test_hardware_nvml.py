"""The real binding over a library without a GPU: every figure, every fault, live change."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pynvml
import pytest
from nvml_driver import StubDriver, sleeper

from tui_hub.domain.hardware import GpuProcess, GpuSample
from tui_hub.hardware.nvml import PROCESSES, RETRY, SLOW, NvmlProbe
from tui_hub.hardware.nvml_ways import _tell_lacking

NOBODY = 4_194_300
"""A pid that no process here has."""


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def probe(clock: Clock) -> Iterator[NvmlProbe]:
    probe = NvmlProbe(clock)
    yield probe
    probe.close()


def read(probe: NvmlProbe, **own: str) -> tuple[GpuSample, ...]:
    """A complete reading that must succeed."""
    reading = probe.read({int(pid[1:]): slot for pid, slot in own.items()}, complete=True)
    assert reading.error is None
    return reading.gpus


def test_every_figure_of_two_gpus(driver: StubDriver, probe: NvmlProbe) -> None:
    driver.two_gpus()
    assert read(probe) == (
        GpuSample(
            index=0,
            uuid="GPU-aaaa",
            name="NVIDIA H200",
            memory_total=150_754_820_096,
            memory_used=65_712_117_003,
            memory_free=84_500_000_007,
            memory_reserved=542_703_086,
            utilization=78,
            temperature=54,
            power=312.345,
            power_limit=700.0,
        ),
        GpuSample(
            index=1,
            uuid="GPU-bbbb",
            name="NVIDIA H200",
            memory_total=150_754_820_095,
            memory_used=12_884_901_888,
            memory_free=137_000_000_001,
            memory_reserved=869_918_206,
            utilization=3,
            temperature=31,
            power=76.5,
            power_limit=699.0,
        ),
    )


def test_whose_memory_it_is(driver: StubDriver, probe: NvmlProbe) -> None:
    me = getpass.getuser()
    with sleeper() as child:
        driver.two_gpus(
            compute=f"{child}:30000000000,{os.getpid()}:na,{NOBODY}:1000000000",
            graphics=f"{child}:30000000001,{NOBODY}:na",
        )
        first, second = read(probe, **{f"p{child}": "llm"})
    assert first.processes == (
        GpuProcess(pid=child, user=me, name="sleep", memory=30_000_000_001, slot="llm"),
        GpuProcess(pid=NOBODY, memory=1_000_000_000, visible=False),
        GpuProcess(pid=os.getpid(), user=me, name=psutil.Process().name(), memory=None),
    )
    assert first.processes[1].label == f"host pid {NOBODY} (not visible here)"
    assert second.processes == ()
    assert (first.ours, first.others) == (30_000_000_001, 35_712_117_002)
    assert (second.ours, second.others) == (0, 12_884_901_888)


def test_children_of_our_process_are_ours(driver: StubDriver, probe: NvmlProbe) -> None:
    with sleeper() as child:
        driver.two_gpus(compute=f"{child}:5")
        gpu, _ = read(probe, **{f"p{os.getpid()}": "tts"})
    assert [one.slot for one in gpu.processes] == ["tts"]


def test_how_busy_each_process_keeps_it(driver: StubDriver, probe: NvmlProbe) -> None:
    driver.two_gpus(compute=f"{os.getpid()}:5,{NOBODY}:9,{NOBODY + 1}:1")
    driver.gpu(0, busy=f"{NOBODY}:90,{os.getpid()}:7,{NOBODY}:12,{NOBODY + 1}:4000000000")
    driver.gpu(1, compute=f"{NOBODY}:1")
    first, second = read(probe)
    assert [(one.pid, one.utilization) for one in first.processes] == [
        (NOBODY, 12), (os.getpid(), 7), (NOBODY + 1, 0)
    ], "the newest sample counts, and one that was never taken does not"  # fmt: skip
    assert [one.utilization for one in second.processes] == [None], "it does not tell that"
    driver.gpu(0, busy="")
    assert {one.utilization for one in read(probe)[0].processes} == {0}


def test_a_list_that_grows_while_it_is_asked_for(
    driver: StubDriver, probe: NvmlProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.two_gpus(compute=f"{os.getpid()}:5")
    read(probe)
    name = "nvmlDeviceGetComputeRunningProcesses_v3"
    ask = getattr(pynvml, name)
    failures = [7, 7]

    def grown(handle: object) -> object:
        if failures:
            raise pynvml.NVMLError(failures.pop())
        return ask(handle)

    monkeypatch.setattr(pynvml, name, grown)
    assert [one.pid for one in read(probe)[0].processes] == [os.getpid()]
    assert not failures


def test_what_a_driver_lacks_is_logged_once(
    driver: StubDriver, probe: NvmlProbe, caplog: pytest.LogCaptureFixture
) -> None:
    _tell_lacking.cache_clear()
    driver.two_gpus()
    driver.gpu(0, power=None)
    driver.gpu(1, power=None)
    with caplog.at_level("INFO", "tui_hub.hardware"):
        read(probe)
        read(probe)
    told = [one.getMessage() for one in caplog.records if "PowerUsage" in one.getMessage()]
    assert told == ["a GPU of this box does not answer nvmlDeviceGetPowerUsage"]


def test_hostile_names(driver: StubDriver, probe: NvmlProbe, tmp_path: Path) -> None:
    evil = tmp_path / "\x1b[31mevil"
    evil.symlink_to("/bin/sleep")
    with sleeper(evil) as child:
        driver.two_gpus(compute=f"{child}:5")
        driver.gpu(0, name="GPU \x1b]0;title\x07")
        driver.gpu(1, name="bytes \udcff\udcfe")
        first, second = read(probe)
    assert "\x1b" not in first.name + str(first.processes[0].name)
    assert str(first.processes[0].name).endswith("[31mevil")
    assert second.name == "GPU"


def test_a_change_is_seen_at_the_next_reading(driver: StubDriver, probe: NvmlProbe) -> None:
    driver.two_gpus()
    read(probe)
    driver.gpu(1, used=99, free=1, utilization=100)
    _, second = probe.read({}).gpus
    assert (second.memory_used, second.memory_free, second.utilization) == (99, 1, 100)


def test_what_costs_more_is_read_less_often(
    driver: StubDriver, probe: NvmlProbe, clock: Clock
) -> None:
    driver.two_gpus(compute=f"{os.getpid()}:5")
    before = read(probe)[0]
    driver.gpu(0, temperature=99, power=1000, used=7, compute="")
    clock.now += SLOW - 0.1
    (early, _) = probe.read({}).gpus
    assert early.memory_used == 7
    assert (early.temperature, early.power, early.processes) == (54, 312.345, before.processes)
    clock.now += 0.1
    (later, _) = probe.read({}).gpus
    assert (later.temperature, later.power, later.processes) == (99, 1.0, before.processes)
    clock.now += PROCESSES - SLOW
    assert probe.read({}).gpus[0].processes == ()


def test_what_a_gpu_does_not_tell_is_not_asked_again(driver: StubDriver, probe: NvmlProbe) -> None:
    driver.two_gpus()
    driver.gpu(0, utilization=None, power=None, limit=None, temperature=None, mig=None)
    first, second = read(probe)
    told = (first.utilization, first.power, first.power_limit, first.temperature)
    assert told == (None, None, None, None)
    assert second.utilization == 3
    driver.forget_calls()
    read(probe)
    calls = driver.calls()
    for name in ("UtilizationRates", "PowerUsage", "TemperatureV", "Temperature", "MigMode"):
        assert calls[f"nvmlDeviceGet{name} 0"] == 0, name
    assert calls["nvmlDeviceGetUtilizationRates 1"] == 1
    assert calls["nvmlDeviceGetMemoryInfo_v2 0"] == 1


def test_a_passing_failure_of_one_figure_is_asked_again(
    driver: StubDriver, probe: NvmlProbe
) -> None:
    driver.two_gpus()
    driver.gpu(0, nvmlDeviceGetUtilizationRates=999)
    assert read(probe)[0].utilization is None
    driver.gpu(0, nvmlDeviceGetUtilizationRates=None)
    assert read(probe)[0].utilization == 78


def test_an_old_driver_is_asked_in_the_old_ways(old_driver: StubDriver, probe: NvmlProbe) -> None:
    old_driver.two_gpus(compute=f"{NOBODY}:1000,{os.getpid()}:na", graphics=f"{NOBODY + 1}:7")
    first, _ = read(probe)
    assert first.memory_used == 65_712_117_003 + 542_703_086, "it counts what it keeps as used"
    assert (first.memory_total, first.memory_free) == (150_754_820_096, 84_500_000_007)
    assert (first.memory_reserved, first.temperature) == (0, 54)
    holders = [(one.pid, one.memory) for one in first.processes]
    assert holders == [(NOBODY, 1000), (NOBODY + 1, 7), (os.getpid(), None)]


@pytest.mark.parametrize("code", [13, 25, 999], ids=["missing", "version", "wsl"])
def test_memory_is_had_where_the_newer_call_fails(
    driver: StubDriver, probe: NvmlProbe, code: int
) -> None:
    driver.two_gpus()
    driver.tell(nvmlDeviceGetMemoryInfo_v2=code)
    for _ in range(3):
        assert read(probe)[0].memory_free == 84_500_000_007
    assert driver.calls()["nvmlDeviceGetMemoryInfo_v2 0"] == (3 if code == 999 else 1)


def test_a_binding_that_does_not_match_the_library(
    driver: StubDriver, probe: NvmlProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.two_gpus(compute=f"{NOBODY}:1000")
    driver.tell(nvmlDeviceGetComputeRunningProcesses_v3=13)
    monkeypatch.setattr(
        "tui_hub.hardware.nvml_ways.HOLDERS",
        ((pynvml.nvmlDeviceGetComputeRunningProcesses,
          pynvml.nvmlDeviceGetComputeRunningProcesses_v2),),
    )  # fmt: skip
    assert not issubclass(pynvml.NVMLLibraryMismatchError, pynvml.NVMLError)
    assert [one.memory for one in read(probe)[0].processes] == [1000]


@pytest.mark.parametrize("total", [None, 0])
def test_a_gpu_without_memory_of_its_own_has_the_box_s(
    driver: StubDriver, probe: NvmlProbe, total: int | None
) -> None:
    driver.tell(count=1)
    driver.gpu(0, uuid="GPU-spark", name="NVIDIA GB10", total=total)
    (gpu,) = read(probe)
    assert gpu.memory_total == psutil.virtual_memory().total
    assert gpu.memory_used + gpu.memory_free == gpu.memory_total
    assert gpu.memory_shared, "the panel says so"


def test_slices_stand_in_place_of_their_gpu(driver: StubDriver, probe: NvmlProbe) -> None:
    driver.two_gpus()
    driver.gpu(0, mig=1, fail=None, nvmlDeviceGetMemoryInfo_v2=4)
    for number, profile in ((0, "1g.18gb"), (3, "2g.35gb")):
        driver.gpu(
            f"0.{number}", uuid=f"MIG-{number}", name=f"NVIDIA H200 MIG {profile}",
            total=1000 + number, used=400, free=590 + number, reserved=10,
            compute=f"{NOBODY}:{300 + number}", gi=7 + number, ci=number,
        )  # fmt: skip
    driver.gpu("0.0", ci=None)
    first, second, whole = read(probe)
    assert [gpu.label for gpu in (first, second, whole)] == ["0:0", "0:3", "1"]
    assert [gpu.short_name for gpu in (first, second, whole)] == ["1g.18gb", "2g.35gb", "H200"]
    assert (second.uuid, second.parent, second.slice) == ("MIG-3", "GPU-aaaa", 3)
    assert (first.instances, second.instances, whole.instances) == (None, (10, 3), None)
    assert not second.memory_shared
    assert (second.memory_total, second.memory_free) == (1003, 593)
    assert (second.utilization, second.temperature) == (None, None)
    assert [one.memory for one in second.processes] == [303]

    driver.gpu("0.0", uuid=None)
    assert [gpu.uuid for gpu in read(probe)] == ["MIG-3", "GPU-bbbb"], "it was made on purpose"
    driver.gpu(0, mig=0, nvmlDeviceGetMemoryInfo_v2=None)
    assert [gpu.uuid for gpu in read(probe)] == ["GPU-aaaa", "GPU-bbbb"]


def test_mig_without_slices_shows_the_whole(driver: StubDriver, probe: NvmlProbe) -> None:
    driver.two_gpus()
    driver.gpu(0, mig=1)
    assert [gpu.label for gpu in read(probe)] == ["0", "1"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (15, "lost: it has fallen off the bus; a reboot may bring it back"),
        (16, "needs a reset: nothing can use it before"),
        (4, "no access: this user may not read it"),
        (999, "unreadable: Unknown Error"),
        (998, "unreadable: Something \N{REPLACEMENT CHARACTER}[31mnew\N{REPLACEMENT CHARACTER}[0m"),
    ],
)
def test_one_gpu_fails_and_the_other_goes_on(
    driver: StubDriver, probe: NvmlProbe, code: int, words: str
) -> None:
    driver.two_gpus()
    read(probe)
    driver.gpu(0, fail=code)
    first, second = read(probe)
    assert first == GpuSample(index=0, uuid="GPU-aaaa", name="NVIDIA H200", error=words)
    assert second.memory_free == 137_000_000_001
    driver.gpu(0, fail=None)
    assert read(probe)[0].memory_free == 84_500_000_007


def test_a_gpu_that_was_lost_before_the_first_reading(driver: StubDriver, probe: NvmlProbe) -> None:
    driver.two_gpus()
    driver.gpu(1, fail=15)
    first, second = read(probe)
    assert first.error is None
    assert (second.label, second.uuid, second.name) == ("1", "", "GPU")
    assert second.error is not None and second.error.startswith("lost: ")


def test_a_gpu_that_is_lost_in_the_middle_of_a_reading(
    driver: StubDriver, probe: NvmlProbe
) -> None:
    driver.two_gpus()
    driver.gpu(0, nvmlDeviceGetUtilizationRates=15)
    first, second = read(probe)
    assert first.error is not None and first.memory_total == 0
    assert second.error is None


def test_a_gpu_that_vanishes_is_still_named(driver: StubDriver, probe: NvmlProbe) -> None:
    driver.two_gpus()
    read(probe)
    driver.gpu(0, uuid="GPU-bbbb")  # the other one takes its number
    driver.tell(count=1)
    there, gone = read(probe)
    assert (there.index, there.uuid, there.error) == (0, "GPU-bbbb", None)
    assert gone.uuid == "GPU-aaaa"
    assert gone.error == "vanished: the driver lists it no more"
    driver.two_gpus()
    assert [(gpu.uuid, gpu.error) for gpu in read(probe)] == [
        ("GPU-aaaa", None),
        ("GPU-bbbb", None),
    ]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (12, "no GPU: no NVIDIA driver is installed"),
        (9, "no GPU driver: the NVIDIA driver is not loaded"),
        (18, "reboot for the GPU: the NVIDIA driver was upgraded, and the old one still runs"),
        (4, "no access to the GPU: this user may not use the driver"),
        (999, "GPU driver fails: unknown error; a container must be given the GPU's devices"),
        (10, "GPU driver fails: Timeout"),
    ],
)
def test_a_driver_that_cannot_be_used_is_tried_again_later(
    driver: StubDriver, probe: NvmlProbe, clock: Clock, code: int, words: str
) -> None:
    driver.two_gpus()
    driver.tell(nvmlInitWithFlags=code)
    reading = probe.read({})
    assert (reading.gpus, reading.error) == ((), words)
    driver.tell(nvmlInitWithFlags=None)
    clock.now += RETRY - 0.1
    assert probe.read({}).error == words
    assert driver.calls()["nvmlInitWithFlags -"] == 1
    clock.now += 0.1
    assert len(read(probe)) == 2


@pytest.mark.parametrize("code", [9, 18])
def test_a_driver_that_goes_away_while_it_is_used(
    driver: StubDriver, probe: NvmlProbe, clock: Clock, code: int
) -> None:
    driver.two_gpus()
    read(probe)
    driver.gpu(1, nvmlDeviceGetMemoryInfo_v2=code, nvmlDeviceGetMemoryInfo=code)
    reading = probe.read({})
    assert reading.gpus == () and reading.error is not None
    assert driver.calls()["nvmlShutdown -"] == 1
    driver.gpu(1, nvmlDeviceGetMemoryInfo_v2=None, nvmlDeviceGetMemoryInfo=None)
    clock.now += RETRY
    assert len(read(probe)) == 2


def test_another_part_of_the_program_lets_go_of_the_library(
    driver: StubDriver, probe: NvmlProbe
) -> None:
    driver.two_gpus()
    read(probe)
    pynvml.nvmlShutdown()
    with pytest.raises(pynvml.NVMLError_Uninitialized):
        pynvml.nvmlDeviceGetCount()
    assert len(read(probe)) == 2


def test_closed_and_opened_again(driver: StubDriver, probe: NvmlProbe) -> None:
    driver.two_gpus()
    probe.close()
    assert driver.calls() == {}
    read(probe)
    probe.close()
    probe.close()
    assert driver.calls()["nvmlShutdown -"] == 1
    assert len(read(probe)) == 2


def test_a_driver_without_gpus(driver: StubDriver, probe: NvmlProbe) -> None:
    reading = probe.read({})
    assert (reading.gpus, reading.error) == ((), "no GPU: the NVIDIA driver lists none")


def test_no_library(probe: NvmlProbe) -> None:
    assert probe.read({}).error == "no GPU: no NVIDIA driver is installed"


def test_a_library_that_comes_later(
    driver: StubDriver, probe: NvmlProbe, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.two_gpus()
    found = pynvml.CDLL
    monkeypatch.setattr(pynvml, "CDLL", lambda name: found("missing.so"))
    assert probe.read({}).error == "no GPU: no NVIDIA driver is installed"
    monkeypatch.setattr(pynvml, "CDLL", found)
    clock.now += RETRY
    assert len(read(probe)) == 2


def test_a_binding_that_fails_in_a_way_of_its_own(
    driver: StubDriver, probe: NvmlProbe, clock: Clock
) -> None:
    driver.two_gpus()
    driver.gpu(0, uuid="bytes \udcff")
    reading = probe.read({})
    assert reading.gpus == ()
    assert reading.error is not None and reading.error.startswith("GPU driver fails: 'utf-8'")
    driver.two_gpus()
    clock.now += RETRY
    assert len(read(probe)) == 2
