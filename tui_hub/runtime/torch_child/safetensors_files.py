"""The format of safetensors: its header with all that may be wrong in it, and views of its data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .process import Failure, Message
from .regions import FileRegion, Regions

HEADER_LIMIT = 25_000_000
BRACKET_LIMIT = 600_000
"""Objects and lists in a header; the largest models have some 100,000 tensors of three each, in
many files."""
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "C64": "complex64",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}
"""The dtypes of safetensors, `safetensors/src/tensor.rs`, as torch names them."""


def open_safetensors(
    torch: Any, path: str, name: str, regions: Regions
) -> Iterator[tuple[str, Any]]:
    """The tensors of a safetensors file, as views of the mapped file, which joins the regions.

    Format: `safetensors` README, section "Format": a length in eight bytes, a JSON header that
    gives each tensor's dtype, shape and place, then the tensors with no byte between them.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        header = read_header(file, size, name)
        start = file.tell()
        region = FileRegion(torch, path, file.fileno(), size)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
    regions.add(region)
    end = 0
    for key, entry in sorted(header.items(), key=lambda item: place(item[0], item[1], name)):
        begin, stop = entry["data_offsets"]
        if begin != end:
            raise Failure("corrupt", f"{name}: the tensors overlap or leave a hole at {key[:100]}")
        end = stop
    if end > size - start:
        missing = end - (size - start)
        raise Failure("corrupt", f"{name} is truncated: {missing} bytes are missing at its end")
    if end < size - start:
        raise Failure("corrupt", f"{name}: {size - start - end} bytes follow the last tensor")
    for key, entry in header.items():
        yield key, view_tensor(torch, region.map, start, key, entry, name)


def read_header(file: Any, size: int, name: str) -> Message:
    """The header as JSON, after all checks that cost less than parsing it."""
    prefix = file.read(9)
    length = int.from_bytes(prefix[:8], "little")
    if prefix[8:] != b"{":
        if prefix[:2] in (b"PK", b"7z", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
            raise Failure("unsafe", f"{name} is a pickle or an archive, whatever its name says")
        raise Failure("corrupt", f"{name} is no safetensors file, or is truncated at its start")
    if length > HEADER_LIMIT:
        raise Failure("corrupt", f"{name}: a header of {length} bytes is more than {HEADER_LIMIT}")
    if length > size - 8:
        raise Failure("corrupt", f"{name} is truncated: it ends inside its header")
    text = b"{" + file.read(length - 1)
    if text.count(b"{") + text.count(b"[") > BRACKET_LIMIT:
        raise Failure("corrupt", f"{name}: the header names more tensors than any model has")
    try:
        header = json.loads(text, object_pairs_hook=lambda pairs: unique(pairs, name))
    except (ValueError, RecursionError):
        raise Failure("corrupt", f"{name}: the header is not JSON") from None
    header.pop("__metadata__", None)
    return dict(header)


def unique(pairs: list[tuple[str, Any]], name: str) -> Message:
    """A JSON object, none of whose keys stands there twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Failure("corrupt", f"{name}: the header names {twice[:100]!r} twice")
    return found


def place(key: str, entry: Any, name: str) -> tuple[int, int]:
    """Where a tensor begins and ends; its entry is checked on the way."""
    try:
        begin, end = entry["data_offsets"]
        numbers = [begin, end, *entry["shape"]]
        right = isinstance(entry["dtype"], str) and len(entry["shape"]) <= 64
    except (KeyError, TypeError, ValueError):
        right, numbers, begin, end = False, [], 0, 0
    right = right and all(type(number) is int and 0 <= number < 2**62 for number in numbers)
    if not right or begin > end:
        raise Failure("corrupt", f"{name}: the header's entry for {key[:100]!r} is wrong")
    return begin, end


def view_tensor(torch: Any, whole: Any, start: int, key: str, entry: Message, name: str) -> Any:
    """One tensor of a mapped safetensors file."""
    dtype = getattr(torch, DTYPES.get(entry["dtype"], ""), None)
    if dtype is None:
        word = entry["dtype"][:40]
        raise Failure("refused", f"{name}: {key[:100]} is {word}, which this torch does not know")
    begin, end = entry["data_offsets"]
    count = 1
    for length in entry["shape"]:
        count *= length
    if count * dtype.itemsize != end - begin:
        raise Failure("corrupt", f"{name}: shape and size of {key[:100]} do not agree")
    try:
        if not count:
            return torch.empty(entry["shape"], dtype=dtype)
        data = torch.frombuffer(whole, dtype=torch.uint8, offset=start + begin, count=end - begin)
        return data.view(dtype).view(entry["shape"])
    except (RuntimeError, OverflowError):
        raise Failure("corrupt", f"{name}: {key[:100]} has an impossible shape") from None
