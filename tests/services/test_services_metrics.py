"""The metrics file: what it tells, when it is written, and what it never does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Inside
from examining import ERROR, OK, WARNING, examined, of, the
from homes import Configure
from nvml_driver import StubDriver
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as older_parser
from schedule_clock import FakeClock

from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.errors import RefusedError, UsageError
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.metrics import Metric, Sample, exposition
from tui_hub.services import open_services
from tui_hub.services.metrics.writing import write

FEED = "hf:text-generation"
PATIENCE = 60.0


def read(path: Path) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """What a parser of OpenMetrics finds in the file: values by labels by name."""
    document = path.read_text()
    assert document.endswith("# EOF\n")
    assert list(older_parser(document)), "node_exporter reads the text format of before"
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(document):
        assert family.documentation and family.type in ("gauge", "counter"), family
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {}), "no value twice"
            found[sample.name][labels] = sample.value
    return found


def the_value(path: Path, name: str, /, **labels: str) -> float:
    """The value of a metric with these labels."""
    return read(path)[f"tui_hub_{name}"][tuple(sorted(labels.items()))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the metrics go."""
    folder = tmp_path / "textfile"
    folder.mkdir()
    return folder / "tui-hub.prom"


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the file tells something."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(KeyError, FileNotFoundError):
                if condition():
                    return
            await asyncio.sleep(0.01)


async def until_written(path: Path, before: float = 0.0) -> None:
    """Wait until the file was written after a moment."""
    async with asyncio.timeout(PATIENCE):
        while not path.exists() or path.stat().st_mtime_ns <= before:
            await asyncio.sleep(0.01)


async def waiting(clock: FakeClock) -> None:
    """Wait until the file's keeper waits for its next turn."""
    async with asyncio.timeout(PATIENCE):
        while not clock.sleepers:
            await asyncio.sleep(0)


async def turn(clock: FakeClock) -> None:
    """Let the next turn come."""
    await waiting(clock)
    clock.tick()
    await asyncio.sleep(0)


async def test_a_sync_and_a_download_are_told(
    configure: Configure, file: Path, hub: DemoHub
) -> None:
    configuration = configure(TUI_HUB_METRICS__FILE=str(file))
    async with open_services(configuration) as services:
        await services.sync.run([FEED])
        job = await services.downloads.start("acme/tiny")
        done = await services.downloads.wait(job.id)
    assert the_value(file, "feed_failed", feed=FEED) == 0
    assert the_value(file, "feed_models", feed=FEED, outcome="created") > 0
    now = time.time()
    assert 0 <= now - the_value(file, "feed_last_success_timestamp_seconds", feed=FEED) < 600
    assert the_value(file, "catalogue_models", source="hf") > 0
    assert the_value(file, "jobs", type="download", status="completed") == 1
    assert the_value(file, "jobs", type="download", status="failed") == 0
    assert the_value(file, "downloaded_bytes_total") == done.bytes_transferred > 0
    assert the_value(file, "installed_models") == 1
    assert the_value(file, "store_bytes", kind="blobs") > 0
    assert the_value(file, "store_disk_total_bytes") > the_value(file, "store_disk_free_bytes")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644, "the collector is another user"
    assert list(file.parent.iterdir()) == [file], "nothing is left beside it"


async def test_a_feed_that_failed_is_told(configure: Configure, file: Path, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.HTML, path="/api/models", times=-1))
    async with open_services(configure(TUI_HUB_METRICS__FILE=str(file))) as services:
        await services.sync.run([FEED])
    assert the_value(file, "feed_failed", feed=FEED) == 1
    assert "tui_hub_feed_last_success_timestamp_seconds" not in read(file)


async def test_an_active_model_and_the_gpus_are_told(
    configure: Configure, file: Path, driver: StubDriver
) -> None:
    driver.two_gpus()
    who = {"type": "llm", "model": "hf:acme/tiny", "runtime": "link"}
    async with open_services(configure(TUI_HUB_METRICS__FILE=str(file))) as services:
        job = await services.downloads.start("acme/tiny")
        await services.downloads.wait(job.id)
        await services.activation.activate("acme/tiny")
        await until(lambda: the_value(file, "slot_active", **who) == 1)
        await services.activation.deactivate("llm")
        await until(lambda: "tui_hub_slot_active" not in read(file))
    gpu = {"gpu": "0", "uuid": "GPU-aaaa"}
    assert the_value(file, "gpu_info", **gpu, name="NVIDIA H200") == 1
    assert the_value(file, "gpu_memory_bytes", **gpu, kind="free") == 84_500_000_007
    assert the_value(file, "gpu_memory_bytes", **gpu, kind="ours") == 0
    assert the_value(file, "gpu_utilization_ratio", **gpu) == 0.78
    assert the_value(file, "gpu_power_watts", **gpu) == 312.345


