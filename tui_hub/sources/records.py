"""JSON lists from outside, taken apart so that one bad record never costs the others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeVar

import msgspec

from tui_hub.domain.errors import UnreachableError
from tui_hub.text import clean

BAD_JSON = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)
"""What decoding foreign JSON may raise."""

_T = TypeVar("_T")
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


def reason(error: BaseException, subject: str) -> str:
    """One clean line on why a record was left out, with what it calls itself if that is known."""
    what = clean("nested too deeply" if isinstance(error, RecursionError) else str(error), 200)
    name = clean(subject, 100)
    return f"{name}: {what}" if name else what
