"""Files that are damaged or mean harm: refused with the reason, at no great cost.

The numbers are those of the list of hostile inputs that the readers are built against.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from weight_files import sparse_weights, write_header

from tui_hub.runtime.torch_child.files import open_file
from tui_hub.runtime.torch_child.loading import load
from tui_hub.runtime.torch_child.placing import Progress, make_resident
from tui_hub.runtime.torch_child.process import Failure
from tui_hub.runtime.torch_child.regions import Regions
from tui_hub.runtime.torch_child.safetensors_files import HEADER_LIMIT

pytestmark = pytest.mark.filterwarnings("ignore:The given buffer is not writable")


def refused(*files: Path | str, consent: bool = False) -> tuple[str, str]:
    """The kind and the reason of the refusal."""
    paths = [str(path) for path in files]
    request = {"files": paths, "device": "cpu", "dtype": "", "consent": consent}
    with pytest.raises(Failure) as raised:
        load(torch, request, lambda _: None)
    return raised.value.answer["kind"], raised.value.answer["message"]


def entry(begin: Any, end: Any, shape: Any = (1,), dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def sound(path: Path) -> bytes:
    """The bytes of a file with two tensors."""
    save_file({"a": torch.ones(100), "b": torch.ones(50, 2)}, path)
    return path.read_bytes()


HEADERS: dict[str, tuple[Any, bytes, str]] = {
    "no JSON": (b"{nonsense", b"", "not JSON"),
    "not UTF-8": (b'{"\xff": 1}', b"", "not JSON"),
    "nested": (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", b"", "not JSON"),
    "a list": (b"[1]", b"", "no safetensors file"),
    "a space first": (b' {"a":1}', b"", "no safetensors file"),
    "no tensors": (b"{}", b"", "no tensor"),
    "an entry of text": ({"a": "x"}, b"", "entry for 'a' is wrong"),
    "no offsets": ({"a": {"dtype": "F32", "shape": [1]}}, b"", "entry for 'a' is wrong"),
    "three offsets": (
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}},
        b"1234",
        "entry for 'a' is wrong",
    ),
    "a negative offset": ({"a": entry(-4, 0)}, b"", "entry for 'a' is wrong"),
    "offsets the wrong way": ({"a": entry(4, 0)}, b"1234", "entry for 'a' is wrong"),
    "an offset of true": ({"a": entry(False, True, dtype="U8")}, b"1", "entry for 'a' is wrong"),
    "an offset of text": ({"a": entry("0", "4")}, b"1234", "entry for 'a' is wrong"),
    "an offset of 2^63": ({"a": entry(0, 2**63)}, b"1234", "entry for 'a' is wrong"),
    "a dtype of numbers": ({"a": entry(0, 4, dtype=[1])}, b"1234", "entry for 'a' is wrong"),
    "a shape of text": ({"a": entry(0, 4, "1")}, b"1234", "entry for 'a' is wrong"),
    "a shape below zero": ({"a": entry(0, 4, [-1])}, b"1234", "entry for 'a' is wrong"),
    "1000 dimensions": ({"a": entry(0, 4, [1] * 1000)}, b"1234", "entry for 'a' is wrong"),
    "a shape of 2^61 nothings": ({"a": entry(0, 0, [2**61, 2**61, 0])}, b"", "impossible shape"),
    "a wrong shape": ({"a": entry(0, 4, [2])}, b"1234", "shape and size of a do not agree"),
    "an overlap": ({"a": entry(0, 4), "b": entry(2, 6)}, b"123456", "overlap or leave a hole"),
    "a hole": ({"a": entry(0, 4), "b": entry(8, 12)}, b"123456789012", "leave a hole at b"),
    "the same key twice": (
        b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
        b'"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
        b"12",
        "names 'a' twice",
    ),
    "bytes at the end": ({"a": entry(0, 4)}, b"1234PK\x03\x04", "4 bytes follow"),
    "bytes missing": ({"a": entry(0, 4)}, b"123", "truncated: 1 bytes are missing"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_wrong_header_is_refused(tmp_path: Path, case: str) -> None:
    header, data, reason = HEADERS[case]
    kind, message = refused(write_header(tmp_path / "a.safetensors", header, data))
    assert kind == "corrupt"
    assert reason in message


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 100_000_001, 2**40])
def test_a_header_of_any_claimed_length_costs_nothing(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}" + b" " * 1000)
    kind, message = refused(path)
    assert kind == "corrupt"
    assert "header" in message


def test_a_header_that_would_cost_gigabytes_is_not_parsed(tmp_path: Path) -> None:
    one = b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},'
    count = (HEADER_LIMIT - 100) // 60
    header = b"{" + b"".join(one % number for number in range(count)) + b'"z":' + b"[]}"
    assert len(header) < HEADER_LIMIT
    path = write_header(tmp_path / "a.safetensors", header)
    tracemalloc.start()
    try:
        kind, message = refused(path)
        assert tracemalloc.get_traced_memory()[1] < 3 * len(header)
    finally:
        tracemalloc.stop()
    assert (kind, "more tensors" in message) == ("corrupt", True)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    whole = sound(path)
    for length in [*range(12), 40, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        kind, message = refused(path)
        assert kind == "corrupt", length
        assert "truncated" in message, (length, message)


def test_a_file_cut_while_it_is_read_does_no_harm(tmp_path: Path) -> None:
    path = Path(sparse_weights(tmp_path / "a.safetensors", 64 * 1024))
    ((_, tensor),) = open_file(torch, str(path), False, Regions())
    os.truncate(path, 4096)
    with pytest.raises(Failure, match="cut meanwhile"):
        make_resident(torch, tensor, Progress("load", {"w": tensor}, lambda _: None))


def test_the_same_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_file({"layer.weight": torch.ones(1)}, tmp_path / f"{name}.safetensors")
    kind, message = refused(tmp_path / "one.safetensors", tmp_path / "two.safetensors")
    assert (kind, message) == ("corrupt", "the tensor layer.weight occurs twice")


def test_a_dtype_of_the_future_is_named(tmp_path: Path) -> None:
    header = {"a": entry(0, 4, [4], "F7_E9")}
    kind, message = refused(write_header(tmp_path / "a.safetensors", header, b"1234"))
    assert kind == "refused"
    assert "F7_E9" in message


@pytest.mark.parametrize("name", ["model.gguf", "model", "model.onnx"])
def test_other_formats_are_not_tried(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"GGUF")
    kind, message = refused(tmp_path / name, consent=True)
    assert kind == "refused"
    assert name in message


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    assert refused(tmp_path / "pipe.safetensors") == (
        "refused",
        "pipe.safetensors is no regular file",
    )
    assert refused(tmp_path / "folder.safetensors")[0] == "refused"
    kind, message = refused(tmp_path / "missing.safetensors")
    assert (kind, message) == (
        "failed",
        "missing.safetensors cannot be read: No such file or directory",
    )


class Attack:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """What is there only if the attack succeeded."""
    return tmp_path / "attacked"


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".ckpt", ".PT"])
def test_a_pickle_is_not_opened_without_consent(tmp_path: Path, victim: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(Attack(victim)))
    kind, message = refused(path)
    assert kind == "unsafe"
    assert "is a pickle" in message
    assert not victim.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_with_code_is_refused_even_with_consent(
    tmp_path: Path, victim: Path, zipped: bool
) -> None:
    path = tmp_path / "model.pt"
    state = {"w": torch.ones(2), "x": Attack(victim)}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    kind, message = refused(path, consent=True)
    assert kind == "unsafe"
    assert "cannot be loaded weights-only" in message
    assert not victim.exists()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("consent", [True, False])
def test_a_pickle_named_safetensors_is_refused(
    tmp_path: Path, victim: Path, protocol: int, consent: bool
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Attack(victim), protocol))
    assert refused(path, consent=consent) == (
        "unsafe",
        "model.safetensors is a pickle or an archive, whatever its name says",
    )
    torch.save({"w": torch.ones(2)}, path)
    assert refused(path, consent=consent)[0] == "unsafe"
    assert not victim.exists()


def test_a_pickle_needs_a_torch_without_known_holes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "model.pt")
    monkeypatch.setattr(torch, "__version__", "2.9.1+cu128")
    kind, message = refused(tmp_path / "model.pt", consent=True)
    assert kind == "unsafe"
    assert "2.10" in message


def repacked(path: Path, change: Any) -> None:
    """Write an archive of torch's again, with one of its members changed."""
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(1000)}, buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.infolist():
            change(new, member.filename, old.read(member.filename))


