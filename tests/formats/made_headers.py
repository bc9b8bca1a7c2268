"""Headers put together byte by byte, right and wrong, and a reader that counts."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping

STRING, ARRAY, U32, U8 = 8, 9, 4, 0


def safetensors(header: object, data: int = 0) -> bytes:
    """A file with this header, which is JSON already if it is bytes, and so many bytes behind."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


def entry(dtype: str, shape: list[int], begin: int, end: int) -> Mapping[str, object]:
    """One tensor of a safetensors header."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def text(content: str | bytes) -> bytes:
    """A GGUF string."""
    raw = content.encode() if isinstance(content, str) else content
    return struct.pack("<Q", len(raw)) + raw


def pair(key: str, kind: int, value: bytes) -> bytes:
    """A GGUF key with its value."""
    return text(key) + struct.pack("<I", kind) + value


def array(kind: int, count: int, items: bytes = b"") -> bytes:
    """A GGUF array that claims so many items."""
    return struct.pack("<IQ", kind, count) + items


def record(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    """A tensor of a GGUF header."""
    dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + dimensions + struct.pack("<IQ", kind, offset)


def gguf(
    *pairs: bytes,
    records: tuple[bytes, ...] = (),
    data: int = 0,
    version: int = 3,
    counts: tuple[int, int] | None = None,
) -> bytes:
    """A GGUF file; `counts` are the tensors and pairs that it claims to have."""
    tensors, keys = counts or (len(records), len(pairs))
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + b"".join((*pairs, *records))
    return head + bytes(-len(head) % 32) + bytes(data)


def reader(content: bytes, asked: list[tuple[int, int]] | None = None) -> Callable[..., bytes]:
    """Reads from bytes, and notes what was asked for."""

    def read(offset: int, length: int) -> bytes:
        if asked is not None:
            asked.append((offset, length))
        return content[offset : offset + length]

    return read
