"""Small files of a server that is reached: fetched without threads, and no less carefully."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator

import pytest
from content import CONTENT
from hostile import Hostile
from plain_file import PlainFile

from tui_hub.domain.errors import CorruptError, InterruptedJobError
from tui_hub.transfer import Pool, Transfer
from tui_hub.transfer.attempt import Notes
from tui_hub.transfer.lanes import Lane

SMALL = CONTENT[:200_000]
SMALL_SHA256 = hashlib.sha256(SMALL).hexdigest()
KNOWN = {"size": len(SMALL), "sha256": SMALL_SHA256}

Make = Callable[..., Transfer]


@pytest.fixture
def near() -> Iterator[Hostile]:
    with Hostile(SMALL, sha256=SMALL_SHA256) as server:
        yield server


@pytest.fixture
def pool(near: Hostile, make: Make, destination: PlainFile) -> Iterator[Pool]:
    """A pool with a connection to the server, and the destination empty again."""
    pool = Pool({})
    make(near.url("honest"), pool=pool, **KNOWN).run()
    destination.reset()
    yield pool
    pool.close()


def test_a_small_file_needs_no_threads_once_its_server_is_reached(
    near: Hostile,
    pool: Pool,
    make: Make,
    destination: PlainFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", started.append)

    result = make(near.url("honest"), pool=pool, **KNOWN).run()

    assert (result.sha256, result.bytes_transferred) == (SMALL_SHA256, len(SMALL))
    assert destination.path.read_bytes() == SMALL
    assert started == []


def test_without_a_connection_there_is_a_thread_that_can_be_left_behind(
    near: Hostile, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[type] = []
    start = threading.Thread.start

    def note(thread: threading.Thread) -> None:
        started.append(type(thread))
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    make(near.url("honest"), **KNOWN).run()
    assert Lane in started and Notes in started


@pytest.mark.parametrize("behaviour", ["truncate", "reset", "unavailable", "rate_limited"])
def test_a_small_file_goes_on_after_trouble(
    near: Hostile, pool: Pool, make: Make, destination: PlainFile, behaviour: str
) -> None:
    result = make(near.url(behaviour), pool=pool, **KNOWN).run()
    assert (result.sha256, destination.path.read_bytes()) == (SMALL_SHA256, SMALL)
    assert result.retries > 0


def test_a_damaged_small_file_is_found_out(near: Hostile, pool: Pool, make: Make) -> None:
    with pytest.raises(CorruptError):
        make(near.url("bit_flip"), pool=pool, **KNOWN).run()


def test_a_small_file_that_stalls_can_be_stopped(near: Hostile, pool: Pool, make: Make) -> None:
    transfer = make(near.url("silent"), pool=pool, stall=60, **KNOWN)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            transfer.run()
        except InterruptedJobError as error:
            raised.append(error)

    runner = threading.Thread(target=run)
    runner.start()
    while not any(seen.path.endswith("silent") for seen in near.requests):
        runner.join(0.01)
    transfer.stop()
    runner.join(60)
    assert len(raised) == 1 and not runner.is_alive()