def test_an_archive_that_swells_is_refused(tmp_path: Path) -> None:
    def deflate(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
        archive.writestr(name, data, zipfile.ZIP_DEFLATED)

    repacked(tmp_path / "model.pt", deflate)
    kind, message = refused(tmp_path / "model.pt", consent=True)
    assert (kind, "compressed" in message) == ("unsafe", True)


def test_a_tensor_larger_than_its_bytes_is_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(1).expand(1 << 40)}, tmp_path / "model.pt")
    kind, message = refused(tmp_path / "model.pt", consent=True)
    assert (kind, "claims more" in message) == ("unsafe", True)


@pytest.mark.filterwarnings("ignore:.*quantiz")
def test_tensors_of_another_make_are_refused(tmp_path: Path) -> None:
    torch.save({"w": torch.eye(3).to_sparse()}, tmp_path / "model.pt")
    kind, message = refused(tmp_path / "model.pt", consent=True)
    assert (kind, "no plain tensor" in message) == ("refused", True)


def test_a_state_that_holds_itself_ends(tmp_path: Path) -> None:
    state: dict[str, Any] = {"w": torch.ones(1)}
    state["again"] = state
    torch.save(state, tmp_path / "model.pt")
    assert refused(tmp_path / "model.pt", consent=True) == (
        "corrupt",
        "model.pt is nested too deep",
    )


def test_more_than_the_memory_is_refused_with_figures(tmp_path: Path) -> None:
    path = sparse_weights(tmp_path / "a.safetensors", 1 << 40)
    request = {"files": [path], "device": "cpu", "dtype": "", "consent": False}
    with pytest.raises(Failure) as raised:
        load(torch, request, lambda _: None)
    answer = raised.value.answer
    assert (answer["kind"], answer["message"]) == ("memory", "not enough memory")
    assert (answer["needed"], answer["device"]) == (1 << 40, "cpu")
    assert 0 < answer["free"] < 1 << 40
