"""Published configurations as transformers builds them, on the meta device: bytes for bytes."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest

from tui_hub.domain.architectures import from_config
from tui_hub.formats import read_header

pytest.importorskip("torch")
pytest.importorskip("transformers")

from count_architectures import FOLDER, TABLE, build, kept, weights

COUNTED = json.loads(TABLE.read_text())["models"]
CODES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32", "int64": "I64", "bool": "BOOL"}


def published(name: str) -> dict[str, object]:
    """The published `config.json` of a model."""
    return dict(json.loads((FOLDER / f"{name}.json").read_text()))


@pytest.mark.parametrize("name", COUNTED)
def test_the_weights_of_a_real_architecture_are_exact_to_the_byte(
    name: str, tmp_path: Path
) -> None:
    tensors = weights(build(published(name)))
    expected = sum(one.numel() * one.element_size() for one in tensors.values())
    assert expected == COUNTED[name]["weights"]
    entries, end = {}, 0
    for key, one in tensors.items():
        begin, end = end, end + one.numel() * one.element_size()
        code = CODES[str(one.dtype).removeprefix("torch.")]
        entries[key] = {"dtype": code, "shape": list(one.shape), "data_offsets": [begin, end]}
    head = json.dumps(entries).encode()
    path = tmp_path / "model.safetensors"
    with path.open("w+b") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        size = file.tell() + end
        try:
            os.truncate(path, size)
        except OSError:
            pytest.skip(f"this file system has no room for a hole of {size} bytes")
        asked = 0

        def read(offset: int, length: int) -> bytes:
            nonlocal asked
            asked += length
            return os.pread(file.fileno(), length, offset)

        header = read_header("safetensors", size, read)
    assert header.bytes == expected
    assert len(header.tensors) == COUNTED[name]["tensors"]
    assert asked < len(head) + 200_000


@pytest.mark.parametrize("name", ["gpt2", "lfm2-1.2b", "gemma-3-4b-it"])
def test_the_table_is_what_transformers_keeps_today(name: str) -> None:
    model, told = build(published(name)), from_config(published(name))
    assert told is not None
    tokens = 1000
    assert kept(model, tokens, 1) == pytest.approx(told.cache_bytes(tokens), rel=0.03)
