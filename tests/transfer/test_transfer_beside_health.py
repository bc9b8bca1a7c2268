"""The process that transfers when it hangs, is stopped, or has something to say."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from carrying import Beside
from content import CONTENT, SHA256
from hostile import Hostile
from plain_file import PlainFile
from test_transfer_resume import Running, until

from tui_hub.processes import is_stopped
from tui_hub.transfer import HostPauses, Lanes, RateLimiter
from tui_hub.transfer.beside import Carrier, carried

SIZE = len(CONTENT)


def test_a_process_that_hangs_is_ended_and_this_one_goes_on(
    server: Hostile, destination: PlainFile, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pace = 0.02
    running = Running(beside(server.url("honest"), size=SIZE, sha256=SHA256))
    until(lambda: running.transfer.snapshot().transferred > 200_000)
    pid = beside.carrier.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    server.pace = 0
    monkeypatch.setattr(carried, "_TURN", 0.05)
    monkeypatch.setattr(carried, "_SILENCE", 0.5)
    running.thread.join(60)
    assert running.error is None and running.result is not None
    assert running.result.sha256 == SHA256
    assert running.result.bytes_transferred >= SIZE - beside.held
    assert destination.path.read_bytes() == CONTENT
    assert len(beside.here) == 1
    assert not Path(f"/proc/{pid}").exists()


def test_a_process_that_cannot_end_is_ended_once(
    server: Hostile,
    beside: Beside,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A disk that hangs keeps a process for as long as it likes, whatever is sent to it."""
    server.pace = 0.02
    running = Running(beside(server.url("honest"), size=SIZE, sha256=SHA256))
    until(lambda: running.transfer.snapshot().transferred > 200_000)
    pid = beside.carrier.pid
    assert pid is not None
    ended: list[int] = []
    with monkeypatch.context() as kernel:
        kernel.setattr(subprocess.Popen, "kill", lambda process: ended.append(process.pid))
        os.kill(pid, signal.SIGSTOP)
        kernel.setattr(carried, "_TURN", 0.01)
        kernel.setattr(carried, "_SILENCE", 0.02)
        until(lambda: bool(ended))
        later = time.monotonic() + 0.5
        until(lambda: time.monotonic() > later)
        server.pace = 0
        os.kill(pid, signal.SIGKILL)
        running.thread.join(60)
    assert running.result is not None and running.result.sha256 == SHA256
    assert ended == [pid]
    assert len([one for one in caplog.records if "does not answer" in one.getMessage()]) == 1


def test_a_fault_in_heeding_the_process_ends_it_and_this_one_goes_on(
    server: Hostile, destination: PlainFile, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pace = 0.02
    note, faults = destination.note, [RuntimeError("a fault of the program")]

    def faulty(ranges: tuple[tuple[int, int], ...], validator: str | None) -> None:
        server.pace = 0
        if faults:
            raise faults.pop()
        note(ranges, validator)

    monkeypatch.setattr(destination, "note", faulty)
    running = Running(beside(server.url("honest"), size=SIZE, sha256=SHA256))
    until(lambda: running.result is not None)
    assert not faults
    assert len(beside.here) == 1
    assert destination.path.read_bytes() == CONTENT


def test_a_process_that_has_nothing_new_to_tell_is_not_taken_for_hung(
    server: Hostile, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carried, "_TURN", 0.25)
    running = Running(beside(server.url("stall"), size=SIZE))
    until(lambda: running.transfer.snapshot().transferred > 0)
    child = running.transfer._child
    heard = child.heard
    until(lambda: child.heard > heard + 20)
    assert not beside.here
    running.stop()


PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from plain_file import PlainFile
from tui_hub.transfer import HostPauses, Lanes, Options, Request
from tui_hub.transfer.beside import Carried, Carrier, carried
import threading, time
carried._TURN, carried._SILENCE = 0.1, 1.0
carrier = Carrier(Lanes(1), dict(os.environ), HostPauses())
options = Options(environment={}, stall=600.0)
file = PlainFile(Path(sys.argv[2]))
request = Request(url=sys.argv[1], size=int(sys.argv[4]))
transfer = Carried(carrier, "one", request, file, options, lambda: sys.exit("lost"))
def tell():
    while not transfer.snapshot().transferred:
        time.sleep(0.01)
    print(carrier.pid, flush=True)
threading.Thread(target=tell, daemon=True).start()
print(transfer.run().sha256, flush=True)
carrier.close()
"""


@pytest.fixture
def program(server: Hostile, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A program with a slow transfer, which stops itself where its process is lost."""
    server.pace = 0.03
    here, file = str(Path(__file__).parent), str(tmp_path / "file")
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, server.url("chunked"), file, here, str(SIZE)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        yield program
        program.kill()


def arrived(path: Path) -> int:
    """Bytes of the content that a file begins with."""
    pairs = zip(path.read_bytes(), CONTENT, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), SIZE)


