"""Safetensors headers: what the library itself writes, and what nobody should."""

from __future__ import annotations

import contextlib
import json
import struct
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_headers import entry, reader, safetensors

from tui_hub.formats import Header, HeaderError, read_header
from tui_hub.formats.safetensors import BITS, HEADER_LIMIT


def read(content: bytes, size: int | None = None) -> Header:
    """The header of a file in memory."""
    return read_header("safetensors", size or len(content), reader(content))


def test_every_type_that_torch_saves_is_counted_to_the_byte(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    save = pytest.importorskip("safetensors.torch").save_file
    names = (
        *("float64", "float32", "float16", "bfloat16", "complex64", "bool"),
        *("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"),
        *("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"),
    )
    tensors = {name: torch.zeros(3, 5, dtype=torch.float32).to(getattr(torch, name))
               for name in names}  # fmt: skip
    tensors |= {"empty": torch.zeros(0, 4096), "scalar": torch.tensor(1.0)}
    if hasattr(torch, "float4_e2m1fn_x2"):
        tensors["packed"] = torch.zeros(4, 8, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
    path = tmp_path / "model.safetensors"
    save(tensors, path, metadata={"format": "pt", "title": "ünï"})
    header = read(path.read_bytes())
    assert {one.name: one.bytes for one in header.tensors} == {
        name: tensor.numel() * tensor.element_size() for name, tensor in tensors.items()
    }
    assert header.length + header.bytes == path.stat().st_size
    assert header.metadata == {"format": "pt", "title": "ünï"}
    assert header.bytes_by_dtype["F8_E4M3"] == 15
    assert header.bytes_by_dtype["F64"] == 120


@pytest.mark.parametrize("dtype", BITS)
def test_the_bits_of_a_type_are_those_of_the_library(dtype: str) -> None:
    library = pytest.importorskip("safetensors")
    size = BITS[dtype]
    content = safetensors({"t": entry(dtype, [8], 0, size)}, size)
    ((_, theirs),) = library.deserialize(content)
    assert (theirs["dtype"], len(theirs["data"])) == (dtype, read(content).bytes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(struct.pack("<Q", 2**63) + b"{}", "claims", id="length 2^63"),
        pytest.param(struct.pack("<Q", 2**64 - 1) + b"{}", "claims", id="length 2^64-1"),
        pytest.param(struct.pack("<Q", 50) + b"{}", "beyond the end", id="length over the file"),
        pytest.param(struct.pack("<Q", 0), "begin with", id="no header"),
        pytest.param(b"\0" * 7, "too short", id="seven bytes"),
        pytest.param(b"", "too short", id="nothing"),
        pytest.param(safetensors(b" {}"), "begin with", id="leading blank"),
        pytest.param(safetensors(b"[" * 200_000), "begin with", id="deep list"),
        pytest.param(safetensors(b'{"a":' + b"[" * 200_000), "not JSON", id="deep value"),
        pytest.param(safetensors(b'{"a":' * 100_000), "not JSON", id="deep object"),
        pytest.param(safetensors(b"{\xff}"), "not JSON", id="no text"),
        pytest.param(safetensors(b"{} x"), "not JSON", id="more than JSON"),
        pytest.param(safetensors({"t": 1}), "lacks", id="no tensor"),
        pytest.param(safetensors({"t": {"dtype": "F32"}}), "lacks", id="half a tensor"),
        pytest.param(safetensors({"t": entry("F33", [1], 0, 4)}, 4), "type", id="type"),
        pytest.param(safetensors({"t": entry("F32", [-1], 0, 4)}, 4), "shape", id="negative"),
        pytest.param(safetensors({"t": entry("F32", [1], 4, 0)}, 4), "place", id="backwards"),
        pytest.param(safetensors({"t": entry("F32", [1], -4, 0)}, 4), "place", id="before"),
        pytest.param(safetensors({"t": entry("F32", [2], 0, 4)}, 4), "place", id="shape and place"),
        pytest.param(safetensors({"t": entry("F4", [3], 0, 1)}, 1), "place", id="half a byte"),
        pytest.param(
            safetensors({"t": entry("F32", [2**40, 2**40], 0, 4)}, 4), "place", id="product"
        ),
        pytest.param(
            safetensors({"t": entry("F32", [2**62, 0], 0, 0)}), "shape", id="huge and empty"
        ),
        pytest.param(safetensors({"t": entry("F32", [1] * 65, 0, 4)}, 4), "shape", id="dimensions"),
        pytest.param(
            safetensors({"a": entry("U8", [4], 0, 4), "b": entry("U8", [4], 2, 6)}, 6),
            "overlap", id="overlap",
        ),
        pytest.param(
            safetensors({"a": entry("U8", [2], 0, 2), "b": entry("U8", [2], 4, 6)}, 6),
            "hole", id="hole",
        ),
        pytest.param(safetensors({"a": entry("U8", [4], 0, 4)}, 8), "accounts", id="more behind"),
        pytest.param(safetensors({"a": entry("U8", [4], 0, 4)}, 3), "accounts", id="cut off"),
        pytest.param(
            safetensors(
                b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},'
                b'"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}', 4
            ),
            "hole", id="two of one name",
        ),
        pytest.param(
            safetensors(b"{" + b",".join(
                b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' % n for n in range(200_001)
            ) + b"}"),
            "200000 tensors", id="too many",
        ),
        pytest.param(b"\x80\x02}q\x00." + bytes(100), "claims", id="a pickle"),
    ],
)  # fmt: skip
def test_a_hostile_header_is_refused_at_once(content: bytes, words: str) -> None:
    started = time.thread_time()
    with pytest.raises(HeaderError, match=words) as caught:
        read(content)
    assert time.thread_time() - started < 2
    assert caught.value.code == "corrupt"
    assert caught.value.message.isprintable()


