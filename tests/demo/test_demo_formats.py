"""Every format that the demo writes is opened by the reader of its own project."""

from __future__ import annotations

import hashlib
import struct
import zipfile
from pathlib import Path

import numpy
import pytest
from gguf import GGUFReader, dequantize
from safetensors import safe_open

from tui_hub.demo.content import Bytes, Content, Disk, Joined, Weights, chunks
from tui_hub.demo.formats.gguf import QUANTISATIONS, decoder_gguf, gguf
from tui_hub.demo.formats.litert import litertlm, task_bundle, tflite
from tui_hub.demo.formats.pickles import torch_pickle
from tui_hub.demo.formats.safetensors import safetensors, sharded
from tui_hub.demo.formats.tensors import BITS, Decoder, Tensor
from tui_hub.demo.repository import RepositoryFile
from tui_hub.demo.tokens import tokenizer_files, vocabulary

torch = pytest.importorskip("torch", reason="torch is tested on Python 3.11")

DECODER = Decoder(2, hidden=256, intermediate=512, heads=4, kv_heads=2)


def write(content: Content, path: Path) -> Path:
    with path.open("wb") as file:
        file.writelines(chunks(content, 0, content.size))
    assert path.stat().st_size == content.size
    return path


def test_safetensors_of_every_type(tmp_path: Path) -> None:
    tensors = [Tensor(dtype, (16, 8), dtype) for dtype in BITS]
    path = write(safetensors(tensors, "seed"), tmp_path / "a.safetensors")
    with safe_open(path, "pt") as file:
        loaded = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert set(loaded) == set(BITS)
    assert all(tensor.shape == (16, 8) for tensor in loaded.values())
    assert loaded["BF16"].dtype is torch.bfloat16
    assert loaded["BOOL"].any()
    for tensor in loaded.values():
        assert torch.isfinite(tensor.float()).all()
    assert 0.01 < float(loaded["F32"].std()) < 0.03


def test_shards_hold_what_the_index_says(tmp_path: Path) -> None:
    *shards, index = sharded(DECODER.tensors("F16"), "seed", 3)
    assert index.path == "model.safetensors.index.json"
    assert [file.path for file in shards] == [
        f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)
    ]
    names: list[str] = []
    for file in shards:
        with safe_open(write(file.content, tmp_path / file.path), "pt") as opened:
            names += opened.keys()
    assert sorted(names) == sorted(tensor.name for tensor in DECODER.tensors("F16"))


@pytest.mark.parametrize("quantisation", QUANTISATIONS)
def test_gguf_in_every_quantisation(tmp_path: Path, quantisation: str) -> None:
    content = decoder_gguf(DECODER, quantisation, "test", vocabulary())
    reader = GGUFReader(write(content, tmp_path / "a.gguf"))
    fields = {
        name: reader.get_field(name) for name in ("general.architecture", "llama.block_count")
    }
    assert [field.contents() for field in fields.values() if field] == ["llama", 2]
    assert len(reader.get_field("tokenizer.ggml.tokens").contents()) == 1024
    assert len(reader.tensors) == len(DECODER.tensors("F32"))
    last = reader.tensors[-2]
    assert last.data_offset + last.n_bytes <= content.size
    for tensor in reader.tensors[:4]:
        assert numpy.isfinite(dequantize(tensor.data, tensor.tensor_type)).all()


def test_gguf_tensors_begin_on_aligned_places(tmp_path: Path) -> None:
    tensors = [("F32", Tensor(name, (count,))) for name, count in (("a", 3), ("b", 5), ("c", 9))]
    path = write(gguf({"general.architecture": "none"}, tensors, "seed"), tmp_path / "a.gguf")
    for tensor in GGUFReader(path).tensors:
        assert tensor.data_offset % 32 == 0
        right = Weights("F32", int(tensor.n_bytes), f"seed/{tensor.name}")
        assert tensor.data.tobytes() == right.read(0, right.size)


def test_a_pickle_loads_as_weights_only(tmp_path: Path) -> None:
    tensors = [Tensor("a.weight", (4, 3, 2)), Tensor("b", (7,), "F16"), Tensor("c", (2, 2), "BF16")]
    path = write(torch_pickle(tensors, "seed"), tmp_path / "a.bin")
    state = torch.load(path, weights_only=True)
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == {
        tensor.name: tensor.shape for tensor in tensors
    }
    assert state["a.weight"].is_contiguous()


def test_a_tflite_file_is_a_flatbuffer(tmp_path: Path) -> None:
    content = tflite(50_000, "seed")
    data = content.read(0, content.size)
    assert (len(data), data[4:8]) == (50_000, b"TFL3")
    root = struct.unpack_from("<I", data)[0]
    table = root - struct.unpack_from("<i", data, root)[0]
    version, _, _, description = struct.unpack_from("<4H", data, table + 4)
    assert struct.unpack_from("<I", data, root + version)[0] == 3
    text = root + description + struct.unpack_from("<I", data, root + description)[0]
    length = struct.unpack_from("<I", data, text)[0]
    assert data[text + 4 : text + 4 + length] == b"seed, made by the demo hub"


def test_the_other_forms_for_small_devices(tmp_path: Path) -> None:
    assert litertlm(1000, "seed").read(0, 8) == b"LITERTLM"
    assert litertlm(1000, "seed").size == 1000
    with zipfile.ZipFile(write(task_bundle(9000, "seed"), tmp_path / "a.task")) as bundle:
        assert bundle.testzip() is None
        assert bundle.read("TF_LITE_PREFILL_DECODE")[4:8] == b"TFL3"


def test_the_tokenizer_is_one_that_tokenizers_would_load() -> None:
    words = vocabulary()
    assert len(set(words)) == len(words) == 1024
    assert [file.path for file in tokenizer_files()] == ["tokenizer.json", "tokenizer_config.json"]


def test_any_range_of_any_content_is_the_same_bytes(tmp_path: Path) -> None:
    weights = Weights("Q4_K", 100_003, "seed")
    disk = tmp_path / "file"
    disk.write_bytes(b"0123456789" * 30)
    joined = Joined([Bytes(b"head"), weights, Bytes(b""), Disk(disk)])
    whole = joined.read(0, joined.size)
    assert len(whole) == joined.size == 4 + 100_003 + 300
    assert whole[:4] + whole[-10:] == b"head0123456789"
    for start, length in ((0, 5), (3, 70_000), (36_860, 9), (100_000, 9999), (joined.size, 5)):
        assert joined.read(start, length) == whole[start : start + length]
    assert b"".join(chunks(joined, 0, joined.size, 7777)) == whole
    assert Weights("Q4_K", 100_003, "other").read(0, 100) != weights.read(0, 100)


def test_a_file_on_disk_is_served_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"abc" * 1000)
    file = RepositoryFile("model.bin", path)
    assert (file.size, file.large) == (3000, True)
    assert file.digests.sha256 == hashlib.sha256(b"abc" * 1000).hexdigest()
