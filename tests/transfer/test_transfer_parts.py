"""Governor, patience, limiter, follower and addresses, each by itself."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from tui_hub.domain.errors import (
    RateLimitedError,
    UnreachableError,
    UnsafeError,
)
from tui_hub.transfer import RateLimiter
from tui_hub.transfer.addresses import Address, is_private, is_private_name
from tui_hub.transfer.backlog import Backlog, waiting
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.follower import Follower, git_sha1_of
from tui_hub.transfer.governor import Governor
from tui_hub.transfer.patience import Clock, Patience
from tui_hub.transfer.reading import read_ahead
from tui_hub.transfer.trouble import Cancelled, Trouble

MIB = 1024**2


def drive(governor: Governor, speed_of, seconds: float, start: float = 0.0, sent: int = 0):
    """Let time pass on a link whose speed depends on the number of connections."""
    now = start
    while now < start + seconds:
        governor.observe(now, sent)
        now += 0.1
        sent += int(speed_of(governor.target) * 0.1)
    return now, sent


def test_one_connection_stays_alone_where_more_bring_nothing():
    governor = Governor(16)
    drive(governor, lambda lanes: 50 * MIB, 14)
    assert governor.target == 1


def test_connections_double_where_each_is_capped():
    governor = Governor(16)
    drive(governor, lambda lanes: 40 * MIB * lanes, 4)
    assert governor.target == 16


def test_a_fast_link_is_filled_within_a_second():
    governor = Governor(16)
    drive(governor, lambda lanes: 50 * MIB * lanes, 1)
    assert governor.target == 16


def test_growth_stops_at_the_knee():
    governor = Governor(16)
    drive(governor, lambda lanes: min(lanes, 4) * 40 * MIB, 6)
    assert governor.target == 4


def test_the_most_is_never_exceeded():
    governor = Governor(5)
    drive(governor, lambda lanes: 10 * MIB * lanes, 10)
    assert governor.target == 5


def crowd(governor: Governor, speed_of, seconds: float, start: float = 0.0, sent: int = 0):
    """Let time pass while bytes wait for the connections."""
    now = start
    while now < start + seconds:
        governor.observe(now, sent, crowded=True)
        now += 0.1
        sent += int(speed_of(governor.target) * 0.1)
    return now, sent


def test_none_is_added_to_a_fast_connection_that_bytes_wait_for():
    governor = Governor(16, processors=2)
    crowd(governor, lambda lanes: 400 * MIB, 5)
    assert governor.target == 1


def test_none_is_added_to_a_connection_that_keeps_a_processor_busy():
    governor = Governor(16, processors=2)
    drive(governor, lambda lanes: 900 * MIB * lanes, 5)
    assert governor.target == 1


def test_a_slow_connection_gets_others_although_bytes_wait_for_it():
    governor = Governor(16, processors=2)
    crowd(governor, lambda lanes: 90 * MIB * lanes, 3)
    assert governor.target == 16


@pytest.mark.parametrize(("processors", "left"), [(1, 1), (2, 1), (4, 3)])
def test_no_more_are_kept_than_processors_can_serve(processors: int, left: int):
    governor = Governor(8, processors)
    now, sent = drive(governor, lambda lanes: 60 * MIB * lanes, 2)
    assert governor.target == 8
    crowd(governor, lambda lanes: 480 * MIB, 2, now, sent)
    assert governor.target == left


def test_as_many_as_before_are_used_where_fewer_are_slower():
    governor = Governor(8, processors=2)
    now, sent = drive(governor, lambda lanes: 60 * MIB * lanes, 2)
    crowd(governor, lambda lanes: 60 * MIB * lanes, 2, now, sent)
    assert governor.target == 8


def test_a_silent_server_costs_no_connection():
    governor = Governor(8, processors=2)
    now, sent = drive(governor, lambda lanes: 60 * MIB * lanes, 2)
    now, sent = crowd(governor, lambda lanes: 60 * MIB * lanes, 2, now, sent)
    now, sent = crowd(governor, lambda lanes: 0, 20, now, sent)
    assert governor.target == 8
    crowd(governor, lambda lanes: 60 * MIB * lanes, 2, now, sent)
    assert governor.target == 8


def test_a_flush_of_the_disk_adds_no_connection():
    governor = Governor(8, processors=2)
    now, sent = drive(governor, lambda lanes: 650 * MIB, 1)
    for _ in range(4):
        now, sent = drive(governor, lambda lanes: 30 * MIB, 0.5, now, sent)
        now, sent = drive(governor, lambda lanes: 650 * MIB, 1, now, sent)
        assert governor.target == 1


def test_fewer_are_given_up_at_once_where_they_bring_far_less():
    governor = Governor(8, processors=2)
    now, sent = drive(governor, lambda lanes: 60 * MIB * lanes, 2)
    with_fewer, end = 0, now + 2
    while now < end:
        now, sent = crowd(governor, lambda lanes: 60 * MIB * lanes, 0.1, now, sent)
        with_fewer += governor.target < 8
    assert 1 <= with_fewer <= 2
    assert governor.target == 8


def test_the_speed_of_those_that_are_given_up_is_not_that_of_the_rest():
    governor = Governor(8, processors=2)
    now, sent = drive(governor, lambda lanes: 60 * MIB * lanes, 2)
    while governor.target == 8:
        now, sent = crowd(governor, lambda lanes: 480 * MIB, 0.1, now, sent)
    fewer = governor.target
    for _ in range(20):
        now, sent = now + 0.1, sent + 48 * MIB
        governor.observe(now, sent, lanes=8, crowded=True)
    assert governor.target == fewer, "their pieces are still coming in"
    crowd(governor, lambda lanes: 60 * MIB * lanes, 0.4, now, sent)
    assert governor.target == 8


def test_lanes_are_crowded_where_most_lies_waiting():
    backlog = Backlog()
    assert not backlog.crowded, "nothing is known yet"
    backlog.add(0.5, 300 * MIB, waiting=400 * MIB)
    assert backlog.crowded
    backlog.add(0.3, 300 * MIB, waiting=30 * MIB)
    assert backlog.crowded
    backlog.add(0.4, 300 * MIB, waiting=30 * MIB)
    assert not backlog.crowded


def test_lanes_that_mostly_wait_for_bursts_are_not_crowded():
    backlog = Backlog()
    for _ in range(5):
        backlog.add(0.1, 4 * MIB, waiting=4 * MIB)
        backlog.add(0.2, 0, waiting=0)
        backlog.add(0.2, 0, waiting=100)
    assert not backlog.crowded


def test_what_was_long_ago_counts_little():
    backlog = Backlog()
    backlog.add(2.0, MIB, waiting=0)
    for _ in range(10):
        backlog.add(0.9, 400 * MIB, waiting=400 * MIB)
    assert backlog.crowded


def test_what_lies_in_the_kernel_is_seen_and_a_closed_connection_has_nothing():
    here, there = socket.socketpair()
    assert waiting(here) == 0
    there.sendall(bytes(32 * 1024))
    assert waiting(here) == 32 * 1024
    here.close()
    there.close()
    assert waiting(here) == 0


def test_trouble_takes_one_connection_away_and_time_brings_it_back():
    governor = Governor(8)
    now, sent = drive(governor, lambda lanes: 40 * MIB * lanes, 4)
    governor.trouble(now)
    assert governor.target == 7
    drive(governor, lambda lanes: 40 * MIB * lanes, 5, now, sent)
    assert governor.target == 8


class StillClock:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.time = 100.0
        self.pauses: list[float] = []

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.time += seconds
        return event.is_set()

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, wait=self.wait, random=lambda: 0.5)


def test_pauses_grow_and_patience_ends():
    still = StillClock()
    patience = Patience(3, still.clock)
    for _ in range(3):
        patience.failed(Trouble("it broke"))
        assert "it broke" in patience.message
        patience.wait(Cancellation())
        assert patience.message == ""
    assert still.pauses == pytest.approx([0.2, 0.6, 1.8])
    with pytest.raises(UnreachableError, match="it broke"):
        patience.failed(Trouble("it broke"))
    assert patience.total == 4


def test_progress_renews_patience_but_a_few_bytes_do_not():
    patience = Patience(2, StillClock().clock)
    for _ in range(10):
        patience.failed(Trouble("x"))
        patience.progressed(64 * 1024)
    for _ in range(2):
        patience.failed(Trouble("x"))
        patience.progressed(10)
    with pytest.raises(UnreachableError):
        patience.failed(Trouble("x"))


def test_a_server_that_was_never_there_is_given_up_sooner():
    patience = Patience(9, StillClock().clock)
    for _ in range(2):
        patience.failed(Trouble("no such host", answered=False))
    with pytest.raises(UnreachableError):
        patience.failed(Trouble("no such host", answered=False))


def test_the_pause_that_a_server_asks_for_is_kept_up_to_a_cap():
    still = StillClock()
    patience = Patience(3, still.clock)
    patience.failed(Trouble("slow down", wait=56.0, limited=True))
    assert patience.message == "slow down; again in 56 s"
    patience.wait(Cancellation())
    assert still.pauses == [56.0]
    with pytest.raises(RateLimitedError) as caught:
        patience.failed(Trouble("slow down", wait=1e12, limited=True))
    assert caught.value.wait == 1e12


def test_a_pause_ends_when_the_work_is_called_off():
    cancellation = Cancellation()
    patience = Patience(3, Clock())
    patience.failed(Trouble("x", wait=600.0))
    threading.Timer(0.05, cancellation.cancel).start()
    with pytest.raises(Cancelled):
        patience.wait(cancellation)


def test_the_limit_holds_and_changes_live():
    limiter, stopped = RateLimiter(1_000_000), threading.Event()
    begin = time.monotonic()
    for _ in range(20):
        limiter.take(10_000, stopped)
    assert time.monotonic() - begin > 0.1
    limiter.rate = 10
    waiter = threading.Thread(target=limiter.take, args=(1000, stopped))
    waiter.start()
    limiter.rate = 0
    waiter.join(60)
    assert not waiter.is_alive()
    assert limiter.portion(4096) == 4096
    limiter.rate = 16_000
    assert limiter.portion(4096) == 1000


def test_a_limited_wait_ends_with_the_work():
    limiter, stopped = RateLimiter(1), threading.Event()
    waiter = threading.Thread(target=limiter.take, args=(1000, stopped))
    waiter.start()
    stopped.set()
    waiter.join(60)
    assert not waiter.is_alive()


@pytest.mark.parametrize("size", [0, 1, 1024**2, 5 * 1024**2 + 3])
def test_the_follower_hashes_what_git_and_hashlib_would(tmp_path: Path, size):
    content = os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    with path.open("rb") as file:
        follower = Follower(file.fileno(), size, held=0, git_sha1=True, md5=True)
        follower.start()
        for prefix in range(0, size, 700_000):
            follower.advance(prefix)
        follower.advance(size)
        follower.join(60)
        assert not follower.is_alive()
        digests = follower.digests()
        git = hashlib.sha1(b"blob %d\0" % size + content).hexdigest()
        assert digests.sha256 == hashlib.sha256(content).hexdigest()
        assert digests.md5 == hashlib.md5(content).hexdigest()
        assert digests.git_sha1 == git == git_sha1_of(file.fileno(), size)


def test_the_lanes_wait_for_a_follower_that_is_far_behind(tmp_path: Path):
    path = tmp_path / "file"
    size, here = 80 * MIB, 40 * MIB
    with path.open("wb") as file:
        file.truncate(size)
    with path.open("rb") as file:
        follower = Follower(file.fileno(), size, held=here, git_sha1=False, md5=False)
        follower.wait()  # what was here before holds nobody up
        assert follower.hashed == 0
        follower.start()
        while follower.hashed < here:
            pass
        follower.advance(size)
        follower.wait()
        assert size - follower.hashed <= 32 * MIB
        follower.join(60)
        assert not follower.is_alive()


def test_a_cancelled_follower_lets_the_lanes_go(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    with path.open("rb") as file:
        follower = Follower(file.fileno(), 80 * MIB, held=0, git_sha1=False, md5=False)
        follower.advance(80 * MIB)
        waiter = threading.Thread(target=follower.wait)
        waiter.start()
        follower.start()  # and finds the file too short
        waiter.join(60)
        assert not waiter.is_alive()


def test_the_follower_minds_no_lane_that_tells_late(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"1234567890")
    with path.open("rb") as file:
        follower = Follower(file.fileno(), 10, held=0, git_sha1=False, md5=False)
        follower.advance(10)
        follower.advance(5)
        follower.start()
        follower.join(60)
        ended = not follower.is_alive()
        follower.cancel()
        follower.join(60)
    assert ended and follower.hashed == 10


def test_the_follower_tells_that_no_thread_can_be_had(tmp_path: Path, monkeypatch):
    """A hash of less than the file would pass for a wrong one."""

    def none(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    path = tmp_path / "file"
    path.write_bytes(b"1234567890")
    with path.open("rb") as file:
        follower = Follower(file.fileno(), 10, held=10, git_sha1=False, md5=False)
        monkeypatch.setattr("tui_hub.transfer.follower._MUCH", 10)
        monkeypatch.setattr("threading.Thread.start", none)
        follower.run()
    assert isinstance(follower.error, OSError)


@pytest.mark.parametrize("size", [1, MIB, 9 * MIB + 3])
def test_what_is_read_ahead_comes_whole_and_in_order(tmp_path: Path, size: int):
    content = os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    with path.open("rb") as file:
        assert b"".join(map(bytes, read_ahead(file.fileno(), size))) == content
        assert b"".join(map(bytes, read_ahead(file.fileno(), size - 1))) == content[:-1]


def test_nobody_reads_ahead_of_one_who_stops_early(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(bytes(9 * MIB))
    with path.open("rb") as file:
        blocks = read_ahead(file.fileno(), 9 * MIB)
        assert len(next(blocks)) == MIB
        assert "transfer-read" in {thread.name for thread in threading.enumerate()}
        blocks.close()
    assert "transfer-read" not in {thread.name for thread in threading.enumerate()}


def test_the_follower_reads_ahead_in_what_was_here_before(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tui_hub.transfer.follower._MUCH", 5 * MIB)
    content = os.urandom(12 * MIB + 5)
    path = tmp_path / "file"
    path.write_bytes(content)
    ends = []

    def noted(descriptor: int, end: int):
        ends.append(end)
        return read_ahead(descriptor, end)

    monkeypatch.setattr("tui_hub.transfer.follower.read_ahead", noted)
    with path.open("rb") as file:
        for held in (7 * MIB + 1, 4 * MIB):
            follower = Follower(file.fileno(), len(content), held=held, git_sha1=True, md5=True)
            follower.advance(len(content))
            follower.start()
            follower.join(60)
            assert not follower.is_alive()
            digests = follower.digests()
            assert digests.sha256 == hashlib.sha256(content).hexdigest()
            assert digests.md5 == hashlib.md5(content).hexdigest()
    assert ends == [7 * MIB + 1], "little is read as it is hashed"


def test_the_follower_tells_that_what_was_here_is_too_short(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tui_hub.transfer.follower._MUCH", MIB)
    path = tmp_path / "file"
    path.write_bytes(bytes(3 * MIB))
    with path.open("rb") as file:
        follower = Follower(file.fileno(), 9 * MIB, held=8 * MIB, git_sha1=False, md5=False)
        follower.start()
        follower.join(60)
        assert not follower.is_alive()
        assert "shorter" in str(follower.error)


def test_the_follower_tells_when_the_file_is_too_short(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    with path.open("rb") as file:
        follower = Follower(file.fileno(), 10, held=0, git_sha1=False, md5=False)
        follower.start()
        follower.advance(10)
        follower.join(60)
        assert follower.error is not None


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://h/x", "javascript:alert(1)", "data:,x", "gopher://h", "",
     "http://", "http://[::1", "http://h:99999/", "http://user:pw@h/", "//h/x", "http:///x"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(UnsafeError) as caught:
        Address.parse(url)
    assert "pw" not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example/org/name/resolve/main/model-00001.bin",
        "https://hub.example:8443/a//b/../c_~",
        "http://127.0.0.1:80/",
    ],
)
def test_plain_addresses_are_read_like_all_others(url):
    scheme, _, rest = url.partition("//")
    host, _, path = rest.partition("/")
    slowly = Address.parse(f"{scheme}//{host.upper()}/{path}?")
    assert Address.parse(url) == slowly
    assert slowly.url == url.replace(":80/", "/")


def test_addresses_are_shown_without_their_signature():
    address = Address.parse("https://h.example/a b/ü?sig=secret&x=1")
    assert address.target == "/a%20b/%C3%BC?sig=secret&x=1"
    assert "secret" not in str(address)
    assert address.origin == ("https", "h.example", 443)
    assert Address.parse("http://[::1]:80/").url == "http://[::1]/"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b?x=1", "https://h.example:8443/b?x=1"),
        ("c", "https://h.example:8443/a/c"),
        ("//other.example/x", "https://other.example/x"),
        ("https://other.example/\xc3\xbc", "https://other.example/%C3%BC"),
        ("\\\\evil\\x", "https://h.example:8443/a/%5C%5Cevil%5Cx"),
    ],
)
def test_redirects_lead_where_they_say(location, expected):
    assert Address.parse("https://h.example:8443/a/b").follow(location).url == expected


@pytest.mark.parametrize(
    "location", ["http://h.example/", "file:///x", "http://[::1", "https://u:p@h/"]
)
def test_unsafe_redirects_are_refused(location):
    with pytest.raises(UnsafeError):
        Address.parse("https://h.example/").follow(location)


def test_private_addresses():
    private = ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "::1", "fe80::1%eth0",
               "::ffff:169.254.169.254", "0.0.0.0", "100.64.0.1", "fd00::1"]  # fmt: skip
    assert all(is_private(address) for address in private)
    assert not any(is_private(address) for address in ["8.8.8.8", "2606:4700::1111", "h.example"])
    assert is_private_name("localhost")
    assert is_private_name("10.0.0.1")
    assert not is_private_name("h.example")
