"""GGUF headers: what the `gguf` package writes, and what nobody should."""

from __future__ import annotations

import contextlib
import struct
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_headers import ARRAY, STRING, U8, U32, array, gguf, pair, reader, record, text

from tui_hub.formats import Header, HeaderError, read_header
from tui_hub.formats.ggml import TYPES
from tui_hub.formats.gguf import HEADER_LIMIT


def read(content: bytes, size: int | None = None) -> Header:
    """The header of a file in memory."""
    return read_header("gguf", size or len(content), reader(content))


def test_the_table_of_types_is_that_of_the_gguf_package() -> None:
    constants = pytest.importorskip("gguf.constants")
    theirs = {int(kind): (kind.name, *sizes) for kind, sizes in constants.GGML_QUANT_SIZES.items()}
    ours = {number: (one.name, one.values, one.size) for number, one in TYPES.items()}
    assert ours.items() >= theirs.items()


def test_a_real_file_is_read_to_the_byte(tmp_path: Path) -> None:
    library = pytest.importorskip("gguf")
    numpy = pytest.importorskip("numpy")
    path = tmp_path / "model.gguf"
    writer = library.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_context_length(8192)
    writer.add_head_count(8)
    writer.add_head_count_kv([2, 4])
    writer.add_string("general.name", "ünï")
    writer.add_float32("llama.rope.freq_base", 10000.0)
    writer.add_bool("x.flag", True)
    writer.add_token_list([f"word{number}" for number in range(150_000)])
    writer.add_token_scores([0.5] * 150_000)
    writer.add_uint16("split.count", 3)
    for kind in (library.GGMLQuantizationType.Q8_0, library.GGMLQuantizationType.Q4_0):
        values = numpy.ones((4, 256), dtype=numpy.float32)
        packed = library.quants.quantize(values, kind)
        writer.add_tensor(f"{kind.name}.weight", packed, raw_dtype=kind)
    writer.add_tensor("norm.weight", numpy.ones(7, dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    asked: list[tuple[int, int]] = []
    content = path.read_bytes()
    header = read_header("gguf", len(content), reader(content, asked))
    theirs = {one.name: (one.tensor_type.name, int(one.n_bytes), tuple(map(int, one.shape)))
              for one in library.GGUFReader(path).tensors}  # fmt: skip
    assert {one.name: (one.dtype, one.bytes, one.shape) for one in header.tensors} == theirs
    assert header.bytes_by_dtype == {"Q8_0": 1088, "Q4_0": 576, "F32": 28}
    assert header.metadata["general.architecture"] == "llama"
    assert header.metadata["general.name"] == "ünï"
    assert header.metadata["llama.block_count"] == 2
    assert header.metadata["llama.attention.head_count_kv"] == (2, 4)
    assert header.metadata["split.count"] == 3
    assert header.metadata["x.flag"] is True
    assert "tokenizer.ggml.tokens" not in header.metadata
    assert asked[0] == (0, 131_072)
    assert len(asked) <= 4, "a vocabulary of 150 000 words needs few reads"
    assert all(before + length == after for (before, length), (after, _) in pairwise(asked))


@pytest.mark.parametrize("version", [2, 3])
def test_both_versions_are_read(version: int) -> None:
    header = read(gguf(records=(record("t", (32, 2), 2),), data=36, version=version))
    assert (header.length % 32, header.bytes) == (0, 36)


def test_another_alignment_is_obeyed() -> None:
    records = (record("a", (3,), 24, 0), record("b", (3,), 24, 64))
    content = gguf(pair("general.alignment", U32, struct.pack("<I", 64)), records=records)
    header = read(content.ljust(-(-len(content) // 64) * 64 + 67, b"\0"))
    assert header.length % 64 == 0
    assert [one.name for one in header.tensors] == ["a", "b"]


def nested(depth: int) -> bytes:
    """An array in an array in an array."""
    return array(ARRAY, 1) * depth + array(U8, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "claims more", id="nothing"),
        pytest.param(b"GGU", "claims more", id="three bytes"),
        pytest.param(b"GGML" + bytes(60), "no GGUF", id="magic"),
        pytest.param(gguf(version=1), "version 1", id="version 1"),
        pytest.param(gguf(version=99), "version 99", id="version 99"),
        pytest.param(gguf(version=3 << 24), "big-endian", id="big-endian"),
        pytest.param(gguf(counts=(0, 2**64 - 1)), "keys", id="pairs 2^64-1"),
        pytest.param(gguf(counts=(0, 60_000)), "claims more", id="pairs"),
        pytest.param(gguf(counts=(2**64 - 1, 0)), "tensors", id="tensors 2^64-1"),
        pytest.param(gguf(counts=(100_000, 0)), "claims more", id="tensors"),
        pytest.param(gguf(pair("k", STRING, struct.pack("<Q", 2**64 - 1))), "more", id="string"),
        pytest.param(gguf(pair("k", STRING, struct.pack("<Q", 2**40))), "more", id="string 2^40"),
        pytest.param(gguf(struct.pack("<Q", 2**63) + bytes(9)), "more", id="key"),
        pytest.param(gguf(pair("k", ARRAY, array(U8, 2**60))), "more", id="array 2^60"),
        pytest.param(gguf(pair("k", ARRAY, array(STRING, 2**60))), "more", id="strings 2^60"),
        pytest.param(gguf(pair("k", ARRAY, array(STRING, 10**9))), "more", id="strings 10^9"),
        pytest.param(
            gguf(pair("k", ARRAY, array(STRING, 2, struct.pack("<QQ", 2**62, 0)))), "more",
            id="string in array",
        ),
        pytest.param(gguf(pair("k", ARRAY, array(ARRAY, 2**60))), "more", id="arrays 2^60"),
        pytest.param(gguf(pair("k", ARRAY, nested(100_000))), "without end", id="nested"),
        pytest.param(
            gguf(pair("k", ARRAY, array(ARRAY, 70_000, array(U8, 0) * 70_000))), "without end",
            id="many arrays",
        ),
        pytest.param(gguf(pair("k", 99, bytes(8))), "type 99", id="value type"),
        pytest.param(gguf(pair("k", ARRAY, array(99, 1, bytes(8)))), "type 99", id="array type"),
        pytest.param(gguf(*(pair("k", U8, b"\1"),) * 2), "two values", id="two of one key"),
        pytest.param(
            gguf(records=(text("t") + struct.pack("<I", 2**32 - 1) + bytes(64),)), "dimensions",
            id="dimensions",
        ),
        pytest.param(
            gguf(records=(record("t", (2**40, 2**40)),), data=64), "beyond", id="product"
        ),
        pytest.param(gguf(records=(record("t", (2**63, 0)),), data=64), "shape", id="huge, empty"),
        pytest.param(gguf(records=(record("t", (1,), 99),), data=64), "type 99", id="tensor type"),
        pytest.param(gguf(records=(record("t", (33,), 2),), data=64), "blocks", id="half a block"),
        pytest.param(
            gguf(records=(record("t", (1,), 0, 2**63),), data=64), "beyond", id="offset"
        ),
        pytest.param(gguf(records=(record("t", (17,)),), data=64), "beyond", id="cut off"),
        pytest.param(
            gguf(records=(record("a", (16,)), record("b", (16,), 0, 32)), data=128), "overlap",
            id="overlap",
        ),
        pytest.param(gguf(pair("general.alignment", U32, bytes(4))), "alignment", id="alignment"),
        pytest.param(
            gguf(pair("general.alignment", U32, struct.pack("<I", 2**31))), "alignment",
            id="alignment 2^31",
        ),
        pytest.param(gguf(pair("general.alignment", STRING, text("x"))), "alignment", id="text"),
    ],
)  # fmt: skip
def test_a_hostile_header_is_refused_at_once(content: bytes, words: str) -> None:
    started = time.thread_time()
    with pytest.raises(HeaderError, match=words) as caught:
        read(content)
    assert time.thread_time() - started < 2
    assert caught.value.message.isprintable()


def test_a_header_without_end_stops_at_the_limit() -> None:
    head = gguf(counts=(0, 1))[:24] + pair("k", ARRAY, array(STRING, 8_000_000))
    asked: list[tuple[int, int]] = []

    def endless(offset: int, length: int) -> bytes:
        asked.append((offset, length))
        return (head[offset:] if offset < len(head) else b"")[:length].ljust(length, b"\1")

    started = time.thread_time()
    with pytest.raises(HeaderError):
        read_header("gguf", 10**12, endless)
    assert time.thread_time() - started < 5
    assert sum(length for _, length in asked) <= HEADER_LIMIT


def test_a_vocabulary_that_fills_the_limit_is_skipped_quickly() -> None:
    count = 3_000_000
    content = gguf(pair("k", ARRAY, array(STRING, count, text("x") * count)))
    started = time.thread_time()
    assert read(content).tensors == ()
    assert time.thread_time() - started < 5


def test_foreign_text_is_only_data_and_bounded() -> None:
    hostile = b"\x1b]52;c;x\x07[/]\xff" + b"{{''.__class__}}" * 1000
    header = read(gguf(pair("general.name", STRING, text(hostile)),
                       pair("split.count", 2, struct.pack("<H", 65535))))  # fmt: skip
    assert str(header.metadata["general.name"]).startswith("\x1b]52;c;x\x07[/]�{{''.")
    assert len(str(header.metadata["general.name"])) <= 4096
    assert header.metadata["split.count"] == 65535


@given(st.binary(max_size=300))
def test_any_bytes_give_a_header_or_the_one_error(content: bytes) -> None:
    for whole in (content, gguf(counts=(1, 2))[:24] + content):
        with contextlib.suppress(HeaderError):
            read(whole)


@given(st.data())
def test_any_change_of_a_good_file_gives_a_header_or_the_one_error(data: st.DataObject) -> None:
    good = gguf(
        pair("general.architecture", STRING, text("llama")),
        pair("llama.block_count", U32, struct.pack("<I", 2)),
        pair("k", ARRAY, array(STRING, 2, text("a") + text("b"))),
        records=(record("t", (32, 2), 2),),
        data=36,
    )
    place = data.draw(st.integers(0, len(good) - 9))
    changed = good[:place] + data.draw(st.binary(min_size=8, max_size=8)) + good[place + 8 :]
    with contextlib.suppress(HeaderError):
        read(changed)
