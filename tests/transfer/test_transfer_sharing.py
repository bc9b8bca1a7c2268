"""What several files share: connections, and the pauses that a host asks for; and slow lanes."""

from __future__ import annotations

import hashlib
import socket
import threading
from pathlib import Path

from content import CONTENT, SHA256
from plain_file import PlainFile

from tui_hub.transfer import HostPauses, Lanes, Options, Pool, Request, Transfer
from tui_hub.transfer.addresses import Address
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.connection import Connection
from tui_hub.transfer.laggards import Laggards
from tui_hub.transfer.patience import Clock, Patience
from tui_hub.transfer.trouble import Trouble

SIZE = len(CONTENT)


def test_one_file_may_have_all_connections_and_two_have_half_each():
    lanes = Lanes(8)
    lanes.join()
    assert lanes.most(own=0) == 8
    for _ in range(8):
        lanes.take()
    lanes.join()
    assert lanes.most(own=8) == 8, "while nobody else has any"
    assert lanes.most(own=0) == 4
    lanes.take()
    assert lanes.most(own=8) == 7, "what another takes is given up"
    for _ in range(3):
        lanes.take()
    assert lanes.most(own=8) == 4
    lanes.leave()
    for _ in range(4):
        lanes.give()
    assert lanes.most(own=8) == 8


def test_every_file_may_have_one_connection_and_small_files_leave_theirs_to_the_large():
    lanes = Lanes(2)
    for _ in range(5):
        lanes.join()
        lanes.take()
    assert lanes.most(own=1) == 1
    lanes = Lanes(8)
    for _ in range(4):
        lanes.join()
        lanes.take()
    assert lanes.most(own=1) == 5


def test_two_files_share_the_connections(server, tmp_path: Path, pauses):
    server.pace = 0.03
    pool = Pool(lanes=Lanes(3))
    files = [PlainFile(tmp_path / name) for name in ("one", "two")]
    transfers = [
        Transfer(
            Request(url=server.url("honest"), size=SIZE, sha256=SHA256),
            file,
            Options(connections=8, piece_size=64 * 1024, environment={}),
            pool=pool,
            clock=pauses.clock,
        )
        for file in files
    ]
    threads = [threading.Thread(target=transfer.run) for transfer in transfers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [hashlib.sha256(file.path.read_bytes()).hexdigest() for file in files] == [SHA256] * 2
    assert 1 < server.most_concurrent <= 4
    assert pool.lanes.most(own=0) == 3, "all were given back"
    pool.close()


class StillClock:
    """A clock that only waits move."""

    def __init__(self) -> None:
        self.time = 100.0
        self.waits: list[float] = []
        self.meanwhile = lambda: None

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.time += seconds
        self.meanwhile()
        return event.is_set()

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, wait=self.wait)


def test_a_pause_that_a_host_asks_for_holds_for_every_file_of_it():
    still, hosts = StillClock(), HostPauses()
    one, other = (Patience(5, still.clock, hosts) for _ in range(2))
    one.failed(Trouble("hub asks for a pause", wait=56.0, limited=True, host="hub"))
    messages: list[str] = []
    still.meanwhile = lambda: messages.append(other.message)
    other.wait_for("elsewhere", Cancellation())
    assert still.waits == []
    other.wait_for("hub", Cancellation())
    assert (still.waits, messages) == ([56.0], ["hub asks for a pause; again in 56 s"])
    assert other.message == ""
    other.wait_for("hub", Cancellation())
    assert still.waits == [56.0]


def test_a_pause_that_grows_is_waited_for_to_its_end():
    still, hosts = StillClock(), HostPauses()
    patience = Patience(5, still.clock, hosts)
    hosts.pause("hub", 110.0)
    still.meanwhile = lambda: hosts.pause("hub", 130.0)
    patience.wait_for("hub", Cancellation())
    assert still.waits == [10.0, 20.0]
    hosts.pause("hub", 90.0)
    assert hosts.until("hub") == 130.0, "a shorter one does not take it back"


