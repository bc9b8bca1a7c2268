"""Files of weights, right and wrong."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path


def write_header(path: Path, header: Mapping[str, object] | bytes, data: bytes = b"") -> str:
    """A safetensors file of just these parts, right or wrong; the data begin at an even place."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return str(path)


def sparse_weights(path: Path, size: int, dtype: str = "F16", width: int = 2) -> str:
    """A safetensors file with one tensor of zeros that take no room on disk."""
    entry = {"dtype": dtype, "shape": [size // width], "data_offsets": [0, size]}
    write_header(path, {"weight": entry})
    os.truncate(path, path.stat().st_size + size)
    return str(path)