def test_a_polyglot_is_refused() -> None:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("evil.py", "boom")
    with pytest.raises(HeaderError, match="accounts"):
        read(safetensors({"a": entry("U8", [4], 0, 4)}, 4) + archive.getvalue())


def test_a_header_over_the_limit_is_not_even_read() -> None:
    asked: list[tuple[int, int]] = []
    content = struct.pack("<Q", HEADER_LIMIT + 1) + b"{"
    with pytest.raises(HeaderError, match="more than"):
        read_header("safetensors", 10**12, lambda offset, length: asked.append((offset, length))
                    or content.ljust(length, b" "))  # fmt: skip
    assert len(asked) == 1


def test_strange_metadata_and_names_are_only_data() -> None:
    name = "\x1b[2J../../x"
    header = {
        "__metadata__": {"n": 1, "title": "\x1b]0;x\x07", "long": "x" * 100_000},
        name: entry("U8", [4], 0, 4),
    }
    found = read(safetensors(header, 4))
    assert [one.name for one in found.tensors] == [name]
    assert found.metadata["title"] == "\x1b]0;x\x07"
    assert "n" not in found.metadata
    assert len(str(found.metadata["long"])) == 4096
    odd = read(safetensors({"__metadata__": 7, "t": entry("U8", [4], 0, 4)}, 4))
    assert (odd.metadata, odd.bytes) == ({}, 4)


def test_a_long_header_costs_one_more_read() -> None:
    tensors = {f"layer.{n}.weight": entry("BF16", [2], n * 4, n * 4 + 4) for n in range(5000)}
    content = safetensors(tensors, 20_000)
    (length,) = struct.unpack_from("<Q", content)
    asked: list[tuple[int, int]] = []
    header = read_header("safetensors", len(content), reader(content, asked))
    assert header.bytes == 20_000
    assert asked == [(0, 131_072), (131_072, 8 + length - 131_072)]


def test_a_file_that_ends_early_is_damaged() -> None:
    content = safetensors({"t": entry("F32", [1], 0, 4)}, 4)
    with pytest.raises(HeaderError, match="ends after"):
        read(content[:-2], len(content))


@given(st.binary(max_size=200))
def test_any_bytes_give_a_header_or_the_one_error(content: bytes) -> None:
    with contextlib.suppress(HeaderError):
        read(content)


@given(st.recursive(
    st.none() | st.integers() | st.floats() | st.text() | st.sampled_from(list(BITS)),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(("__metadata__", "t", "dtype", "shape", "data_offsets")),
                      inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_any_json_gives_a_header_or_the_one_error(document: object) -> None:
    with contextlib.suppress(HeaderError):
        read(safetensors(json.dumps(document).encode(), 8))


@given(st.lists(st.tuples(st.sampled_from(list(BITS)), st.lists(st.integers(0, 6), max_size=3))))
def test_what_is_right_is_read_right(made: list[tuple[str, list[int]]]) -> None:
    header, position = {}, 0
    for number, (dtype, shape) in enumerate(made):
        bits = BITS[dtype]
        for length in shape:
            bits *= length
        if bits % 8:
            continue
        header[f"t{number}"] = entry(dtype, shape, position, position + bits // 8)
        position += bits // 8
    found = read(safetensors(header, position))
    assert found.bytes == position
    assert {one.name: list(one.shape) for one in found.tensors} == {
        name: one["shape"] for name, one in header.items()
    }
