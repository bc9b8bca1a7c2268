"""Reading a header with as few and as small reads as its format allows.

Headers stand at the beginning of the file in both formats. So a parser takes the beginning as far
as it is at hand, and says how much more it wants; where the bytes come from is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable

from tui_hub.formats import gguf, safetensors
from tui_hub.formats.header import Header, HeaderError, Incomplete

FIRST_READ = 128 * 1024
"""Bytes of the first read: all of the header of most shards, and one packet train on the way."""

Read = Callable[[int, int], bytes]
"""`read(offset, length)`: that many bytes of the file, fewer only where it ends."""

_PARSERS = {
    "safetensors": (safetensors.parse, 8 + safetensors.HEADER_LIMIT),
    "gguf": (gguf.parse, gguf.HEADER_LIMIT),
}

READABLE = frozenset(_PARSERS)
"""The formats whose headers tell the size of every tensor."""


def read_header(form: str, size: int, read: Read) -> Header:
    """The header of a weights file.

    Args:
        form: one of `READABLE`.
        size: bytes of the whole file.
        read: brings bytes of it; called with growing offsets, each where the last read ended.

    Raises:
        HeaderError: when it is not such a file, is damaged, or tries to exhaust memory or time.
    """
    parse, limit = _PARSERS[form]
    data, wanted = b"", FIRST_READ
    while True:
        wanted = min(wanted, size, limit)
        data += read(len(data), wanted - len(data))
        if len(data) < wanted:
            raise HeaderError(f"the file ends after {len(data)} bytes instead of {size}")
        try:
            return parse(data, size)
        except Incomplete as more:
            if more.needed > size:
                raise HeaderError("the header goes on beyond the end of the file") from None
            if len(data) >= limit:
                raise HeaderError(f"the header is larger than {limit} bytes") from None
            wanted = more.needed