async def test_nothing_is_written_unless_wanted(configure: Configure, tmp_path: Path) -> None:
    async with open_services(configure()) as services:
        await services.sync.run([FEED])
        assert not {task.get_name() for task in asyncio.all_tasks()} & {"metrics"}
    assert not list(tmp_path.rglob("*.prom"))


async def test_an_old_file_is_written_again_and_a_young_one_is_not(
    configure: Configure, file: Path
) -> None:
    clock = FakeClock()
    configuration = configure(TUI_HUB_METRICS__FILE=str(file))
    async with open_services(configuration, clock.clock) as services:
        await turn(clock)
        await until_written(file)
        young = file.stat().st_mtime_ns
        await turn(clock)
        await waiting(clock)
        await services.metrics.settle()
        assert file.stat().st_mtime_ns == young
        os.utime(file, (time.time() - 60, time.time() - 60))
        await turn(clock)
        await until_written(file, young)


async def test_whoever_ends_a_job_writes(configure: Configure, file: Path) -> None:
    async with open_services(configure(TUI_HUB_METRICS__FILE=str(file))) as services:
        job = await services.jobs.create(JobType.SCAN, {})
        await services.jobs.finish(job, JobStatus.FAILED)
        await until_written(file)
        assert the_value(file, "jobs", type="scan", status="failed") == 1


def test_sync_only_leaves_its_figures(hub: DemoHub, tmp_path: Path, file: Path) -> None:
    program = Inside(tmp_path / "home", {"HF_ENDPOINT": hub.endpoint})
    ran = program("--sync-only", TUI_HUB_METRICS__FILE=str(file))
    assert ran.code in (0, 3), ran.err
    assert the_value(file, "jobs", type="sync", status="completed") == 1


async def test_bytes_are_counted_over_attempts_and_each_once(
    configure: Configure, file: Path, hub: DemoHub
) -> None:
    configuration = configure(TUI_HUB_METRICS__FILE=str(file), TUI_HUB_DOWNLOADS__RETRIES="1")
    hub.faults.add(Fault(FaultKind.TRUNCATE, path="*/resolve/*/model.safetensors", times=-1))
    async with open_services(configuration) as services:
        job = await services.downloads.start("acme/tiny")
        failed = await services.downloads.wait(job.id)
        assert failed.status is JobStatus.FAILED and failed.bytes_transferred
        hub.faults.clear()
        await services.jobs.retry(job.id)
        done = await services.downloads.wait(job.id)
        assert done.bytes_transferred > failed.bytes_transferred
    assert the_value(file, "downloaded_bytes_total") == done.bytes_transferred


def test_a_file_of_somebody_else_is_left_alone(file: Path) -> None:
    file.write_text("node_boot_time 1\n")
    with pytest.raises(RefusedError, match="stays as it is"):
        write(file, exposition([]))
    assert file.read_text() == "node_boot_time 1\n"


def test_what_labels_carry_is_escaped() -> None:
    metric = Metric(name="tui_hub_x", about="X.", samples=(Sample(1, {"a": 'b"\\\nc'}),))
    (family,) = text_string_to_metric_families(exposition([metric]))
    assert family.samples[0].labels == {"a": 'b"\\\nc'}


async def test_the_doctor_tells_of_it(configure: Configure, file: Path) -> None:
    wanted = configure(TUI_HUB_METRICS__FILE=str(file))
    found = the(await examined(wanted), "metrics")
    assert found.status is OK and "not written yet" in found.message
    file.write_text("something else")
    assert the(await examined(wanted), "metrics").status is ERROR
    gone = file.parent / "gone" / "x.prom"
    found = the(await examined(configure(TUI_HUB_METRICS__FILE=str(gone))), "metrics")
    assert found.status is WARNING and "is not there" in found.message
    assert of(await examined(configure()), "metrics") == []


async def test_a_file_that_cannot_be_written_stops_nothing(
    configure: Configure, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gone = tmp_path / "gone" / "x.prom"
    async with open_services(configure(TUI_HUB_METRICS__FILE=str(gone))) as services:
        for _ in range(2):
            report = await services.sync.run([FEED])
            assert report.status == "completed"
    told = [one for one in caplog.messages if "the metrics are not written" in one]
    assert len(told) == 1 and "No such file or directory" in told[0]


def test_a_path_that_is_not_full_is_refused(configure: Configure) -> None:
    with pytest.raises(UsageError, match="it begins with / or ~"):
        configure(TUI_HUB_METRICS__FILE="metrics.prom")
    with pytest.raises(UsageError, match=r"does not end with \.prom"):
        configure(TUI_HUB_METRICS__FILE="/tmp/metrics.txt")
