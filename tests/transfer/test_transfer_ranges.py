"""A few bytes of a remote file: what is asked for, what is refused, and what never goes abroad."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from content import CONTENT
from hostile import Hostile

from tui_hub.domain.errors import GatedError, NotFoundError, UnauthorizedError, UnreachableError
from tui_hub.transfer import Cancellation, Cancelled, Options, Pool, RangeReader, Request

SIZE = len(CONTENT)
TOKEN = {"Authorization": "Bearer hf_CANARYcanary"}


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool({}, timeout=30)
    yield pool
    pool.close()


@pytest.fixture
def reader(server: Hostile, pool: Pool) -> Callable[..., RangeReader]:
    """Read ranges of what the server has under a behaviour."""

    def make(
        behaviour: str, *, size: int | None = SIZE, cancellation: Cancellation | None = None,
        stall: float = 10.0, **headers: str,
    ) -> RangeReader:  # fmt: skip
        request = Request(url=server.url(behaviour), headers=headers, size=size)
        options = Options(stall=stall, retries=1, timeout=30, environment={})
        return RangeReader(request, options, pool, cancellation or Cancellation())

    return make


def test_ranges_come_over_one_connection(server, reader):
    ranges = reader("honest")
    assert ranges.read(0, 1000) == CONTENT[:1000]
    assert ranges.read(1000, 70_000) == CONTENT[1000:71_000]
    assert [seen.range for seen in server.requests] == [(0, 1000), (1000, 71_000)]
    assert server.accepted == 1


def test_the_end_of_the_file_ends_the_range(server, reader):
    assert reader("honest").read(SIZE - 10, 500) == CONTENT[-10:]
    assert reader("honest").read(SIZE, 500) == b""
    assert len(server.requests) == 1


@pytest.mark.parametrize("offset", [0, 5000])
def test_a_whole_file_instead_of_a_range_is_read_no_further(server, reader, offset):
    assert reader("no-ranges").read(offset, 1000) == CONTENT[offset : offset + 1000]
    assert len(server.requests) == 1
    assert reader("no-ranges").read(0, 10) == CONTENT[:10]
    assert server.accepted == 2, "a connection with a file still on it is not used again"


def test_the_token_stays_with_the_origin(server, reader):
    ranges = reader("hub", **TOKEN)
    assert ranges.read(0, 100) + ranges.read(100, 100) == CONTENT[:200]
    assert [seen.headers["authorization"] for seen in server.requests] == [TOKEN["Authorization"]]
    assert len(server.other.requests) == 2
    assert all("authorization" not in seen.headers for seen in server.other.requests)


@pytest.mark.parametrize(
    ("behaviour", "headers", "kind"),
    [
        ("missing", {}, NotFoundError),
        ("unauthorized", TOKEN, UnauthorizedError),
        ("gated", TOKEN, GatedError),
        ("gated", {}, GatedError),
        ("html", {}, UnreachableError),
        ("gzip", {}, UnreachableError),
    ],
)
def test_a_refusal_is_the_one_of_a_download(behaviour, headers, kind, reader):
    with pytest.raises(kind):
        reader(behaviour, **headers).read(0, 100)


@pytest.mark.parametrize("behaviour", ["no-length", "chunked", "forgetful", "hub", "small"])
def test_unusual_servers_are_read_all_the_same(behaviour, reader):
    ranges = reader(behaviour)
    assert ranges.read(0, 1000) == CONTENT[:1000]
    assert ranges.read(1000, 1000) == CONTENT[1000:2000]


def test_a_server_that_breaks_off_is_asked_again_and_then_given_up(server, reader):
    with pytest.raises(UnreachableError, match="ended the file too early"):
        reader("truncate").read(0, 200_000)
    assert len(server.requests) == 2


def test_another_size_is_another_file(reader):
    with pytest.raises(UnreachableError, match="the listing says 7"):
        reader("honest", size=7).read(0, 5)


def test_a_silent_server_is_called_off(server, reader):
    cancellation = Cancellation()
    silent = reader("silent", cancellation=cancellation, stall=30.0)
    threading.Timer(0.1, cancellation.cancel).start()
    with pytest.raises(Cancelled):
        silent.read(0, 100)
