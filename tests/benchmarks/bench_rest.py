"""What the screen costs while nobody does anything, and how fast a killed process is made good.

Run by hand, on a quiet machine: `PYTHONPATH=tests python tests/benchmarks/bench_rest.py [seconds]`.
The GPUs are those of the driver that the tests compile: two, their figures changing each second.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from nvml_driver import StubDriver, build
from small_models import tensors_file

from tui_hub.demo import DemoHub, Repository, RepositoryFile

BIG = 400_000_000


@dataclass
class Terminal:
    """The screen on a terminal of 120 by 36, and what it wrote."""

    pid: int
    descriptor: int
    written: int = 0
    text: bytes = b""

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.descriptor, keys.encode())


@contextmanager
def screen(
    environment: Mapping[str, str], arguments: Sequence[str] = ("-m", "tui_hub")
) -> Iterator[Terminal]:
    """The program's screen, ended at the end.

    Args:
        environment: its variables.
        arguments: what Python is to run.
    """
    pid, descriptor = pty.fork()
    if pid == 0:
        command = [sys.executable, *arguments]
        os.execvpe(command[0], command, dict(environment))
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    terminal = Terminal(pid, descriptor)
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            if select.select([descriptor], [], [], 0.1)[0]:
                try:
                    new = os.read(descriptor, 65536)
                except OSError:
                    return
                terminal.written += len(new)
                terminal.text = (terminal.text + new)[-100_000:]

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield terminal
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        stop.set()
        reader.join()
        os.close(descriptor)


def until(condition: Callable[[], object], seconds: float = 60.0) -> float:
    """Seconds until a condition holds."""
    started = time.perf_counter()
    while not condition():
        if time.perf_counter() - started > seconds:
            raise TimeoutError
        time.sleep(0.01)
    return time.perf_counter() - started


def run(environment: Mapping[str, str], *arguments: str) -> dict[str, object]:
    """The document of a command."""
    command = [sys.executable, "-m", "tui_hub", *arguments, "--json"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    document: dict[str, object] = json.loads(done.stdout)
    return document


@contextmanager
def moving(driver: StubDriver) -> Iterator[None]:
    """Figures of the GPUs that are others each second."""
    stop = threading.Event()

    def move() -> None:
        turn = 0
        while not stop.wait(1.0):
            turn += 1
            driver.gpu(0, used=(60 + turn % 7) * 2**30, utilization=70 + turn % 9)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        yield
    finally:
        stop.set()
        mover.join()


def rest(environment: Mapping[str, str], seconds: float, name: str) -> None:
    """Print what a resting screen takes."""
    with screen(environment) as terminal:
        until(lambda: b"Browse" in terminal.text)
        time.sleep(4)
        process = psutil.Process(terminal.pid)
        before, written = process.cpu_times(), terminal.written
        time.sleep(seconds)
        after = process.cpu_times()
        spent = after.user + after.system - before.user - before.system
        memory = process.memory_info().rss
        print(
            f"{name:34} {100 * spent / seconds:5.1f} % CPU"
            f" {(terminal.written - written) / seconds / 1000:6.2f} kB/s"
            f" {memory / 2**20:6.0f} MiB"
        )


def recover(environment: Mapping[str, str]) -> None:
    """Print how long it takes from a kill to the state from which work goes on."""
    with screen(environment) as first:
        until(lambda: b"Browse" in first.text)
        run(environment, "download", "acme/big", "--detach")
    # The screen is gone by SIGKILL; the agent that was started goes on with the download.
    agent = run(environment, "agent", "--status")["holder"]
    assert isinstance(agent, dict)

    def job() -> dict[str, object]:
        jobs = run(environment, "jobs", "--type", "download")["jobs"]
        assert isinstance(jobs, list)
        found: dict[str, object] = jobs[0]
        return found

    until(lambda: job()["status"] == "running")
    attempts = job()["attempts"]
    os.kill(agent["pid"], signal.SIGKILL)
    with subprocess.Popen(
        [sys.executable, "-m", "tui_hub", "agent"],
        env=dict(environment),
        stderr=subprocess.DEVNULL,
    ) as another:
        seconds = until(lambda: job()["status"] == "running" and job()["attempts"] != attempts)
        print(f"agent killed, another started: its download runs again after {seconds:.2f} s")
        another.terminate()
    run(environment, "download", "acme/small")
    pid = run(environment, "activate", "acme/small")["pid"]
    assert isinstance(pid, int)
    with screen(environment) as second:
        until(lambda: b"Browse" in second.text)
        os.kill(pid, signal.SIGKILL)
        started = time.perf_counter()

        def told() -> bool:
            slots = run(environment, "active")["slots"]
            assert isinstance(slots, list)
            return bool(slots[0]["status"] == "error")

        until(told)
        print(f"child killed: said after {time.perf_counter() - started:.2f} s", end=", ")
        started = time.perf_counter()
        run(environment, "reload", "llm")
        print(f"loaded again by `reload` in {time.perf_counter() - started:.2f} s")
        os.kill(second.pid, signal.SIGKILL)
    with screen(environment) as third:
        seconds = until(lambda: b"Browse" in third.text)
        print(f"screen killed, started again: first frame after {seconds:.2f} s, model still held")
    run(environment, "deactivate", "llm")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    repositories = [
        Repository(
            id="acme/small",
            files=(RepositoryFile("model.safetensors", tensors_file(1)),),
            task="text-generation",
        ),
        Repository(
            id="acme/big",
            files=(RepositoryFile("model.safetensors", bytes(BIG)),),
            task="text-generation",
        ),
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        DemoHub(per_connection=3_000_000, total=0, repositories=repositories) as hub,
    ):
        environment = {
            **os.environ,
            "TUI_HUB_HOME": f"{folder}/home",
            "HF_ENDPOINT": hub.endpoint,
            "HF_TOKEN": hub.token,
            "TERM": "xterm-256color",
        }
        run(environment, "sync")
        rest(environment, seconds, "no GPU")
        driver = StubDriver(build(Path(folder)), Path(folder, "nvml"))
        driver.two_gpus()
        with moving(driver):
            rest({**environment, **driver.environment}, seconds, "two GPUs that move, at 1 Hz")
        recover(environment)


if __name__ == "__main__":
    main()