def test_a_program_that_is_stopped_fetches_nothing_and_goes_on_after_it(
    program: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert program.stdout is not None
    child = int(program.stdout.readline())
    program.send_signal(signal.SIGSTOP)
    until(lambda: is_stopped(program.pid))
    last, since = 0, time.monotonic()

    def rests() -> bool:
        nonlocal last, since
        now = arrived(tmp_path / "file")
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > 0.5

    until(rests)
    assert 0 < last < SIZE
    os.kill(child, signal.SIGSTOP)
    awake = time.monotonic() + 1.5  # longer than it takes to be taken for hung
    until(lambda: time.monotonic() > awake)
    os.kill(child, signal.SIGCONT)
    program.send_signal(signal.SIGCONT)
    assert program.stdout.readline().strip() == SHA256
    assert program.wait(60) == 0


def test_a_limiter_that_is_held_lets_nobody_on() -> None:
    limiter = RateLimiter()
    limiter.held = True
    waiting = threading.Thread(target=limiter.take, args=(1, threading.Event()))
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    limiter.held = False
    waiting.join(60)
    assert not waiting.is_alive()


def test_its_faults_stand_in_the_log(
    server: Hostile, beside: Beside, caplog: pytest.LogCaptureFixture
) -> None:
    transfer = beside(server.url("honest"), size=SIZE)
    object.__setattr__(transfer._options, "retries", "many")
    until_lost = Running(transfer)
    until_lost.thread.join(60)
    assert len(beside.here) == 1
    [record] = [one for one in caplog.records if "transfers failed" in one.getMessage()]
    assert record.process != os.getpid() and record.levelno == logging.ERROR
    assert "Expected `int`" in record.getMessage()


def test_what_it_says_on_its_standard_error_stands_in_the_log(
    server: Hostile, destination: PlainFile, caplog: pytest.LogCaptureFixture
) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "\x1b[2J"}
    carrier = Carrier(Lanes(1), environment, HostPauses())
    Beside(carrier, destination)(server.url("honest"), size=SIZE).run()
    carrier.close()
    until(lambda: "Invalid -W option" in caplog.text)
    assert "\x1b" not in caplog.text


def test_connections_that_are_used_here_are_not_used_there(
    server: Hostile, destination: PlainFile
) -> None:
    lanes = Lanes(2)
    lanes.join()
    lanes.take()
    lanes.take()
    carrier = Carrier(lanes, dict(os.environ), HostPauses())
    server.pace = 0.05
    running = Running(Beside(carrier, destination)(server.url("honest"), size=SIZE))
    until(lambda: lanes.elsewhere.files == 1 and lanes.elsewhere.connections == 1)
    assert (lanes.most(own=2), lanes.part) == (1, 0.5)
    running.thread.join(60)
    assert hashlib.sha256(destination.path.read_bytes()).hexdigest() == SHA256
    assert server.most_concurrent == 1
    carrier.close()
    assert (lanes.most(own=2), lanes.part) == (2, 1.0), "nobody else uses any now"


def test_a_part_of_the_limit_is_a_part_of_the_bytes() -> None:
    half = RateLimiter(1000, part=lambda: 0.5)
    assert half.portion(10**6) == 1000 // 2 // 16
    assert half._draw(1000) > 1.9, "two seconds, less what the bucket held"
