"""The way to a device and back, with memory of the processor in the device's place."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from starting import Start
from weight_files import sparse_weights

from tui_hub.domain.errors import HubError
from tui_hub.domain.runtime import LoadRequest
from tui_hub.runtime.torch_child.loading import load
from tui_hub.runtime.torch_child.parking import Parking
from tui_hub.runtime.torch_child.process import Failure
from tui_hub.runtime.torch_child.staging import Staging

pytestmark = pytest.mark.filterwarnings("ignore:The given buffer is not writable")

CPU = torch.device("cpu")


@pytest.mark.parametrize("count", [1, 255, 256, 257, 10_000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_numbers_arrive_whatever_their_count(count: int, dtype: torch.dtype) -> None:
    source = torch.randn(count)
    sink = torch.empty(count, dtype=dtype)
    staging = Staging(torch, CPU, size=1024)
    staging.send(source, sink)
    staging.finish()
    assert sink.equal(source.to(dtype))


def test_numbers_at_an_odd_place_arrive() -> None:
    raw = torch.randint(0, 255, (4 * 1000 + 1,), dtype=torch.uint8)
    source = torch.frombuffer(bytearray(raw.numpy().tobytes()), dtype=torch.uint8)[1:]
    sink = torch.empty(4000, dtype=torch.uint8)
    staging = Staging(torch, CPU, size=512)
    staging.send(source, sink)
    staging.finish()
    assert sink.equal(raw[1:])


@pytest.mark.parametrize("count", [1, 1023, 1024, 1025, 5000])
def test_bytes_come_back(count: int) -> None:
    source = torch.randint(0, 255, (count,), dtype=torch.uint8)
    sink = torch.empty_like(source)
    staging = Staging(torch, CPU, size=1024)
    staging.fetch(source, sink)
    staging.finish()
    assert sink.equal(source)


def test_parked_weights_are_gone_and_come_back(tmp_path: Path) -> None:
    made = {"w": torch.randn(300, 70), "steps": torch.arange(5), "none": torch.empty(0, 4)}
    save_file(made, tmp_path / "a.safetensors")
    torch.save(made, tmp_path / "a.pt")
    request = {"files": [str(tmp_path / "a.pt")], "device": "cpu", "dtype": "", "consent": True}
    weights, _ = load(torch, request, lambda _: None)
    parking = Parking(torch, weights)
    assert not weights.tensors and not weights.arena.bytes.numel()
    assert weights.arena.region is None
    parking.end()
    assert weights.tensors.keys() == made.keys()
    assert all(weights.tensors[name].equal(tensor) for name, tensor in made.items())

    request["files"] = [str(tmp_path / "a.safetensors")]
    with pytest.raises(Failure, match="those of the files, which need no parking"):
        Parking(torch, load(torch, request, lambda _: None)[0])


async def test_a_child_parks_its_weights_and_has_them_again(start: Start, tmp_path: Path) -> None:
    path = sparse_weights(tmp_path / "model.safetensors", 1024**2)
    child = await start()
    with pytest.raises(HubError, match="holds no weights"):
        await child.park()
    request = LoadRequest(files=(path,), device="cpu", dtype="float32")
    await child.load(request, lambda _: None)
    await child.unpark()
    await child.park()
    assert (await child.status()).state == "parked"
    await child.park()
    await child.unpark()
    assert (await child.status()).state == "loaded"
