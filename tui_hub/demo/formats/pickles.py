"""`pytorch_model.bin` as `torch.save` writes it: a zip with a pickle and raw storages.

Only the opcodes that rebuild tensors are written, so that `weights_only` loads it and nothing else
can happen. Format: `torch/serialization.py`, opcodes: `pickletools`.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Sequence

from tui_hub.demo.content import Bytes, Content, Weights
from tui_hub.demo.formats.tensors import Tensor

_STORAGES = {"F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage"}
_ORDERED = b"ccollections\nOrderedDict\n)R"
_REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


def torch_pickle(tensors: Sequence[Tensor], seed: str) -> Content:
    """A state dictionary with these tensors, in memory: meant for small ones."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:

        def write(name: str, data: bytes) -> None:
            entry = zipfile.ZipInfo(f"archive/{name}", (2026, 1, 1, 0, 0, 0))
            archive.writestr(entry, data)

        write("data.pkl", _state(tensors))
        write("byteorder", b"little")
        for number, tensor in enumerate(tensors):
            weights = Weights(tensor.dtype, tensor.size, f"{seed}/{tensor.name}")
            write(f"data/{number}", weights.read(0, weights.size))
        write("version", b"3\n")
    return Bytes(buffer.getvalue())


def _state(tensors: Sequence[Tensor]) -> bytes:
    items = b"".join(_text(one.name) + _tensor(number, one) for number, one in enumerate(tensors))
    return b"\x80\x02" + _ORDERED + b"(" + items + b"u."


def _tensor(number: int, tensor: Tensor) -> bytes:
    """`_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)`."""
    storage = f"ctorch\n{_STORAGES[tensor.dtype]}\n".encode()
    persistent = b"(" + _text("storage") + storage + _text(str(number)) + _text("cpu")
    persistent += _number(tensor.count) + b"tQ"
    strides = [math.prod(tensor.shape[axis + 1 :]) for axis in range(len(tensor.shape))]
    arguments = persistent + _number(0) + _tuple(tensor.shape) + _tuple(strides)
    return _REBUILD + b"(" + arguments + b"\x89" + _ORDERED + b"tR"


def _text(text: str) -> bytes:
    data = text.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _number(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def _tuple(numbers: Sequence[int]) -> bytes:
    return b"(" + b"".join(map(_number, numbers)) + b"t"
