"""Values on their way into a row: what SQLite cannot hold becomes the nearest thing it can."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_LARGEST = 2**63 - 1
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=list).encode


def plain(text: str) -> str:
    """Text without the lone surrogates that UTF-8 has no bytes for, and without NUL."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def optional(text: str | None) -> str | None:
    """`plain`, or nothing."""
    return None if text is None else plain(text)


def whole(number: int) -> int:
    """A count that is never negative and fits SQLite's 64 bits."""
    return min(max(int(number), 0), _LARGEST)


def optional_whole(number: int | None) -> int | None:
    """`whole`, or nothing."""
    return None if number is None else whole(number)


def finite(number: float) -> float:
    """A number that can be compared; 0 for what cannot."""
    return float(number) if math.isfinite(number) else 0.0


def document(content: Mapping[str, object] | tuple[object, ...]) -> str:
    """Plain data as JSON in ASCII, the same text for the same data."""
    return _encode(content)


def mapping(text: str) -> dict[str, Any]:
    """The data of a `document` that was a mapping."""
    content = json.loads(text)
    return content if isinstance(content, dict) else {}


def words(text: str) -> tuple[str, ...]:
    """The data of a `document` that was a row of strings."""
    return tuple(json.loads(text))
