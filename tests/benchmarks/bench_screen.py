"""What each screen costs and how soon it answers, with eight GPUs and eight downloads live.

Run by hand: `PYTHONPATH=tests python tests/benchmarks/bench_screen.py [seconds] [models]`. The
models are a number, or a catalogue that `bench_load.py --keep FILE` left, of which a copy is used.
The GPUs are those of the driver that the tests compile, their figures changing each second. The
time of the processor is that of the thread with the loop, which draws.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from bench_rest import Terminal, screen, until
from nvml_driver import GIB, StubDriver, build

from tui_hub.database import CatalogueDatabase
from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.domain.models import Model
from tui_hub.domain.types import ModelType
from tui_hub.settings import load_configuration

GPUS = DOWNLOADS = 8
SCREENS = ("Browse", "Downloads", "Active", "Jobs", "Storage", "Sync", "Settings")
_SIZE = 64_000_000
_LIMIT = 3_000_000
"""Bytes a second of all downloads: they must not end before the last screen was measured."""
_KEYS = 60
_GAP = 0.08
"""Seconds between two keys, of which one is followed at a time."""


@contextmanager
def moving(driver: StubDriver) -> Iterator[None]:
    """GPUs in use, all of whose figures are others each second."""
    over = threading.Event()

    def tell(turn: int) -> None:
        for index in range(GPUS):
            used = (40 + 9 * index + turn % 7) * GIB
            driver.gpu(
                index, uuid=f"GPU-{index}", name="NVIDIA H200", total=140 * GIB, used=used,
                free=139 * GIB - used, reserved=GIB, utilization=(70 + turn + index) % 100,
                temperature=50 + index, power=300_000 + 1000 * (turn % 50), limit=700_000, mig=0,
                compute=f"{os.getpid()}:{9 * GIB},{4_194_000 + index}:{20 * GIB}",
                busy=f"{os.getpid()}:{turn % 100}",
            )  # fmt: skip
        driver.tell(count=GPUS)

    def move() -> None:
        turn = 0
        while not over.wait(1.0):
            turn += 1
            tell(turn)

    tell(0)
    mover = threading.Thread(target=move)
    mover.start()
    try:
        yield
    finally:
        over.set()
        mover.join()


def measure(
    environment: Mapping[str, str], repositories: Sequence[str], seconds: float, name: str
) -> None:
    """Print a line for each screen."""
    print(f"\n{name} (load {os.getloadavg()[0]:.1f})")
    print(f"{'':12} loop % of a core    kB/s   key to paint, median / p99 / max ms")
    with tempfile.TemporaryDirectory() as folder:
        paints = Path(folder, "paints")
        program = str(Path(__file__).with_name("probed_screen.py"))
        with screen(environment, (program, str(paints), *repositories)) as terminal:
            until(lambda: b"Browse" in terminal.text)
            time.sleep(6)
            for number, words in enumerate(SCREENS, start=1):
                terminal.press(str(number))
                time.sleep(3)
                cost = _rest(terminal, seconds)
                times = _keys(terminal, paints)
                keys = "no list" if len(times) < 2 else (
                    f"{1000 * statistics.median(times):6.1f} {1000 * _p99(times):6.1f}"
                    f" {1000 * max(times):6.1f}   ({len(times)} keys)"
                )  # fmt: skip
                print(f"{words:12} {100 * cost[0]:12.1f} {cost[1]:12.2f}   {keys}", flush=True)
            memory = psutil.Process(terminal.pid).memory_info()
            print(f"resident: {memory.rss / 2**20:.0f} MiB")


def _rest(terminal: Terminal, seconds: float) -> tuple[float, float]:
    """Share of a core that the loop takes, and the kB a second to the terminal."""
    spent, written = _loop_seconds(terminal.pid), terminal.written
    time.sleep(seconds)
    spent, written = _loop_seconds(terminal.pid) - spent, terminal.written - written
    return spent / seconds, written / seconds / 1000


def _loop_seconds(pid: int) -> float:
    """Seconds of the processor that the main thread has taken."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _keys(terminal: Terminal, paints: Path) -> list[float]:
    """Seconds that each key of a list took."""
    before = paints.stat().st_size if paints.exists() else 0
    for number in range(_KEYS):
        terminal.press("jk"[number % 2])
        time.sleep(_GAP)
    time.sleep(0.5)
    times = array("d")
    if paints.exists():
        times.frombytes(paints.read_bytes()[before:])
    return list(times)


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(0.99 * (len(values) - 1))]


