"""Files that are not what they say, or do more than hold weights."""

from __future__ import annotations

import collections
import io
import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy
import torch
from safetensors.numpy import save


class Runs:
    """Has a program run by whoever unpickles it."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self._marker}",)


def honest(*, older: bool = False) -> bytes:
    """What `torch.save` writes, in its present form or in the one before."""
    weights = collections.OrderedDict(a=torch.ones(10), b=torch.zeros(3, dtype=torch.bfloat16))
    stream = io.BytesIO()
    torch.save(weights, stream, _use_new_zipfile_serialization=not older)
    return stream.getvalue()


def honest_pickle() -> bytes:
    """A pickle that brings nothing in."""
    return pickle.dumps({"a": 1}, 2)


def archive(members: Mapping[str, bytes], packed: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packed) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


def hidden_import() -> bytes:
    """`os.system` by STACK_GLOBAL, its name taken from the memo."""
    return b"\x80\x04\x8c\x06system\x940\x8c\x02os\x94h\x01h\x00\x93\x8c\x04true\x85R."


def made_up_import() -> bytes:
    """An import whose name is computed while it is read: here the item of a tuple."""
    return b"\x80\x04\x8c\x02os\x8c\x06system\x86\x8c\x02os)\x93)R."


def safetensors() -> bytes:
    return save({"a": numpy.ones(10, numpy.float32)})


def hostile(marker: Path) -> dict[str, bytes]:
    """Pickles that run something when they are unpickled, by how they go about it."""
    plain = pickle.dumps(Runs(marker), 2)
    whole = pickle.dumps({"a": 1, "b": Runs(marker)}, 4)
    return {
        "reduce": plain,
        "text": pickle.dumps(Runs(marker), 0),
        "framed": whole,
        "broken tail": whole[:-1] + b"\xff\xff\xff",
        "in an archive": archive({"archive/data.pkl": plain, "archive/version": b"3"}),
        "in capitals": archive({"a/data.pkl": honest_pickle(), "A/DATA.pkl": plain}),
        "in a packed archive": archive({"a/data.pkl": plain}, zipfile.ZIP_DEFLATED),
        "from the memo": hidden_import(),
        "made up": made_up_import(),
        "pip": b"\x80\x02cpip\nmain\n](X\x07\x00\x00\x00installX\x04\x00\x00\x00evile\x85R.",
        "resolved": b"\x80\x02cpkgutil\nresolve_name\nX\x09\x00\x00\x00os:system\x85R.",
        "of torch": b"\x80\x02ctorch.hub\nload\nX\x01\x00\x00\x00x\x85R.",
        "an attribute": b"\x80\x04\x8c\x05torch\x8c\x0chub.__dict__\x93.",
        "an extension": b"\x80\x02\x82\x07.",
        "INST": b"(S'true'\nios\nsystem\n.",
        "older form": _older(marker),
    }


def under_other_heads(marker: Path) -> dict[str, bytes]:
    """Pickles that begin as something else does, and run something when they are unpickled."""
    runs = pickle.dumps(Runs(marker), 2)[2:]
    return {
        "safetensors": b"\x80\x02X\x02\0\0\0\0{0" + runs,
        "gguf": b"GGUF\x03\0\0\0\x010" + runs,
        "nothing": b"N0" + runs,
    }


def _older(marker: Path) -> bytes:
    """The older form of torch, with a second pickle that runs something."""
    first = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    return first + pickle.dumps(1001, 2) + pickle.dumps(Runs(marker), 2)
