"""The heads of answers are read as http.client reads them, only faster."""

from __future__ import annotations

import http.client
import io

import pytest

from tui_hub.transfer.heads import length_from, read_head

HEADS = (
    b"",
    b'ETag: "a"\r\nContent-Length: 5\r\n',
    b"Link:<a>\r\nlink:\t <b> \r\nX-Empty:\r\n",
    b"A: b\nC: d\n",
    b"Location: /caf\xc3\xa9\r\n",
    b"A: folded\r\n over lines\r\nB: c\r\n",
    b"A: b\rEvil: c\r\nD: e\r\n",
    b"A: b\r\nno field at all\r\nC: d\r\n",
    b"Odd Name: b\r\nC: d\r\n",
    b"X: a:b:c\r\n: nameless\r\n",
)


@pytest.mark.parametrize("head", HEADS)
def test_fields_are_those_that_the_standard_library_finds(head: bytes) -> None:
    ours = io.BytesIO(head + b"\r\nthe body")
    theirs = io.BytesIO(head + b"\r\nthe body")
    found, expected = read_head(ours), http.client.parse_headers(theirs)

    assert found.items() == expected.items()
    assert ours.read() == theirs.read() == b"the body"
    for name in {*expected.keys(), "LINK", "absent"}:
        assert found.get(name) == expected.get(name)
        assert found.get_all(name) == expected.get_all(name)
        assert found.get_all(name, []) == expected.get_all(name, [])


def test_a_head_without_end_is_refused() -> None:
    with pytest.raises(http.client.LineTooLong):
        read_head(io.BytesIO(b"A: " + b"b" * 70_000))
    with pytest.raises(http.client.HTTPException, match="more than 100"):
        read_head(io.BytesIO(b"A: b\r\n" * 200))


@pytest.mark.parametrize(
    ("told", "length"),
    [("5", 5), (" 7 ", 7), ("-1", None), ("+5", None), ("\xb2", None), ("", None)],
)
def test_a_length_is_a_plain_number(told: str, length: int | None) -> None:
    head = read_head(io.BytesIO(f"Content-Length: {told}\r\n\r\n".encode("latin-1")))
    assert length_from(head) == length