_SAMPLER = """
import asyncio, sys, time
from tui_hub.services import open_services
from tui_hub.settings import load_configuration

async def main(seconds):
    async with open_services(load_configuration()) as services:
        services.hardware.start(1.0)
        await asyncio.sleep(3)
        spent = time.process_time()
        await asyncio.sleep(seconds)
        spent = time.process_time() - spent
        gpus = services.hardware.sample.gpus
        holders = sum(len(gpu.processes) for gpu in gpus)
        print(f"the sampler alone, {len(gpus)} GPUs with {holders} processes at 1 Hz: "
              f"{100 * spent / seconds:.2f} % of a core")

asyncio.run(main(float(sys.argv[1])))
"""


async def fill(environment: Mapping[str, str], count: int) -> None:
    """Put models into the catalogue of the home."""
    path = load_configuration(environment=dict(environment)).paths.catalogue_database
    path.parent.mkdir(parents=True, exist_ok=True)
    async with await CatalogueDatabase.open(path) as catalogue:
        for start in range(0, count, 5000):
            models = [_made(number) for number in range(start, min(start + 5000, count))]
            await catalogue.models.merge(models)


def _made(number: int) -> Model:
    return Model(
        id=f"hf:maker{number % 997}/model-{number:07d}",
        source="hf",
        author=f"maker{number % 997}",
        name=f"model-{number:07d}",
        type=ModelType.LLM if number % 3 else ModelType.IMAGE_GEN,
        task="text-generation" if number % 3 else "text-to-image",
        library="transformers",
        license="apache-2.0",
        downloads=number,
        size=(number + 1) * 1024**2,
    )


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    models = sys.argv[2] if len(sys.argv) > 2 else "100000"
    repositories = [
        Repository(
            id=f"acme/m{number}",
            files=(RepositoryFile("model.safetensors", bytes([number]) * _SIZE),),
            task="text-generation",
        )
        for number in range(DOWNLOADS)
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        DemoHub(per_connection=0, total=0, repositories=repositories) as hub,
    ):
        driver = StubDriver(build(Path(folder)), Path(folder, "nvml"))
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TUI_HUB_HOME": f"{folder}/home",
            "TUI_HUB_SYNC__ENABLED": "false",
            "TUI_HUB_DOWNLOADS__JOBS": str(DOWNLOADS),
            "TUI_HUB_DOWNLOADS__LIMIT": str(_LIMIT),
            "HF_ENDPOINT": hub.endpoint,
            "HF_TOKEN": hub.token,
            "TERM": "xterm-256color",
        }
        if models.isdigit():
            asyncio.run(fill(environment, int(models)))
        else:
            catalogue = load_configuration(environment=environment).paths.catalogue_database
            catalogue.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(models, catalogue)
        gpus = {**environment, **driver.environment}
        names = [one.id for one in repositories]
        with moving(driver):
            subprocess.run([sys.executable, "-c", _SAMPLER, "20"], env=gpus, check=True)
            measure(gpus, (), seconds, f"{GPUS} GPUs that move at 1 Hz, {models} models")
            measure(gpus, names, seconds, f"the same with {DOWNLOADS} downloads")
            over_ssh = {**gpus, "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}
            measure(over_ssh, names, seconds, "the same over SSH")


if __name__ == "__main__":
    main()
