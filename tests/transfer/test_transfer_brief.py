"""Small files of a server that is reached: fetched in one go, and no less carefully."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from content import CONTENT
from hostile import Hostile
from plain_file import PlainFile

from tui_hub.domain.artifacts import Verified
from tui_hub.domain.errors import InterruptedJobError, NotFoundError
from tui_hub.transfer import Brief, Options, Pool, RateLimiter, Request, Transfer
from tui_hub.transfer.addresses import Address

SMALL = CONTENT[:200_000]
SMALL_SHA256 = hashlib.sha256(SMALL).hexdigest()
GIT_SHA1 = hashlib.sha1(b"blob %d\0" % len(SMALL) + SMALL).hexdigest()

Make = Callable[..., Transfer]


@pytest.fixture
def near() -> Iterator[Hostile]:
    with Hostile(SMALL, sha256=SMALL_SHA256) as server:
        yield server


@pytest.fixture
def pool(near: Hostile, make: Make, destination: PlainFile) -> Iterator[Pool]:
    """A pool with a connection to the server."""
    pool = Pool({})
    make(near.url("honest"), pool=pool, size=len(SMALL), sha256=SMALL_SHA256).run()
    yield pool
    pool.close()


def brief(pool: Pool, url: str, sha256: str | None = SMALL_SHA256, **known: str) -> Brief:
    fetched = prepared(pool, Request(url=url, size=len(SMALL), sha256=sha256, **known))
    assert fetched.is_worth_it
    return fetched


def prepared(pool: Pool, request: Request) -> Brief:
    room = memoryview(bytearray(len(SMALL) + 1000))
    return Brief(request, room, Options(environment={}), RateLimiter(), pool)


def test_a_small_file_needs_no_threads_and_one_request_once_its_server_is_reached(
    near: Hostile, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[threading.Thread] = []
    before = len(near.requests)
    fetched = brief(pool, near.url("honest"))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", started.append)
        result = fetched.run()

    assert result is not None and started == []
    assert (result.sha256, result.verified) == (SMALL_SHA256, Verified.SHA256)
    assert (result.bytes_transferred, bytes(fetched.content)) == (len(SMALL), SMALL)
    assert len(near.requests) == before + 1
    assert pool.reaches(Address.parse(near.url("honest"))), "the connection is kept"


def test_a_git_id_is_checked_and_the_sha256_made(near: Hostile, pool: Pool) -> None:
    url = near.url("honest")
    good = brief(pool, url, None, git_sha1=GIT_SHA1).run()
    assert good is not None
    assert (good.sha256, good.verified) == (SMALL_SHA256, Verified.GIT_SHA1)
    wrong = brief(pool, url, None, git_sha1="0" * 40)
    assert wrong.run() is None and not wrong.resumable


def test_only_small_files_of_servers_that_are_reached_are_fetched_so(
    near: Hostile, pool: Pool
) -> None:
    url = near.url("honest")
    assert prepared(pool, Request(url=url, size=2 * 1024**2)).is_worth_it
    assert not prepared(pool, Request(url=url, size=2 * 1024**2 + 1)).is_worth_it
    assert not prepared(Pool({}), Request(url=url, size=1)).is_worth_it


@pytest.mark.parametrize("behaviour", ["truncate", "reset"])
def test_what_came_before_the_trouble_is_for_the_next_try(
    near: Hostile, pool: Pool, behaviour: str
) -> None:
    cut = brief(pool, near.url(behaviour))
    assert cut.run() is None
    assert cut.resumable and cut.validator is not None
    assert SMALL.startswith(bytes(cut.content)) and len(cut.content) < len(SMALL)


def test_a_pause_that_the_server_asks_for_holds_for_whoever_comes_next(
    near: Hostile, pool: Pool
) -> None:
    asked = brief(pool, near.url("rate_limited"))
    assert asked.run() is None and not asked.resumable
    assert pool.pauses.until("127.0.0.1") > time.monotonic()


def test_a_damaged_small_file_is_found_out_and_nothing_of_it_kept(
    near: Hostile, pool: Pool
) -> None:
    damaged = brief(pool, near.url("bit_flip"))
    assert damaged.run() is None and not damaged.resumable


def test_a_refusal_is_final(near: Hostile, pool: Pool) -> None:
    with pytest.raises(NotFoundError):
        brief(pool, near.url("missing")).run()


def test_a_small_file_that_stalls_can_be_stopped(near: Hostile, pool: Pool) -> None:
    stalled = brief(pool, near.url("silent"))
    raised: list[BaseException] = []

    def run() -> None:
        try:
            stalled.run()
        except InterruptedJobError as error:
            raised.append(error)

    runner = threading.Thread(target=run)
    runner.start()
    while not any(seen.path.endswith("silent") for seen in near.requests):
        runner.join(0.01)
    stalled.stop()
    runner.join(60)
    assert len(raised) == 1 and not runner.is_alive()
