"""GGUF headers, versions 2 and 3.

Format: `docs/gguf.md` of ggml: magic, version, two counts, typed key/value pairs, one record per
tensor, padding, the tensors. No count is trusted: what is left of the file bounds every loop.
"""

from __future__ import annotations

import math
import struct

from tui_hub.formats.ggml import TYPES
from tui_hub.formats.header import (
    MOST_DIMENSION,
    MOST_TENSORS,
    TEXT_LIMIT,
    Header,
    HeaderError,
    Incomplete,
    NewerError,
    Tensor,
)

HEADER_LIMIT = 64 * 1024**2
"""Bytes of a header; the largest vocabularies with their merges take some 15 million."""

_GROWTH = 2
"""A header that goes on is asked for in steps of this factor, as nothing tells its length."""
_GENEROUS = 1.25
"""By how much later words may be longer than the first ones."""
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
"""`enum gguf_metadata_value_type`, as `struct` has it."""
_KEPT_CODES = "BbHhIiQq?"
"""Whole numbers, and which layers are of some kind."""
_STRING, _ARRAY = 8, 9
_LEAST_PAIR = 8 + 4 + 1
"""Bytes of the smallest pair: an empty key, a type, a byte."""
_LEAST_RECORD = 8 + 4 + 4 + 8
"""Bytes of the smallest record of a tensor: an empty name, no dimensions, a type, an offset."""
_LEAST_ARRAY = 4 + 8
"""Bytes of the smallest array: a type and a count."""
_MOST_DIMENSIONS = 4
"""`GGML_MAX_DIMS`."""
_MOST_NESTED = 4
_MOST_PAIRS = 65_536
"""Keys of one file; known models have less than a hundred."""
_MOST_ARRAYS = 65_536
"""Arrays of one file, those inside of others included."""
_KEPT = 1024
"""Numbers of an array that are kept: one for each layer, not one for each token."""
_MOST_KEPT = 1 << 20
"""Numbers and characters of all values together that are kept; known models have some thousands."""
_ALIGNMENT = 32
_MOST_ALIGNMENT = 1 << 20

_Value = str | int | float | bool | tuple[int, ...]


def parse(data: bytes, size: int) -> Header:
    """The header at the beginning of a file.

    Args:
        data: the beginning, as far as it is at hand.
        size: bytes of the whole file.

    Raises:
        Incomplete: when more of it is needed.
        HeaderError: when it is no GGUF file.
    """
    cursor = _Cursor(data, min(size, HEADER_LIMIT))
    if cursor.take(4) != _MAGIC:
        raise HeaderError("the file is no GGUF file")
    version, tensors, pairs = cursor.unpack("IQQ")
    if version not in _VERSIONS:
        big_endian = int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS
        kind = "a big-endian file" if big_endian else f"version {version}"
        raise NewerError(f"this is {kind} of GGUF; only little-endian 2 and 3 are read")
    if tensors > MOST_TENSORS:
        raise HeaderError(f"the header claims {tensors} tensors, more than {MOST_TENSORS}")
    if pairs > _MOST_PAIRS:
        raise HeaderError(f"the header claims {pairs} keys, more than {_MOST_PAIRS}")
    cursor.expect(pairs * _LEAST_PAIR + tensors * _LEAST_RECORD)
    metadata = _metadata(cursor, pairs)
    placed = [_record(cursor) for _ in range(tensors)]
    alignment = metadata.get("general.alignment", _ALIGNMENT)
    start = _aligned(cursor.position, alignment)
    return Header(
        format="gguf",
        length=start,
        tensors=_inside(placed, size - start),
        metadata=metadata,
    )


class _Cursor:
    """Reads on through the bytes at hand, and never believes that there are more than can be."""

    def __init__(self, data: bytes, limit: int) -> None:
        self._data = data
        self._limit = limit
        """Where the header must have ended."""
        self.position = 0
        self.arrays = 0
        """Arrays met so far."""
        self.kept = 0
        """Numbers and characters that are kept so far."""

    def expect(self, count: int) -> None:
        """Raise `HeaderError` unless so many more bytes are possible."""
        if count > self._limit - self.position:
            raise HeaderError("the header claims more than the file or the limit has room for")

    def require(self, count: int) -> None:
        """Raise `Incomplete` unless so many more bytes are at hand."""
        self.expect(count)
        if self.position + count > len(self._data):
            grown = min(len(self._data) * _GROWTH, self._limit)
            raise Incomplete(max(self.position + count, grown))

    def take(self, count: int) -> bytes:
        """The next bytes."""
        self.require(count)
        self.position += count
        return self._data[self.position - count : self.position]

    def unpack(self, code: str) -> tuple[int, ...]:
        """The next numbers, little-endian and without padding."""
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))

    def keeps(self, count: int) -> bool:
        """Whether there is room to keep so many more numbers or characters."""
        self.kept += count
        return self.kept <= _MOST_KEPT

    def text(self) -> str:
        """The next string, cut where it is long."""
        (length,) = self.unpack("Q")
        self.require(length)
        start, self.position = self.position, self.position + length
        return self._data[start : start + min(length, TEXT_LIMIT)].decode("utf-8", "replace")

    def skip_texts(self, count: int) -> None:
        """Go past so many strings: the words of a vocabulary, hundreds of thousands of them."""
        data, position, end = self._data, self.position, len(self._data) - 8
        length_at = struct.Struct("<Q").unpack_from
        left = count
        while left and position <= end:
            position += 8 + length_at(data, position)[0]
            left -= 1
        self.expect(position - self.position + left * 8)
        if left or position > len(data):
            average = (position - self.position) / max(count - left, 1)
            guess = position + int(left * max(average, 8) * _GENEROUS)
            raise Incomplete(min(guess, self._limit))
        self.position = position


