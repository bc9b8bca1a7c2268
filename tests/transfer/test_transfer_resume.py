"""Stopping, going on, and noticing that the file is another one by now."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from content import CONTENT, SHA256
from plain_file import PlainFile
from threads import own_threads

from tui_hub.domain.downloads import FileState
from tui_hub.domain.errors import (
    CorruptError,
    HubError,
    InterruptedJobError,
    NoSpaceError,
    UnreachableError,
)
from tui_hub.transfer import (
    Options,
    Pool,
    RateLimiter,
    Request,
    Transfer,
    TransferProgress,
)
from tui_hub.transfer.lanes import Lane
from tui_hub.transfer.sharing import Use

SIZE = len(CONTENT)
GIT_SHA1 = hashlib.sha1(b"blob %d\0" % SIZE + CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


def until(condition, seconds: float = 60) -> None:
    """Poll until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


class Running:
    """A transfer in a thread of its own."""

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self.error: BaseException | None = None
        self.result = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.result = self.transfer.run()
        except BaseException as error:
            self.error = error

    def stop(self) -> None:
        """Have it end, long before the ten minutes of whatever it waits for."""
        self.transfer.stop()
        self.thread.join(60)
        assert not self.thread.is_alive()


def test_stop_keeps_what_arrived_and_the_next_run_goes_on(server, destination, make):
    server.pace = 0.5
    running = Running(make(server.url("honest"), size=SIZE, sha256=SHA256, connections=4))
    until(lambda: running.transfer.snapshot().transferred > 100_000)
    running.stop()
    assert isinstance(running.error, InterruptedJobError)
    snapshot = running.transfer.snapshot()
    assert snapshot.state is FileState.PAUSED
    held = sum(end - start for start, end in destination.ranges)
    assert held == snapshot.done == snapshot.transferred
    for start, end in destination.ranges:
        assert destination.path.read_bytes()[start:end] == CONTENT[start:end]
    server.pace = 0
    again = make(server.url("honest"), size=SIZE, sha256=SHA256)
    assert (again.snapshot().done, again.snapshot().ranges) == (held, destination.ranges)
    result = again.run()
    assert result.resumed_from == held
    assert result.bytes_transferred == SIZE - held
    assert destination.path.read_bytes() == CONTENT


@pytest.mark.parametrize("connections", [1, 4])
def test_a_storage_that_lets_nobody_in_for_a_while_costs_no_byte(
    connections, server, destination, make
):
    server.location = server.other.url("shut")
    known = {"size": SIZE, "sha256": SHA256, "connections": connections}
    with pytest.raises(UnreachableError, match="refuses the signed address"):
        make(server.url("elsewhere"), **known).run()
    held = sum(end - start for start, end in destination.ranges)
    assert held > 0 and destination.resets == 0
    server.location = server.other.url("honest")
    result = make(server.url("elsewhere"), **known).run()
    assert result.resumed_from == held
    assert destination.path.read_bytes() == CONTENT


@pytest.mark.parametrize("behaviour", ["silent", "stall", "long-wait"])
def test_stop_acts_at_once_whatever_the_server_does(behaviour, server, make, pauses):
    url = server.url("broken" if behaviour == "long-wait" else behaviour)
    pauses.wait = lambda event, seconds: event.wait(600)
    running = Running(make(url, size=SIZE, stall=600.0))
    if behaviour == "long-wait":
        until(lambda: running.transfer.snapshot().state is FileState.RETRYING)
    elif behaviour == "stall":
        until(lambda: running.transfer.snapshot().transferred >= 80_000)
    else:
        until(lambda: server.requests)
    running.stop()
    assert isinstance(running.error, InterruptedJobError)


def test_stop_acts_at_once_over_tls(secure_server, make, certificate):
    environment = {"SSL_CERT_FILE": str(certificate)}
    running = Running(make(secure_server.url("stall"), stall=600.0, environment=environment))
    until(lambda: running.transfer.snapshot().transferred >= 80_000)
    running.stop()
    assert isinstance(running.error, InterruptedJobError)


