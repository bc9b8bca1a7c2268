"""Files for small devices: `.tflite` flatbuffers, `.litertlm` containers, `.task` bundles.

Formats: `schema.fbs` of LiteRT (identifier `TFL3`), the header of LiteRT-LM, zip for MediaPipe.
"""

from __future__ import annotations

import io
import struct
import zipfile

from tui_hub.demo.content import Bytes, Content, Joined, Weights

_SCHEMA = 3


def tflite(size: int, seed: str) -> Content:
    """A model that a flatbuffer reader opens (version and description), padded with weights."""
    head = _model(f"{seed}, made by the demo hub".encode())
    return Joined([Bytes(head), Weights("I8", max(size - len(head), 0), seed)])


def _model(description: bytes) -> bytes:
    """The root table `Model` with its fields `version` (0) and `description` (3)."""
    # vtable: its size, the table's size, then the offset of each field in the table, 0 for none.
    vtable = struct.pack("<6H", 12, 12, 4, 0, 0, 8)
    table_at = 8 + len(vtable)
    string_at = table_at + 12
    table = struct.pack("<iIi", len(vtable), _SCHEMA, string_at - (table_at + 8))
    string = struct.pack("<I", len(description)) + description + b"\0"
    body = struct.pack("<I4s", table_at, b"TFL3") + vtable + table + string
    return body + bytes(-len(body) % 16)


def litertlm(size: int, seed: str) -> Content:
    """A container with the magic and version of LiteRT-LM, its sections made of weights."""
    head = struct.pack("<8s3I4xQ", b"LITERTLM", 1, 0, 0, 32)
    return Joined([Bytes(head), Weights("I8", size - len(head), seed)])


def task_bundle(size: int, seed: str) -> Content:
    """A zip, stored and not packed, with a model and its metadata."""
    model = tflite(size, seed)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for name, data in (
            ("TF_LITE_PREFILL_DECODE", model.read(0, model.size)),
            ("METADATA", seed.encode()),
        ):
            # a fixed date keeps the bytes the same from run to run
            bundle.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return Bytes(buffer.getvalue())
