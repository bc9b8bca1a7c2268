"""Files that are longer or shorter than their listing says, however the server puts it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator

import pytest
from content import CONTENT, SHA256
from hostile import Hostile
from plain_file import PlainFile

from tui_hub.domain.artifacts import Verified
from tui_hub.domain.errors import HubError, UnreachableError
from tui_hub.transfer import Brief, HostPauses, Lanes, Options, Pool, RateLimiter, Request, Transfer
from tui_hub.transfer.beside import Carried, Carrier

SIZE = len(CONTENT)
WAYS = ("honest", "no-ranges", "chunked", "no-length", "unknown-total", "chunked-ranges")
MODES = ("fresh", "resume", "lanes")
ALL = [(way, mode) for way in WAYS for mode in MODES]

Make = Callable[..., Transfer]


@pytest.fixture(params=[1, -1])
def other(request: pytest.FixtureRequest) -> Iterator[Hostile]:
    """A server whose file is longer than ours, or shorter."""
    count = request.param
    content = CONTENT + b"!" if count > 0 else CONTENT[:count]
    with Hostile(content, sha256=hashlib.sha256(content).hexdigest()) as server:
        yield server


@pytest.fixture
def longer() -> Iterator[Hostile]:
    with Hostile(CONTENT + b"!") as server:
        yield server


def prepared(mode: str, server: Hostile, destination: PlainFile) -> dict[str, int]:
    if mode == "resume":
        destination.hold(CONTENT, (0, SIZE // 2), validator=server.etag)
    if mode == "lanes":
        server.pace = 0.004
    return {"size": SIZE, "connections": 4 if mode == "lanes" else 1}


@pytest.mark.parametrize(("way", "mode"), ALL)
def test_without_a_hash_a_file_of_another_size_is_never_taken(
    way: str, mode: str, other: Hostile, destination: PlainFile, make: Make
) -> None:
    with pytest.raises(UnreachableError) as caught:
        make(other.url(way), **prepared(mode, other, destination)).run()
    assert type(caught.value) is not HubError and caught.value.hint


@pytest.mark.parametrize(("way", "mode"), ALL)
def test_a_hash_has_the_last_word(
    way: str, mode: str, other: Hostile, destination: PlainFile, make: Make
) -> None:
    known = prepared(mode, other, destination)
    try:
        result = make(other.url(way), sha256=SHA256, **known).run()
    except HubError as error:
        assert type(error) is not HubError and error.hint
    else:
        assert (result.size, result.verified) == (SIZE, Verified.SHA256)
        assert destination.path.read_bytes()[:SIZE] == CONTENT


@pytest.mark.parametrize(("way", "mode"), ALL)
def test_without_a_hash_a_file_of_the_right_size_is_taken(
    way: str, mode: str, server: Hostile, destination: PlainFile, make: Make
) -> None:
    result = make(server.url(way), **prepared(mode, server, destination)).run()
    assert (result.sha256, result.verified) == (SHA256, Verified.SIZE)


@pytest.mark.parametrize("sha256", [None, SHA256])
@pytest.mark.parametrize("mode", MODES)
def test_ranges_that_bring_more_than_they_say_are_not_relied_on(
    mode: str, sha256: str | None, server: Hostile, destination: PlainFile, make: Make
) -> None:
    known = prepared(mode, server, destination)
    result = make(server.url("chunked-ranges-longer"), sha256=sha256, **known).run()
    assert result.sha256 == SHA256
    whole = [seen for seen in server.requests if seen.range is None]
    assert sha256 is not None or whole


def test_a_stream_that_is_too_long_is_called_so_at_once(longer: Hostile, make: Make) -> None:
    with pytest.raises(UnreachableError, match=f"sends more than the {SIZE} bytes"):
        make(longer.url("chunked"), size=SIZE).run()
    assert len(longer.requests) == 1


def test_a_stream_that_does_not_end_is_whole_with_its_last_byte(
    server: Hostile, make: Make
) -> None:
    result = make(server.url("chunked-without-end"), size=SIZE, stall=0.1).run()
    assert result.verified is Verified.SIZE


def test_nobody_waits_long_for_the_end_of_a_file_that_is_whole(server: Hostile, make: Make) -> None:
    """The server says nothing for half a minute, which is less than a stall here."""
    result = make(server.url("chunked-without-end"), size=SIZE, stall=600.0).run()
    assert result.verified is Verified.SIZE
    assert server.concurrent == 1, "it is still at it"


def test_an_empty_file_is_not_longer_than_its_error_page(make: Make) -> None:
    with Hostile(b"") as server:
        assert make(server.url("empty-with-a-page"), size=0).run().size == 0
    with Hostile(b"something") as server, pytest.raises(UnreachableError):
        make(server.url("chunked"), size=0).run()


def test_a_small_file_is_never_longer_than_told(destination: PlainFile, make: Make) -> None:
    with Hostile(CONTENT[:1000]) as server:
        pool = Pool({})
        for size, expected in ((1000, True), (999, False)):
            make(server.url("honest"), pool=pool, size=1000).run()
            request = Request(url=server.url("chunked"), size=size)
            room = memoryview(bytearray(size))
            brief = Brief(request, room, Options(environment={}), RateLimiter(), pool)
            assert brief.is_worth_it
            if expected:
                result = brief.run()
                assert result is not None and result.verified is Verified.SIZE
            else:
                with pytest.raises(UnreachableError, match="sends more than the 999 bytes"):
                    brief.run()
        pool.close()


def test_nor_is_one_that_another_process_fetches(longer: Hostile, destination: PlainFile) -> None:
    carrier = Carrier(Lanes(1), dict(os.environ), HostPauses())
    request = Request(url=longer.url("chunked"), size=SIZE)

    def here() -> Transfer:
        raise AssertionError("the process was lost")

    transfer = Carried(carrier, "one", request, destination, Options(environment={}), here)
    with pytest.raises(UnreachableError, match=f"sends more than the {SIZE} bytes"):
        transfer.run()
    carrier.close()