def test_stop_acts_at_once_while_a_name_is_resolved(monkeypatch, make):
    asked, answer = threading.Event(), threading.Event()

    def never(*args: object, **options: object) -> list[object]:
        asked.set()
        answer.wait(600)
        return []

    monkeypatch.setattr("socket.getaddrinfo", never)
    running = Running(make("http://slow.example/file"))
    assert asked.wait(60)
    running.stop()
    assert isinstance(running.error, InterruptedJobError)
    answer.set()


def test_a_stream_of_unknown_length_goes_on_by_ranges(server, destination, make):
    result = make(server.url("stream-then-ranges"), git_sha1=GIT_SHA1).run()
    assert (result.size, result.verified) == (SIZE, "git-sha1")
    assert result.bytes_transferred <= 1.1 * SIZE
    assert destination.path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("trickle", "silent"),
        ("trickling-head", "silent"),
        ("trickling-chunks", "silent"),
        ("trickling-trouble", "in trouble"),
    ],
)
def test_a_drip_is_not_waited_for(behaviour, message, server, destination, make):
    """Bytes that keep coming, but so slowly that they would never end."""
    destination.hold(CONTENT, (0, SIZE - 3000), validator='"strong-1"')
    with pytest.raises(UnreachableError, match=message):
        make(server.url(behaviour), sha256=SHA256, stall=0.1, retries=1).run()


def test_stop_acts_while_the_limit_holds_everything_back(server, make):
    running = Running(make(server.url("honest"), limiter=RateLimiter(1000)))
    until(lambda: running.transfer.snapshot().transferred > 0)
    running.stop()
    assert isinstance(running.error, InterruptedJobError)


def test_stop_before_the_start(server, make):
    transfer = make(server.url("honest"))
    transfer.stop()
    with pytest.raises(InterruptedJobError):
        transfer.run()
    assert not server.requests


def test_no_thread_outlives_a_transfer(server, make):
    before = threading.active_count()
    running = Running(make(server.url("stall"), stall=600.0))
    until(lambda: running.transfer.snapshot().transferred >= 80_000)
    running.stop()
    until(lambda: not own_threads())
    assert threading.active_count() <= before + 4, "the server's own threads"


def test_no_hash_begins_once_a_transfer_is_over(server, tmp_path: Path):
    """The lane is about to start the hash thread, which then nobody would end."""

    class Held(PlainFile):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.asked, self.answer = threading.Event(), threading.Event()

        def fileno(self) -> int:
            if self.size is not None and not self.asked.is_set():
                self.asked.set()
                assert self.answer.wait(60)
            return super().fileno()

    destination = Held(tmp_path / "held")
    running = Running(Transfer(Request(url=server.url("honest")), destination))
    assert destination.asked.wait(60)
    running.stop()
    destination.answer.set()
    until(lambda: not own_threads())
    assert isinstance(running.error, InterruptedJobError)


