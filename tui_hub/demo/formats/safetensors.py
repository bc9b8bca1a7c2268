"""Safetensors files: a little-endian length, a JSON header, the tensors one after the other.

Format: `safetensors` README, section "Format".
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

from tui_hub.demo.content import Bytes, Content, Joined, Weights
from tui_hub.demo.formats.tensors import Tensor
from tui_hub.demo.repository import RepositoryFile


def safetensors(tensors: Sequence[Tensor], seed: str) -> Content:
    """One file with these tensors."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    position = 0
    for tensor in tensors:
        end = position + tensor.size
        shape = list(tensor.shape)
        header[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": shape,
            "data_offsets": [position, end],
        }
        position = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = [Weights(tensor.dtype, tensor.size, f"{seed}/{tensor.name}") for tensor in tensors]
    return Joined([Bytes(struct.pack("<Q", len(text)) + text), *data])


def sharded(tensors: Sequence[Tensor], seed: str, shards: int) -> list[RepositoryFile]:
    """The same in several files of about one size, with the index that leads to them."""
    total = sum(tensor.size for tensor in tensors)
    groups: list[list[Tensor]] = [[] for _ in range(shards)]
    position = 0
    for tensor in tensors:
        groups[min(position * shards // total, shards - 1)].append(tensor)
        position += tensor.size
    names = [f"model-{number + 1:05}-of-{shards:05}.safetensors" for number in range(shards)]
    places = {
        tensor.name: name for name, group in zip(names, groups, strict=True) for tensor in group
    }
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    files = [
        RepositoryFile(name, safetensors(group, seed))
        for name, group in zip(names, groups, strict=True)
    ]
    document = json.dumps(index, indent=2).encode()
    return [*files, RepositoryFile("model.safetensors.index.json", document)]