def _metadata(cursor: _Cursor, pairs: int) -> dict[str, _Value]:
    metadata: dict[str, _Value] = {}
    seen: set[str] = set()
    for _ in range(pairs):
        key = cursor.text()
        if key in seen:
            raise HeaderError("the header has two values for one key")
        seen.add(key)
        (kind,) = cursor.unpack("I")
        value = _value(cursor, kind)
        # What is kept in vast amounts is a trick; it is gone past, as long vocabularies are.
        if value is not None and cursor.keeps(len(value) if isinstance(value, str) else 1):
            metadata[key] = value
    return metadata


def _value(cursor: _Cursor, kind: int) -> _Value | None:
    """The next value; `None` for an array that is not kept."""
    if kind == _STRING:
        return cursor.text()
    if kind == _ARRAY:
        return _array(cursor, depth=1)
    return _scalar(cursor, kind)


def _scalar(cursor: _Cursor, kind: int) -> int | float | bool:
    code = _SCALARS.get(kind)
    if code is None:
        raise NewerError(f"the header has a value of the unknown type {kind}")
    return cursor.unpack(code)[0]


def _array(cursor: _Cursor, depth: int) -> tuple[int, ...] | None:
    """Go past an array; its values, where they are whole numbers or flags, and few."""
    cursor.arrays += 1
    if depth > _MOST_NESTED or cursor.arrays > _MOST_ARRAYS:
        raise HeaderError("the header has arrays inside of arrays without end")
    kind, count = cursor.unpack("IQ")
    if kind == _STRING:
        cursor.skip_texts(count)
        return None
    if kind == _ARRAY:
        cursor.expect(count * _LEAST_ARRAY)
        for _ in range(count):
            _array(cursor, depth + 1)
        return None
    code = _SCALARS.get(kind)
    if code is None:
        raise NewerError(f"the header has an array of the unknown type {kind}")
    if code in _KEPT_CODES and count <= _KEPT and cursor.keeps(count):
        return cursor.unpack(f"{count}{code}")
    length = count * struct.calcsize("<" + code)
    cursor.require(length)
    cursor.position += length
    return None


def _record(cursor: _Cursor) -> tuple[int, Tensor]:
    """Where one tensor begins behind the header, and what it is."""
    name = cursor.text()
    (dimensions,) = cursor.unpack("I")
    if dimensions > _MOST_DIMENSIONS:
        raise HeaderError(f"a tensor of the header has {dimensions} dimensions")
    shape = cursor.unpack(f"{dimensions}Q")
    kind, offset = cursor.unpack("IQ")
    stored = TYPES.get(kind)
    if stored is None:
        raise NewerError(f"a tensor of the header has the unknown type {kind}")
    if any(length > MOST_DIMENSION for length in shape):
        raise HeaderError("a tensor of the header has an impossible shape")
    if shape and shape[0] % stored.values:
        raise HeaderError("a tensor of the header has rows that are not whole blocks")
    count = math.prod(shape) // stored.values * stored.size
    return offset, Tensor(name, stored.name, shape, count)


def _aligned(position: int, alignment: object) -> int:
    """Where the tensors begin (`general.alignment`)."""
    whole = isinstance(alignment, int) and 0 < alignment <= _MOST_ALIGNMENT
    if not isinstance(alignment, int) or not whole or alignment & (alignment - 1):
        raise HeaderError("the header has an alignment that is no power of two")
    return position + -position % alignment


def _inside(placed: list[tuple[int, Tensor]], room: int) -> tuple[Tensor, ...]:
    """The tensors in the order of their bytes, each with bytes of its own inside the file."""
    placed.sort(key=lambda one: (one[0], one[1].bytes))
    position = 0
    for offset, tensor in placed:
        if offset < position:
            raise HeaderError("tensors of the header overlap")
        position = offset + tensor.bytes
        if position > max(room, 0):
            raise HeaderError("a tensor of the header lies beyond the end of the file")
    return tuple(tensor for _, tensor in placed)