def test_whoever_watches_need_not_wait_until_the_destination_has_forgotten(server, tmp_path: Path):
    """One that another process keeps forgets only after a look at the transfer from there."""

    class Watched(PlainFile):
        def reset(self) -> None:
            watcher = threading.Thread(target=lambda: seen.append(transfer.snapshot()), daemon=True)
            watcher.start()
            watcher.join(60)
            super().reset()

    destination = Watched(tmp_path / "watched")
    destination.hold(CONTENT, (0, SIZE // 2), validator=None)
    transfer = Transfer(Request(url=server.url("honest"), size=SIZE), destination)
    seen: list[TransferProgress] = []
    assert transfer.run().sha256 == SHA256
    assert [progress.state for progress in seen] == [FileState.WAITING]


def test_a_lane_that_cannot_begin_holds_no_connection(server, make, monkeypatch):
    def no_thread(lane: Lane) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Lane, "start", no_thread)
    pool = Pool({})
    with pytest.raises(RuntimeError):
        make(server.url("honest"), pool=pool).run()
    assert pool.lanes.use == Use()


def test_a_whole_partial_needs_no_network(server, destination, make):
    destination.hold(CONTENT, (0, SIZE), validator='"strong-1"')
    result = make(server.url("missing"), size=SIZE, sha256=SHA256).run()
    assert (result.sha256, result.bytes_transferred, result.resumed_from) == (SHA256, 0, SIZE)
    assert not server.requests


def test_a_whole_partial_without_a_hash_asks_the_server(server, destination, make):
    destination.hold(CONTENT, (0, SIZE), validator='"strong-1"')
    result = make(server.url("honest"), size=SIZE).run()
    assert result.bytes_transferred == 1
    assert result.sha256 == SHA256


def test_damaged_bytes_of_an_earlier_attempt_are_fetched_again(server, destination, make):
    wrong = bytes(SIZE // 2) + CONTENT[SIZE // 2 :]
    destination.hold(wrong, (0, SIZE // 2), validator='"strong-1"')
    result = make(server.url("honest"), size=SIZE, sha256=SHA256).run()
    assert result.sha256 == SHA256
    assert destination.resets == 1
    assert destination.path.read_bytes() == CONTENT


@pytest.mark.parametrize("behaviour", ["honest", "ignores-if-range", "no-ranges"])
@pytest.mark.parametrize("known", [{}, {"size": SIZE}, {"sha256": SHA256, "size": SIZE}])
def test_another_version_of_the_file_is_never_mixed_in(known, behaviour, server, destination, make):
    old = random.Random(9).randbytes(SIZE)
    destination.hold(old, (0, SIZE // 2), validator='"old"')
    result = make(server.url(behaviour), **known).run()
    assert result.sha256 == SHA256
    assert result.resumed_from == 0
    assert result.bytes_transferred <= 1.1 * SIZE
    assert destination.path.read_bytes() == CONTENT


def test_a_changed_size_starts_afresh(server, destination, make):
    old = random.Random(9).randbytes(SIZE + 5)
    destination.hold(old, (0, SIZE // 2), validator='"strong-1"')
    result = make(server.url("honest")).run()
    assert result.sha256 == SHA256
    assert destination.path.read_bytes() == CONTENT


@pytest.mark.parametrize("validator", [None, 'W/"weak"'])
def test_without_proof_nothing_is_resumed(validator, server, destination, make):
    destination.hold(bytes(SIZE), (0, SIZE // 2), validator=validator)
    result = make(server.url("weak-etag"), size=SIZE).run()
    assert result.sha256 == SHA256
    assert result.resumed_from == 0


def test_a_hash_is_proof_enough_for_a_resume_without_validator(server, destination, make):
    destination.hold(CONTENT, (0, SIZE // 2), validator=None)
    result = make(server.url("honest"), size=SIZE, sha256=SHA256).run()
    assert result.resumed_from == SIZE // 2
    assert destination.path.read_bytes() == CONTENT


@pytest.mark.parametrize("behaviour", ["honest", "ignores-if-range"])
def test_a_change_in_the_middle_of_a_download_starts_afresh(behaviour, server, destination, make):
    server.pace = 0.01
    old = random.Random(9).randbytes(SIZE)
    server.content, server.etag = old, '"old"'
    running = Running(make(server.url(behaviour), connections=4))
    until(lambda: running.transfer.snapshot().transferred > 600_000)
    server.content, server.etag = CONTENT, '"new"'
    server.pace = 0
    running.thread.join(60)
    assert running.error is None
    assert running.result.sha256 == SHA256
    assert destination.path.read_bytes() == CONTENT


def test_the_origin_announcing_another_hash_is_an_error(server, make):
    server.sha256 = "f" * 64
    with pytest.raises(CorruptError, match="another file than its listing"):
        make(server.url("hub"), sha256=SHA256).run()


def test_the_announced_hash_is_checked_where_none_was_known(server, make):
    result = make(server.url("hub")).run()
    assert result.verified == "sha256"
    server.sha256 = "f" * 64
    with pytest.raises(CorruptError, match="damaged twice"):
        make(server.url("hub")).run()


@pytest.mark.parametrize(
    ("known", "verified"),
    [
        ({"sha256": SHA256, "git_sha1": GIT_SHA1}, "sha256"),
        ({"git_sha1": GIT_SHA1}, "git-sha1"),
        ({"md5": MD5}, "md5"),
        ({"size": SIZE}, "size"),
        ({}, "size"),
    ],
)
def test_what_could_be_checked_is_told(known, verified, server, make):
    assert make(server.url("honest"), **known).run().verified == verified


def test_a_git_hash_announced_by_the_origin_is_checked(server, make):
    server.sha256 = GIT_SHA1
    assert make(server.url("hub")).run().verified == "git-sha1"


def test_a_git_hash_is_checked_although_the_size_comes_last(server, make):
    assert make(server.url("chunked"), git_sha1=GIT_SHA1).run().verified == "git-sha1"
    with pytest.raises(CorruptError):
        make(server.url("chunked"), git_sha1="0" * 40).run()


@pytest.mark.parametrize("known", [{"sha256": "0" * 64}, {"git_sha1": "0" * 40}, {"md5": "0" * 32}])
def test_a_wrong_hash_is_fetched_once_more_and_then_refused(known, server, destination, make):
    with pytest.raises(CorruptError):
        make(server.url("no-ranges"), **known).run()
    assert len(server.requests) == 2
    assert destination.ranges == ()


def test_of_a_stream_without_length_nothing_is_known_beforehand(server, destination, make):
    result = make(server.url("chunked")).run()
    assert (result.sha256, result.size, result.verified) == (SHA256, SIZE, "none")
    assert destination.size == SIZE


@pytest.mark.parametrize(
    "known", [{}, {"size": 0}, {"size": 0, "git_sha1": "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"}]
)
@pytest.mark.parametrize("behaviour", ["honest", "no-ranges", "no-length", "chunked"])
def test_an_empty_file(known, behaviour, server, destination, make):
    server.content = b""
    result = make(server.url(behaviour), **known).run()
    assert result.size == 0
    assert result.sha256 == hashlib.sha256(b"").hexdigest()
    assert destination.path.read_bytes() == b""


@pytest.mark.parametrize("size", [1, 2, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1])
def test_sizes_around_a_piece(size, server, destination, make):
    server.content = CONTENT[:size]
    for known in ({}, {"size": size}):
        destination.reset()
        make(server.url("honest"), **known).run()
        assert destination.path.read_bytes() == CONTENT[:size]


def test_a_size_that_the_listing_has_otherwise_is_refused(server, make):
    with pytest.raises(UnreachableError, match="where the listing says 5"):
        make(server.url("honest"), size=5).run()


def test_pauses_that_the_server_asks_for_are_kept_and_shown(server, make, pauses):
    shown: list[str] = []
    wait, pauses.haste = pauses.wait, 0
    transfer = make(server.url("rate-limited"), sha256=SHA256)

    def look(event: threading.Event, seconds: float) -> bool:
        snapshot = transfer.snapshot()
        shown.append(f"{snapshot.state}: {snapshot.message}")
        return wait(event, seconds)

    pauses.wait = look
    result = transfer.run()
    assert result.retries == 2
    assert shown == ["retrying: 127.0.0.1 asks for a pause; again in 56 s"] * 2
    assert [round(pause) for pause in pauses.pauses] == [56, 56]


def test_retry_after_is_kept(server, make, pauses):
    pauses.haste = 0
    make(server.url("unavailable"), sha256=SHA256).run()
    assert [round(pause) for pause in pauses.pauses] == [7, 7]


class FullDisk(PlainFile):
    """A disk that is full at once, or has no more room after some writes."""

    def __init__(self, path: Path, *, at: str) -> None:
        super().__init__(path)
        self.at = at

    def allocate(self, size: int) -> None:
        if self.at == "allocate":
            raise OSError(errno.ENOSPC, "No space left on device")
        super().allocate(size)

    def fileno(self) -> int:
        return os.open("/dev/full", os.O_RDWR) if self.at == "write" else super().fileno()

    def checkpoint(self, ranges, validator) -> None:
        if self.at == "checkpoint":
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        if self.at != "write":
            super().checkpoint(ranges, validator)


@pytest.mark.parametrize("at", ["allocate", "write", "checkpoint"])
def test_a_full_disk_ends_the_transfer_at_once(at, server, tmp_path, make, pauses):
    server.pace = 0.06 if at == "checkpoint" else 0
    options = Options(environment={}, connections=1)
    disk = FullDisk(tmp_path / "full", at=at)
    if at == "write":
        disk.allocate = lambda size: None
    transfer = Transfer(Request(url=server.url("honest")), disk, options, clock=pauses.clock)
    with pytest.raises(NoSpaceError, match="disk is full"):
        transfer.run()
    assert transfer.snapshot().state is FileState.FAILED
    assert not pauses.pauses


def test_a_broken_disk_is_no_broken_network(server, tmp_path, pauses):
    disk = PlainFile(tmp_path / "closed")
    read_only = os.open(disk.path, os.O_RDONLY)
    disk.fileno = lambda: read_only
    disk.allocate = lambda size: None
    disk.checkpoint = lambda ranges, validator: None
    transfer = Transfer(
        Request(url=server.url("honest")), disk, Options(environment={}), clock=pauses.clock
    )
    with pytest.raises(HubError, match="partial file cannot be written"):
        transfer.run()
    assert len(server.requests) == 1


def test_the_limit_is_obeyed(server, make):
    limiter = RateLimiter(4_000_000)
    begin = time.monotonic()
    make(server.url("honest"), sha256=SHA256, limiter=limiter, connections=4).run()
    assert time.monotonic() - begin > 0.6 * SIZE / 4_000_000


def test_snapshots_add_up(server, make):
    server.pace = 0.01
    running = Running(make(server.url("honest"), size=SIZE, sha256=SHA256, connections=4))
    done = []
    while running.thread.is_alive():
        snapshot = running.transfer.snapshot()
        assert snapshot.done == sum(end - start for start, end in snapshot.ranges)
        assert snapshot.connections <= 4
        done.append(snapshot.done)
        time.sleep(0.005)
    assert running.error is None
    assert done == sorted(done)
    last = running.transfer.snapshot()
    assert (last.state, last.done, last.size) == (FileState.COMPLETED, SIZE, SIZE)
    assert (last.connections, last.message) == (0, "")


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from plain_file import PlainFile
from threads import own_threads
from tui_hub.transfer import Options, Request, Transfer

class Loud(PlainFile):
    def checkpoint(self, ranges, validator):
        super().checkpoint(ranges, validator)
        print(repr((ranges, validator)), flush=True)

options = Options(environment={}, piece_size=256 * 1024, connections=4)
Transfer(Request(url=sys.argv[2]), Loud(Path(sys.argv[3])), options).run()
"""


def test_a_killed_process_leaves_a_partial_that_can_be_trusted(server, destination, make):
    server.pace = 2.0
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(Path(__file__).parent), server.url("honest"),
         str(destination.path)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    ranges, validator = eval(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    destination.size, destination.ranges, destination.validator = SIZE, ranges, validator
    held = sum(end - start for start, end in ranges)
    assert held > 0
    server.pace = 0
    result = make(server.url("honest")).run()
    assert result.resumed_from == held
    assert result.bytes_transferred == SIZE - held
    assert destination.path.read_bytes() == CONTENT
