"""JSON lists from outside, taken apart so that one bad record never costs the others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from tui_hub.domain.errors import UnreachableError, UnsafeError
from tui_hub.sources.network import origin_of
from tui_hub.text import clean, same_time, stamp

BAD_JSON = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign JSON may raise."""

_T = TypeVar("_T")
_FIRST = "2000-01-01T00:00:00Z"
_FUTURE = timedelta(days=1)
"""How far another clock may be ahead of ours."""
_LONGEST_LINK = 1000
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]', re.DOTALL)


def split_list(body: bytes, host: str) -> list[bytes | msgspec.Raw]:
    """The elements of a JSON array, undecoded.

    Raises:
        UnreachableError: when it is no array, or breaks off.
    """
    try:
        return list(_LIST.decode(body))
    except BAD_JSON:
        pass
    try:
        return list(_elements(body.removeprefix(b"\xef\xbb\xbf").strip()))
    except ValueError:
        raise UnreachableError(
            f"{host} answers with something that is no list of records",
            hint="Is the endpoint right, and does it speak the Hub's protocol?",
        ) from None


def _elements(body: bytes) -> Iterator[bytes]:
    """Cut an array at its commas by counting brackets, whatever nonsense stands between them."""
    if body[:1] != b"[" or body[-1:] != b"]":
        raise ValueError
    depth, start = 0, 1
    for token in _TOKEN.finditer(body):
        mark = token[0]
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
        if depth == 0 or (depth == 1 and mark == b","):
            element = body[start : token.start()].strip()
            if element:
                yield element
            start = token.end()
        if depth == 0:
            break
    if depth or start != len(body):
        raise ValueError


def optional(raw: msgspec.Raw, decoder: msgspec.json.Decoder[_T]) -> _T | None:
    """A part of a record that may be anything; `None` where it is not of the usual shape."""
    try:
        return decoder.decode(raw)
    except BAD_JSON:
        return None


def whole(value: object) -> int | None:
    """A count that a database takes; `None` for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    return None


def latest_moment(wall: float) -> str:
    """The last moment that a date from outside may name, where it is `wall` seconds now."""
    return stamp(datetime.fromtimestamp(wall, UTC) + _FUTURE)


def moment(text: str | None, latest: str) -> str | None:
    """A date from outside; `None` for what is none, or lies before all models or after `latest`."""
    time = same_time(text) if text else None
    return time if time and _FIRST <= time <= latest else None


def web_link(text: str | None) -> str | None:
    """An address that a person may open: https and clean; `None` for anything else."""
    if text is None or not text.startswith("https://"):
        return None
    try:
        origin_of(text)
    except UnsafeError:
        return None
    return text if clean(text, _LONGEST_LINK) == text else None


def reason(error: BaseException, subject: str) -> str:
    """One clean line on why a record was left out, with what it calls itself if that is known."""
    what = clean("nested too deeply" if isinstance(error, RecursionError) else str(error), 200)
    name = clean(subject, 100)
    return f"{name}: {what}" if name else what
