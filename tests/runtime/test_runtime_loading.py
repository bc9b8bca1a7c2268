"""What the child does with files that are sound: the same functions, in this process."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from weight_files import write_header

from tui_hub.runtime.torch_child import devices, memory, placing, safetensors_files, self_test
from tui_hub.runtime.torch_child.loading import load as load_weights
from tui_hub.runtime.torch_child.process import Failure

pytestmark = pytest.mark.filterwarnings("ignore:The given buffer is not writable")

FLOATS = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float8_e8m0fnu,
    torch.complex64,
)


def load(
    *files: Path | str, device: str = "cpu", dtype: str = "", consent: bool = False
) -> tuple[dict[str, torch.Tensor], dict[str, Any], list[dict[str, Any]]]:
    """The tensors, the figures, and the progress that was told."""
    told: list[dict[str, Any]] = []
    paths = [str(path) for path in files]
    request = {"files": paths, "device": device, "dtype": dtype, "consent": consent}
    weights, figures = load_weights(torch, request, told.append)
    return weights.tensors, figures, told


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return (one.shape, one.dtype) == (other.shape, other.dtype) and one.reshape(-1).view(
        torch.uint8
    ).equal(other.reshape(-1).view(torch.uint8))


def every_dtype() -> dict[str, torch.Tensor]:
    words = {word: getattr(torch, word) for word in safetensors_files.DTYPES.values()}
    ones = torch.ones(3, 8)
    tensors = {word: ones.to(dtype) for word, dtype in words.items()}
    return tensors | {"scalar": torch.tensor(7.0), "empty": torch.empty(0, 4)}


def test_every_dtype_comes_as_the_library_of_the_format_gives_it(tmp_path: Path) -> None:
    made = every_dtype()
    made.pop("float8_e8m0fnu")  # the library cannot read back what it writes
    save_file(made, tmp_path / "a.safetensors")
    tensors, figures, _ = load(tmp_path / "a.safetensors")
    expected = load_file(tmp_path / "a.safetensors")
    assert tensors.keys() == expected.keys()
    assert all(same(tensors[name], expected[name]) for name in expected)
    assert figures["untested"] == []
    assert figures["tensors"] == len(made)
    assert figures["parameters"] == sum(tensor.numel() for tensor in made.values())
    assert figures["bytes"] == sum(tensor.nbytes for tensor in made.values())
    assert figures["dtypes"]["bfloat16"] == 24
    assert figures["device"] == "cpu"


def test_shards_are_one_model(tmp_path: Path) -> None:
    shards = [tmp_path / f"model-{number}-of-3.safetensors" for number in range(3)]
    for number, shard in enumerate(shards):
        save_file({f"layer.{number}": torch.full((64, 64), float(number))}, shard)
    tensors, figures, _ = load(*shards)
    assert {name: float(tensor.mean()) for name, tensor in tensors.items()} == {
        "layer.0": 0.0,
        "layer.1": 1.0,
        "layer.2": 2.0,
    }
    assert figures["bytes"] == 3 * 64 * 64 * 4


def test_progress_goes_up_to_the_end_in_both_phases(tmp_path: Path) -> None:
    save_file({str(n): torch.zeros(1024, 1024) for n in range(8)}, tmp_path / "a.safetensors")
    *_, told = load(tmp_path / "a.safetensors", dtype="float16")
    for phase, total in (("load", 32 * 1024**2), ("test", 16 * 1024**2)):
        done = [one["done"] for one in told if one["phase"] == phase]
        assert done == sorted(done)
        assert done[-1] == total
        assert {one["total"] for one in told if one["phase"] == phase} == {total}


def test_progress_is_told_at_most_ten_times_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    clock = [100.0]
    monkeypatch.setattr(placing.time, "monotonic", lambda: clock[0])
    weights = {str(number): torch.zeros(1) for number in range(1000)}
    progress = placing.Progress("load", weights, told.append)
    for _ in weights:
        clock[0] += 0.001
        progress.advance(4)
    assert 9 <= len(told) <= 12
    assert told[-1]["done"] == 4000


def test_floats_are_cast_and_whole_numbers_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    weights = torch.randn(33, 7)
    save_file({"w": weights, "steps": torch.arange(5), "h": weights.half()}, path)
    tensors, figures, _ = load(path, dtype="bfloat16")
    assert tensors["w"].equal(weights.bfloat16())
    assert tensors["h"].dtype == torch.bfloat16
    assert tensors["steps"].equal(torch.arange(5))
    assert figures["dtypes"] == {"bfloat16": 2 * 33 * 7, "int64": 5}


def test_weights_on_the_processor_are_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"w": torch.zeros(4 * 1024**2)}, path)
    tensors, _, _ = load(path)
    with path.open("r+b") as file:
        file.seek(-4, 2)
        file.write(torch.tensor([5.0]).numpy().tobytes())
    assert tensors["w"][-1] == 5.0, "it was copied, so that it takes its memory twice"


def test_a_tensor_at_an_odd_place_is_right(tmp_path: Path) -> None:
    data = torch.arange(6, dtype=torch.float32)
    header = {
        "odd": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
        "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [1, 25]},
    }
    path = write_header(tmp_path / "a.safetensors", header, b"\x07" + data.numpy().tobytes())
    tensors, _, _ = load(path)
    assert tensors["w"].equal(data.view(2, 3))
    assert tensors["w"].data_ptr() % 4 == 0


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_nan_is_found_wherever_it_stands(tmp_path: Path, dtype: torch.dtype) -> None:
    sound = torch.ones(1000).to(dtype)
    bad = torch.ones(1000)
    bad[777] = math.nan
    path = tmp_path / "a.pt"
    torch.save({"first": sound, "second": bad.to(dtype), "third": sound}, path)
    with pytest.raises(Failure, match=r"the tensor second holds NaN") as raised:
        load(path, consent=True)
    assert raised.value.answer["kind"] == "failed"


def test_nan_after_the_first_chunk_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test, "CHUNK_ELEMENTS", 10)
    weights = torch.zeros(25)
    weights[24] = math.nan
    save_file({"w": weights}, tmp_path / "a.safetensors")
    with pytest.raises(Failure, match="NaN"):
        load(tmp_path / "a.safetensors")


def test_infinities_are_allowed(tmp_path: Path) -> None:
    save_file({"mask": torch.tensor([-math.inf, math.inf, 0.0])}, tmp_path / "a.safetensors")
    tensors, _, _ = load(tmp_path / "a.safetensors")
    assert tensors["mask"][0] == -math.inf


def test_a_dtype_that_cannot_be_looked_through_is_named(tmp_path: Path) -> None:
    four_bits = torch.zeros(8, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
    torch.save({"w": four_bits}, tmp_path / "a.pt")
    _, figures, _ = load(tmp_path / "a.pt", consent=True)
    assert figures["untested"] == ["float4_e2m1fn_x2"]


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_loads_with_consent(tmp_path: Path, zipped: bool) -> None:
    weights = torch.randn(4, 5)
    state = {"epoch": 3, "state_dict": {"a.w": weights, "b": weights.T}, "more": [torch.ones(2)]}
    path = tmp_path / "model.ckpt"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    tensors, figures, _ = load(path, consent=True)
    assert list(tensors) == ["state_dict.a.w", "state_dict.b", "more.0"]
    assert tensors["state_dict.b"].equal(weights.T)
    assert figures["parameters"] == 42


def test_a_pickle_is_cast_too(tmp_path: Path) -> None:
    weights = torch.randn(4, 5)
    torch.save({"w": weights.T}, tmp_path / "model.bin")
    tensors, _, _ = load(tmp_path / "model.bin", dtype="float16", consent=True)
    assert tensors["w"].equal(weights.T.half())


def test_tensors_that_are_one_stay_one(tmp_path: Path) -> None:
    weights = torch.randn(1000, 4)
    made = {"first": weights, "last": weights, "row": weights[0], "turned": weights.T}
    torch.save(made, tmp_path / "model.bin")
    tensors, loaded, _ = load(tmp_path / "model.bin", dtype="float16", consent=True)
    assert all(tensors[name].equal(tensor.half()) for name, tensor in made.items())
    assert tensors["first"].data_ptr() == tensors["last"].data_ptr()
    assert len({tensors[name].data_ptr() for name in made}) == 3
    assert (loaded["tensors"], loaded["parameters"]) == (4, 8004)
    assert loaded["bytes"] == 16_008, "the one memory counts once"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "cuda:7"}, "no device cuda:7"),
        ({"device": "tpu"}, "no device tpu"),
        ({"dtype": "int8"}, "no floating dtype 'int8'"),
        ({"dtype": "load"}, "no floating dtype 'load'"),
    ],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    save_file({"w": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(Failure, match=message) as raised:
        load(tmp_path / "a.safetensors", **arguments)
    assert raised.value.answer["kind"] == "refused"


def test_the_first_gpu_or_the_processor_is_chosen() -> None:
    expected = "cuda:0" if torch.cuda.is_available() else "cpu"
    assert str(devices.choose_device(torch, "auto")) == expected


def test_a_control_group_s_limit_counts(tmp_path: Path) -> None:
    def group(folder: Path, **files: object) -> None:
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name.replace("_", ".", 1)).write_text(f"{content}\n")

    def rooms(names: Sequence[str], prefix: str = "") -> list[int]:
        return memory.group_rooms(str(tmp_path), "/job/task", *names, prefix)

    group(tmp_path)
    group(tmp_path / "job", memory_max=1000, memory_current=400)
    group(tmp_path / "job" / "task", memory_max="max", memory_current=300)
    assert rooms(("memory.max", "memory.current")) == [600]
    stat = "anon 100\nactive_file 30\ninactive_file 20"
    group(tmp_path / "job" / "task", memory_max=500, memory_current=490, memory_stat=stat)
    assert rooms(("memory.max", "memory.current")) == [60, 600]
    group(tmp_path / "job" / "task", memory_max=500, memory_current=900)
    assert rooms(("memory.max", "memory.current"))[0] == 0
