"""What a weights file really is, and what a pickle would import; nothing of it is ever run."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import torch
from hostile_pickles import archive, honest, hostile, safetensors, under_other_heads
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_hub.formats.pickles import Content, examine

RAN = Path(tempfile.gettempdir(), f"tui-hub-tests-ran-{os.getpid()}")
WHOLE = {
    **hostile(RAN),
    "honest": honest(),
    "honest and older": honest(older=True),
    "honest and packed": archive({"a/data.pkl": honest(older=True)}, zipfile.ZIP_DEFLATED),
}
"""What is damaged, made once."""


def look(tmp_path: Path, content: bytes) -> tuple[Content, tuple[str, ...], bool]:
    file = tmp_path / "file"
    file.write_bytes(content)
    found = examine(file)
    return found.content, found.foreign, found.whole


@pytest.mark.parametrize("older", [False, True])
def test_what_torch_writes_asks_for_nothing_else(tmp_path: Path, older: bool) -> None:
    assert look(tmp_path, honest(older=older)) == (Content.PICKLE, (), True)


def test_so_does_a_module_with_everything_in_its_state(tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
    stream = io.BytesIO()
    state = {
        "module": module.state_dict(),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "size": torch.Size([1, 2]),
        "dtype": [torch.float16, torch.int8, torch.float8_e4m3fn, torch.bool, torch.long],
        "device": torch.device("cpu"),
        "set": {1, 2},
        "sparse": torch.eye(3).to_sparse(),
    }
    torch.save(state, stream)
    assert look(tmp_path, stream.getvalue()) == (Content.PICKLE, (), True)


@pytest.mark.parametrize("name", hostile(Path("x")))
def test_what_runs_a_program_is_named(tmp_path: Path, name: str) -> None:
    marker = tmp_path / "ran"
    content, foreign, _ = look(tmp_path, hostile(marker)[name])
    assert content is Content.PICKLE and foreign, (name, content, foreign)
    assert not marker.exists()
    wanted = {"made up": "what it makes up", "pip": "pip.main", "resolved": "pkgutil.resolve_name",
              "of torch": "torch.hub.load", "an attribute": "torch.hub.__dict__",
              "an extension": "copyreg extension 7"}.get(name, "system")  # fmt: skip
    assert wanted in foreign[0]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (safetensors(), Content.SAFETENSORS),
        (b"GGUF\x03\0\0\0", Content.GGUF),
        (b"7z\xbc\xaf\x27\x1c", Content.ARCHIVE),
        (archive({"readme": b"x"}), Content.ARCHIVE),
        (archive({"m/code/x.py": b"", "m/constants.pkl": b"", "m/data.pkl": b""}),
         Content.TORCHSCRIPT),
        (b"PK\x03\x04 and nothing more", Content.ARCHIVE),
        (bytes(257) + b"ustar", Content.ARCHIVE),
        (b"", Content.UNKNOWN),
        (b"\x80", Content.UNKNOWN),
        (b"plain words", Content.UNKNOWN),
        (bytes(1000), Content.UNKNOWN),
    ],
    ids=["safetensors", "GGUF", "7z", "zip", "TorchScript", "cut zip", "tar", "nothing", "a byte",
         "words", "zeros"],
)  # fmt: skip
def test_a_format_is_known_by_its_bytes(tmp_path: Path, content: bytes, wanted: Content) -> None:
    assert look(tmp_path, content)[0] is wanted


@pytest.mark.parametrize("name", under_other_heads(Path("x")))
def test_the_head_of_another_format_hides_no_pickle(tmp_path: Path, name: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(under_other_heads(RAN)[name])
    assert examine(file).content is not Content.PICKLE
    found = examine(file, unpickled=True)
    assert found.content is Content.PICKLE and "system" in found.foreign[0]
    file.write_bytes(safetensors())
    assert examine(file, unpickled=True).content is Content.SAFETENSORS


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_a_script_of_torch_is_told_from_weights(tmp_path: Path) -> None:
    scripted = torch.jit.script(torch.nn.Linear(2, 2))
    scripted.save(str(tmp_path / "file.pt"))
    assert examine(tmp_path / "file.pt").content is Content.TORCHSCRIPT


def test_hostile_sizes_cost_nothing(tmp_path: Path) -> None:
    """Strings of 2^60 bytes, a packed bomb, an archive's directory of 4 GB."""
    tracemalloc.start()
    assert look(tmp_path, b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b"abc.")[2] is False
    assert look(tmp_path, b"\x80\x02" + b"(" * 1_000_000)[2] is False
    bomb = archive({"a/data.pkl": bytes(200_000_000)}, zipfile.ZIP_DEFLATED)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[1]
    assert look(tmp_path, bomb)[2] is False
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, 2**32 - 2, 0, 0)
    assert look(tmp_path, b"PK\x03\x04" + bytes(100) + end) == (Content.ARCHIVE, (), False)
    assert tracemalloc.get_traced_memory()[1] - before < 100_000_000
    tracemalloc.stop()


def test_a_long_number_is_no_trap(tmp_path: Path) -> None:
    assert look(tmp_path, b"\x80\x02L" + b"9" * 100_000 + b"L\n.")[2] is False
    assert look(tmp_path, pickle.dumps({"a": 2**5000}, 2)) == (Content.PICKLE, (), True)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_is_damaged_is_looked_at_and_no_more(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = bytearray(WHOLE[data.draw(st.sampled_from(sorted(WHOLE)))])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, max(len(content) - 1, 0)))
        content[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    look(folder, bytes(content))
    assert not RAN.exists()
