"""Every way a server misbehaves, times fresh, resumed and several lanes.

The result is the right file or a named error, and what is recorded as here is right either way.
"""

from __future__ import annotations

import pytest
from content import CONTENT, SHA256

from tui_hub.domain.errors import (
    CorruptError,
    GatedError,
    HubError,
    NoConnectionError,
    NotFoundError,
    RateLimitedError,
    UnauthorizedError,
    UnreachableError,
)

SIZE = len(CONTENT)
HELD = ((0, SIZE * 4 // 10), (SIZE * 5 // 10, SIZE * 6 // 10))
MISSING = SIZE - sum(end - start for start, end in HELD)
MODES = ("fresh", "resume", "lanes")
LOSSLESS = ("honest", "hub", "small", "weak-etag", "ok-with-content-range", "identity", "drip")
"""Where a resume fetches what is missing and no more."""
OUTCOMES: dict[str, type[HubError] | None] = {
    **dict.fromkeys(LOSSLESS),
    "no-ranges": None,
    "no-length": None,
    "chunked": None,
    "truncate": None,
    "stream-then-ranges": None,
    "truncate-whole": UnreachableError,
    "truncate-chunked": UnreachableError,
    "reset": None,
    "stall": None,
    "silent": NoConnectionError,
    "etag-flip": None,
    "rate-limited": None,
    "unavailable": None,
    "long-pause": RateLimitedError,
    "rate-limited-always": RateLimitedError,
    "broken": NoConnectionError,
    "wrong-range": None,
    "range-beyond": None,
    "no-content-range": None,
    "wrong-total": UnreachableError,
    "unknown-total": None,
    "multipart": None,
    "unsatisfied": UnreachableError,
    "html": NoConnectionError,
    "html-of-right-size": NoConnectionError,
    "gzip": UnreachableError,
    "bit-flip": CorruptError,
    "bit-flip-once": None,
    "longer": None,
    "two-lengths": UnreachableError,
    "negative-length": None,
    "huge-header": UnreachableError,
    "http09": UnreachableError,
    "no-length-short": UnreachableError,
    "zeros": CorruptError,
    "brotli": UnreachableError,
    "gzip-twice": UnreachableError,
    "trailers": None,
    "interim": None,
    "interim-for-ever": UnreachableError,
    "odd-etag": None,
    "bomb-on-the-way": None,
    "other-linked-size": UnreachableError,
    "bad-chunks": NoConnectionError,
    "circle": UnreachableError,
    "nowhere": UnreachableError,
    "missing": NotFoundError,
    "unauthorized": UnauthorizedError,
    "gated": GatedError,
}


def validator_for(behaviour: str) -> str:
    return {"hub": '"' + "e" * 64 + '"', "weak-etag": 'W/"weak"'}.get(behaviour, '"strong-1"')


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("behaviour", OUTCOMES)
def test_right_file_or_named_error(behaviour, mode, server, destination, make):
    if mode == "resume":
        destination.hold(CONTENT, *HELD, validator=validator_for(behaviour))
    if mode == "lanes":
        server.pace = 0.004
        assert server.other is not None
        server.other.pace = 0.004
    transfer = make(
        server.url(behaviour),
        size=SIZE,
        sha256=SHA256,
        connections=4 if mode == "lanes" else 1,
        stall=0.3 if behaviour in ("stall", "silent") else 10.0,
    )
    expected = OUTCOMES[behaviour]
    if expected is not None:
        with pytest.raises(expected) as caught:
            transfer.run()
        assert type(caught.value) is expected
        assert "\x1b" not in caught.value.message
        for start, end in destination.ranges:
            assert destination.path.read_bytes()[start:end] == CONTENT[start:end]
        return
    result = transfer.run()
    assert result.sha256 == SHA256
    assert result.verified == "sha256"
    assert destination.path.read_bytes() == CONTENT
    if behaviour in LOSSLESS:
        wanted = MISSING if mode == "resume" else SIZE
        assert result.bytes_transferred <= 1.1 * wanted
        assert result.resumed_from == SIZE - wanted


@pytest.mark.parametrize("behaviour", ["no-ranges", "no-length", "chunked", "longer", "honest"])
def test_benign_servers_cost_no_extra_bytes(behaviour, server, destination, make):
    result = make(server.url(behaviour), sha256=SHA256).run()
    assert result.size == SIZE
    assert result.bytes_transferred <= 1.1 * SIZE


def test_lanes_are_really_used(server, make):
    server.pace = 0.02
    result = make(server.url("honest"), size=SIZE, sha256=SHA256, connections=4).run()
    assert result.sha256 == SHA256
    assert server.most_concurrent > 1