def test_nobody_asks_a_host_during_its_pause(server, tmp_path: Path):
    """One file is told to wait; another file of the same host, in another job, waits too."""
    hosts = HostPauses()
    told, release = threading.Event(), threading.Event()

    def wait(event: threading.Event, seconds: float) -> bool:
        told.set()
        release.wait(60)
        times[0] += seconds
        return event.is_set()

    times = [100.0]
    clock = Clock(now=lambda: times[0], wait=wait)

    def make(behaviour: str, name: str) -> Transfer:
        return Transfer(
            Request(url=server.url(behaviour), size=SIZE, sha256=SHA256),
            PlainFile(tmp_path / name),
            Options(connections=1, environment={}),
            pool=Pool(pauses=hosts),
            clock=clock,
        )

    first = threading.Thread(target=make("rate-limited", "one").run)
    first.start()
    assert told.wait(60)
    asked = len(server.requests)
    told.clear()
    second = make("honest", "two")
    thread = threading.Thread(target=second.run)
    thread.start()
    assert told.wait(60)
    assert "asks for a pause" in second.snapshot().message
    assert len(server.requests) == asked
    release.set()
    thread.join(60)
    first.join(60)
    assert second.snapshot().state == "completed"


def test_a_lane_under_a_tenth_of_the_others_lags_behind():
    laggards: Laggards[str] = Laggards()
    assert laggards.find(0.0, {"a": 0, "b": 0, "c": 0}) is None
    assert laggards.find(4.9, {"a": 1000, "b": 1000, "c": 0}) is None, "it is too early to tell"
    assert laggards.find(5.0, {"a": 1000, "b": 1000, "c": 99}) == "c"
    assert laggards.find(11.0, {"a": 2000, "b": 2000, "c": 99}) is None, "it gets more time now"
    assert laggards.find(15.0, {"a": 2000, "b": 2000, "c": 199}) is None, "a tenth is enough"


def test_a_lane_may_be_done_with_the_connection_that_is_cut_under_it(monkeypatch):
    with socket.socket() as plain:
        looks = [plain]
        connection = Connection(Address.parse("http://127.0.0.1/"), None, Pool({}))
        attached = property(lambda _: looks.pop() if looks else None)
        monkeypatch.setattr(Connection, "_attached", attached, raising=False)
        connection.cut()
    assert not looks


def test_a_lane_without_others_or_among_slow_ones_does_not_lag_behind():
    laggards: Laggards[str] = Laggards()
    laggards.find(0.0, {"a": 0})
    assert laggards.find(5.0, {"a": 0, "new": 0}) is None
    assert laggards.find(10.0, {"a": 0, "new": 0}) is None
    assert laggards.find(15.0, {"a": 10, "b": 10**9}) is None, "one that just began has no rate"


def test_the_last_lane_is_compared_with_those_before_it():
    laggards: Laggards[str] = Laggards()
    laggards.find(0.0, {"a": 0, "b": 0})
    assert laggards.find(5.0, {"a": 1000, "b": 900}) is None
    assert laggards.find(10.0, {"b": 1000}) is None
    assert laggards.find(15.0, {"b": 1099}) == "b"


def test_a_connection_that_crawls_is_opened_afresh(server, destination, make):
    """What came over it stays, and it counts as no failure."""
    transfer = make(server.url("first-crawls"), size=SIZE, sha256=SHA256, stall=600.0)
    thread = threading.Thread(target=transfer.run)
    thread.start()
    while transfer.snapshot().done < 3:
        thread.join(0.01)
    assert transfer._attempt is not None
    (lane,) = transfer._attempt._work.lanes
    while thread.is_alive() and len(server.requests) == 1:
        lane.reconnect()
        thread.join(0.01)
    thread.join(60)
    done = transfer.snapshot()
    assert (done.state, done.retries) == ("completed", 0)
    assert destination.path.read_bytes() == CONTENT
    assert server.accepted >= 2
    assert done.transferred == SIZE
