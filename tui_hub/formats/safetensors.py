"""Safetensors headers.

Format: the README of `safetensors`, section "Format": a little-endian u64 N, N bytes of JSON that
begin with `{` and may end in blanks, then the tensors without a gap between them. The types are
those of its `tensor.rs` (`enum Dtype`), the checks those of its `Metadata::validate`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

import msgspec

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

HEADER_LIMIT = 25_000_000
"""Bytes of JSON; a quarter of what the library takes, which then needs a gigabyte of memory."""

BITS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "C64": 64,
    "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
    "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32, "U16": 16, "U8": 8, "BOOL": 8,
}  # fmt: skip
"""Bits of one number of each type."""

_LENGTH = 8
_METADATA = "__metadata__"
_MOST_DIMENSIONS = 64


class _Entry(msgspec.Struct, frozen=True):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


_names = msgspec.json.Decoder(dict[str, msgspec.Raw])
_entry = msgspec.json.Decoder(_Entry)


def parse(data: bytes, size: int) -> Header:
    """The header at the beginning of a file.

    Args:
        data: the beginning, as far as it is at hand.
        size: bytes of the whole file.

    Raises:
        Incomplete: when more of it is needed.
        HeaderError: when it is no safetensors file.
    """
    if size < _LENGTH:
        raise HeaderError("the file is too short for a safetensors header")
    if len(data) < _LENGTH:
        raise Incomplete(_LENGTH)
    (length,) = struct.unpack_from("<Q", data)
    if length > HEADER_LIMIT:
        raise HeaderError(f"the header claims {length} bytes, more than {HEADER_LIMIT}")
    end = _LENGTH + length
    if end > size:
        raise HeaderError(f"the header claims {length} bytes, beyond the end of the file")
    if len(data) < end:
        raise Incomplete(end)
    entries = _decode(data[_LENGTH:end])
    metadata = _metadata(entries.pop(_METADATA, None))
    tensors = _contiguous([_read(name, raw) for name, raw in entries.items()], size - end)
    return Header(format="safetensors", length=end, tensors=tensors, metadata=metadata)


def _decode(text: bytes) -> dict[str, msgspec.Raw]:
    if not text.startswith(b"{"):
        raise HeaderError("the header is no safetensors header: it does not begin with {")
    if text.count(b'"data_offsets"') > MOST_TENSORS:
        raise HeaderError(f"the header names more than {MOST_TENSORS} tensors")
    try:
        entries = _names.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise HeaderError("the header is not JSON") from None
    if len(entries) > MOST_TENSORS + 1:
        raise HeaderError(f"the header names more than {MOST_TENSORS} tensors")
    return entries


def _metadata(raw: msgspec.Raw | None) -> Mapping[str, str]:
    """The texts beside the tensors; loaders need none of them, so a wrong one is no error."""
    try:
        found = msgspec.json.decode(raw, type=dict[str, object]) if raw is not None else {}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return {
        key[:TEXT_LIMIT]: text[:TEXT_LIMIT] for key, text in found.items() if isinstance(text, str)
    }


def _read(name: str, raw: msgspec.Raw) -> tuple[int, int, Tensor]:
    """Where one tensor begins and ends, and what it is."""
    try:
        entry = _entry.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise HeaderError("a tensor of the header lacks its type, shape or place") from None
    bits, (begin, end) = BITS.get(entry.dtype), entry.data_offsets
    if bits is None:
        raise NewerError("a tensor of the header has a type that is not known")
    odd = any(not 0 <= length <= MOST_DIMENSION for length in entry.shape)
    if odd or len(entry.shape) > _MOST_DIMENSIONS:
        raise HeaderError("a tensor of the header has an impossible shape")
    if not 0 <= begin <= end or math.prod(entry.shape) * bits != (end - begin) * 8:
        raise HeaderError("a tensor of the header takes another place than its shape needs")
    tensor = Tensor(name[:TEXT_LIMIT], entry.dtype, tuple(entry.shape), end - begin)
    return begin, end, tensor


def _contiguous(placed: list[tuple[int, int, Tensor]], room: int) -> tuple[Tensor, ...]:
    """The tensors in the order of their bytes, which they must share out among them exactly."""
    placed.sort(key=lambda one: one[:2])
    position = 0
    for begin, end, _ in placed:
        if begin != position:
            raise HeaderError("the tensors of the header overlap, or leave a hole between them")
        position = end
    if position != room:
        raise HeaderError(f"the header accounts for {position} bytes of {room} behind it")
    return tuple(tensor for _, _, tensor in placed)
