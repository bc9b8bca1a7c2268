"""Transfers that a process of their own does."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from carrying import Beside
from content import CONTENT, SHA256
from plain_file import PlainFile
from test_transfer_resume import Running, until

from tui_hub.domain.downloads import FileState
from tui_hub.domain.errors import (
    CorruptError,
    GatedError,
    InterruptedJobError,
    NoSpaceError,
    NotFoundError,
    UnreachableError,
)
from tui_hub.transfer import HostPauses, Lanes, Options, Request, Transfer
from tui_hub.transfer.beside import Carrier
from tui_hub.transfer.beside.child import Child
from tui_hub.transfer.beside.messages import Line, Message, Used
from tui_hub.transfer.sharing import Use

SIZE = len(CONTENT)
PATIENCE = 60.0


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_arrives_by_another_process(server, destination, beside):
    transfer = beside(server.url("hub"), size=SIZE, sha256=SHA256)
    result = transfer.run()
    assert destination.path.read_bytes() == CONTENT
    assert (result.sha256, result.bytes_transferred) == (SHA256, SIZE)
    assert result.commit is not None and result.etag
    end = transfer.snapshot()
    assert (end.state, end.done, end.connections) == (FileState.COMPLETED, SIZE, 0)
    assert beside.carrier.pid not in (None, os.getpid())
    assert not beside.here


class Told:
    """What a process that transfers is told."""

    def __init__(self) -> None:
        self.words: list[Message] = []

    def say(self, message: Message) -> None:
        self.words.append(message)


def test_the_process_learns_of_a_use_that_changes_while_it_is_told(carrier, monkeypatch):
    used = [Use(2, 1), Use(2, 1), Use(), Use(2, 1)]
    monkeypatch.setattr(Lanes, "use", property(lambda _: used.pop() if len(used) > 1 else used[0]))
    carrier._child = child = Told()
    for _ in range(3):
        carrier._share(child, Use())
    carrier._child = None
    assert child.words[-1:] == [Used(Use(2, 1))]


def test_nothing_stays_open_after_it(server, carrier, beside):
    before = descriptors()
    beside(server.url("honest"), size=SIZE, sha256=SHA256).run()
    carrier.close()
    until(lambda: descriptors() == before, PATIENCE)
    assert carrier.pid is None


def test_stop_keeps_what_arrived_and_the_next_run_goes_on(server, destination, beside):
    server.pace = 0.02
    running = Running(beside(server.url("honest"), size=SIZE, sha256=SHA256))
    until(lambda: running.transfer.snapshot().transferred > 200_000, PATIENCE)
    running.stop()
    assert isinstance(running.error, InterruptedJobError)
    snapshot = running.transfer.snapshot()
    held = sum(end - start for start, end in destination.ranges)
    assert (snapshot.state, snapshot.done) == (FileState.PAUSED, held)
    for start, end in destination.ranges:
        assert destination.path.read_bytes()[start:end] == CONTENT[start:end]
    server.pace = 0
    again = beside(server.url("honest"), size=SIZE, sha256=SHA256)
    assert (again.snapshot().done, again.snapshot().ranges) == (held, destination.ranges)
    result = again.run()
    assert (result.resumed_from, result.bytes_transferred) == (held, SIZE - held)
    assert destination.path.read_bytes() == CONTENT


def test_a_stop_before_the_beginning_is_heard(server, beside):
    transfer = beside(server.url("honest"), size=SIZE)
    transfer.stop()
    with pytest.raises(InterruptedJobError):
        transfer.run()
    assert not server.requests


def test_when_the_process_is_killed_this_one_goes_on(server, destination, beside):
    server.pace = 0.02
    running = Running(beside(server.url("honest"), size=SIZE, sha256=SHA256))
    until(lambda: running.transfer.snapshot().transferred > 200_000, PATIENCE)
    server.pace = 0
    before = running.transfer.snapshot().transferred
    os.kill(beside.carrier.pid, signal.SIGKILL)
    running.thread.join(PATIENCE)
    assert running.error is None
    assert running.result.sha256 == SHA256
    # What is fetched once more counts twice, and no figure goes back.
    assert running.result.bytes_transferred >= before + SIZE - beside.held
    assert running.transfer.snapshot().transferred == running.result.bytes_transferred
    assert destination.path.read_bytes() == CONTENT
    assert len(beside.here) == 1
    assert running.transfer.snapshot().state is FileState.COMPLETED
    # The next one has a process again.
    destination.reset()
    beside(server.url("honest"), size=SIZE, sha256=SHA256).run()
    assert len(beside.here) == 1


def test_a_process_that_is_killed_after_a_stop_leaves_it_stopped(server, beside):
    running = Running(beside(server.url("stall"), size=SIZE))
    until(lambda: running.transfer.snapshot().transferred > 0, PATIENCE)
    os.kill(beside.carrier.pid, signal.SIGSTOP)
    running.transfer.stop()
    os.kill(beside.carrier.pid, signal.SIGKILL)
    running.thread.join(PATIENCE)
    assert isinstance(running.error, InterruptedJobError)
    assert running.transfer.snapshot().state is FileState.PAUSED
    assert not beside.here


def test_without_any_process_the_file_arrives_all_the_same(
    server, destination, beside, monkeypatch
):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert beside(server.url("honest"), size=SIZE, sha256=SHA256).run().sha256 == SHA256
    assert len(beside.here) == 1
    assert destination.path.read_bytes() == CONTENT


def test_an_environment_that_is_no_text_goes_along(server, destination, monkeypatch):
    monkeypatch.setenv("ODD", os.fsdecode(b"caf\xe9"))
    carrier = Carrier(Lanes(8), dict(os.environ), HostPauses())
    beside = Beside(carrier, destination)
    assert beside(server.url("honest"), size=SIZE, sha256=SHA256).run().sha256 == SHA256
    assert not beside.here
    carrier.close()


def test_a_process_that_is_over_takes_no_later_transfer_along(
    server, carrier, destination, beside, monkeypatch
):
    learnt, receive = threading.Event(), Line.receive

    def late(line: Line) -> object:
        received = receive(line)
        if received is None:
            learnt.wait(PATIENCE)
        return received

    monkeypatch.setattr(Line, "receive", late)
    beside(server.url("honest"), size=SIZE).run()
    first = next(one for one in threading.enumerate() if one.name == "transfers")
    carrier.close()
    destination.reset()
    running = Running(beside(server.url("stall"), size=SIZE))
    until(lambda: running.transfer.snapshot().transferred > 0, PATIENCE)
    learnt.set()
    first.join(PATIENCE)
    running.stop()
    assert isinstance(running.error, InterruptedJobError)
    assert not beside.here


def test_the_process_stays_for_a_transfer_that_has_just_begun(server, carrier, beside):
    running = Running(beside(server.url("stall"), size=SIZE))
    until(lambda: running.transfer.snapshot().transferred > 0, PATIENCE)
    carrier.close()
    assert carrier.pid is not None
    running.stop()
    assert not beside.here
    carrier.close()
    assert carrier.pid is None


def test_a_process_that_nobody_can_listen_to_is_no_obstacle(
    server, destination, carrier, beside, monkeypatch
):
    start = threading.Thread.start

    def full(thread: threading.Thread) -> None:
        if thread.name == "transfers":
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as crowd:
        crowd.setattr(threading.Thread, "start", full)
        assert beside(server.url("honest"), size=SIZE).run().sha256 == SHA256
    assert (len(beside.here), carrier.pid) == (1, None)
    destination.reset()
    assert beside(server.url("honest"), size=SIZE).run().sha256 == SHA256
    assert len(beside.here) == 1


def test_a_process_that_may_open_no_more_files_is_no_obstacle(server, destination, beside):
    beside(server.url("honest"), size=SIZE).run()
    destination.reset()
    resource.prlimit(beside.carrier.pid, resource.RLIMIT_NOFILE, (3, 3))
    running = Running(beside(server.url("honest"), size=SIZE, sha256=SHA256))
    running.thread.join(PATIENCE)
    assert running.result.sha256 == SHA256
    assert len(beside.here) == 1


def test_a_fault_of_the_destination_ends_the_transfer_there_too(
    server, destination, carrier, beside, monkeypatch
):
    def broken(size: int) -> None:
        raise ValueError("a fault of the store")

    monkeypatch.setattr(destination, "allocate", broken)
    with pytest.raises(ValueError, match="a fault of the store"):
        beside(server.url("stall"), size=SIZE).run()
    folder = Path(f"/proc/{carrier.pid}/fd")

    def held() -> bool:
        return any(one.resolve() == destination.path for one in folder.iterdir())

    until(lambda: not held(), PATIENCE)


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("missing", NotFoundError),
        ("gated", GatedError),
        ("circle", UnreachableError),
        ("zeros", CorruptError),
    ],
)
def test_errors_are_the_same_as_here(behaviour, kind, server, tmp_path, beside):
    known = {"size": SIZE, "sha256": SHA256}
    with pytest.raises(kind) as there:
        beside(server.url(behaviour), **known).run()
    options = Options(piece_size=256 * 1024, retries=1, environment={})
    request = Request(url=server.url(behaviour), **known)
    with pytest.raises(kind) as here:
        Transfer(request, PlainFile(tmp_path / "here"), options).run()
    assert (there.value.message, there.value.hint) == (here.value.message, here.value.hint)


def test_a_host_that_wants_a_pause_is_left_alone_by_both(server, beside, pauses_of_hosts):
    running = Running(beside(server.url("unavailable"), size=SIZE))
    until(lambda: pauses_of_hosts.until("127.0.0.1") > time.monotonic(), PATIENCE)
    running.stop()
    assert len(server.requests) == 1
    pauses_of_hosts.pause("localhost", time.monotonic() + 600)
    waiting = Running(beside(server.url("honest").replace("127.0.0.1", "localhost"), size=SIZE))
    until(lambda: waiting.transfer.snapshot().state is not FileState.WAITING, PATIENCE)
    waiting.stop()
    assert isinstance(waiting.error, InterruptedJobError)
    assert len(server.requests) == 1


def test_a_full_disk_is_told_of(server, destination, beside, monkeypatch):
    def full(size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(destination, "allocate", full)
    with pytest.raises(NoSpaceError):
        beside(server.url("honest"), size=SIZE, sha256=SHA256).run()


def test_a_limit_holds_there_too(server, carrier, beside):
    carrier.limit(50_000)
    running = Running(beside(server.url("honest"), size=SIZE, sha256=SHA256))
    until(lambda: running.transfer.snapshot().transferred > 0, PATIENCE)
    assert running.transfer.snapshot().transferred < SIZE // 2
    carrier.limit(0)
    running.thread.join(PATIENCE)
    assert running.result.sha256 == SHA256


PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from plain_file import PlainFile
from tui_hub.transfer import HostPauses, Lanes, Options, Request
from tui_hub.transfer.beside import Carried, Carrier
import threading, time
carrier = Carrier(Lanes(8), dict(os.environ), HostPauses())
options = Options(environment={}, stall=600.0)
file = PlainFile(Path(sys.argv[2]))
transfer = Carried(carrier, "one", Request(url=sys.argv[1]), file, options, lambda: None)
threading.Thread(target=transfer.run, daemon=True).start()
while not transfer.snapshot().transferred:
    time.sleep(0.01)
print(carrier.pid, flush=True)
threading.Event().wait()
"""


def test_the_process_ends_with_the_one_that_started_it(server, tmp_path):
    here = str(Path(__file__).parent)
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, server.url("stall"), tmp_path / "file", here],
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        pid = int(program.stdout.readline())
        descriptor = os.pidfd_open(pid)
        program.kill()
        signal.pidfd_send_signal(descriptor, 0)
        until(lambda: not alive(pid), PATIENCE)
        os.close(descriptor)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_that_cannot_begin_leaves_nothing_open() -> None:
    before = descriptors()
    with pytest.raises(ValueError, match="environment") as failure:
        Child(1, {"no=name": ""}, ())
    assert failure.tb is not None, "which keeps what was made"
    assert descriptors() == before
