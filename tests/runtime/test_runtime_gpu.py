"""What a GPU is made to do and to hold, by one that is pretended."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pretend_gpu import PretendGpu, pretended
from safetensors.torch import save_file

from tui_hub.domain.errors import HubError
from tui_hub.runtime.attached import Lease, map_memory, tensors_of
from tui_hub.runtime.receiving import receive
from tui_hub.runtime.torch_child.loading import Weights, load
from tui_hub.runtime.torch_child.parking import Parking
from tui_hub.runtime.torch_child.process import Client, Failure, Message
from tui_hub.runtime.torch_child.sharing import Sharing

pytestmark = pytest.mark.filterwarnings("ignore:The given buffer is not writable")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[PretendGpu]:
    """A GPU with all the room that is needed."""
    with pretended(monkeypatch) as gpu:
        yield gpu


def request(folder: Path, tensors: dict[str, torch.Tensor], **more: str) -> Message:
    """What a child is asked to load."""
    path = folder / "model.safetensors"
    with torch._C.DisableTorchFunction():
        save_file(tensors, path)
    return {"files": [str(path)], "device": "cuda:0", "dtype": "", "consent": False, **more}


def loaded(folder: Path, tensors: dict[str, torch.Tensor], dtype: str = "") -> Weights:
    """A model on the GPU."""
    return load(torch, request(folder, tensors, dtype=dtype), lambda _: None)[0]


class Program:
    """Another program, which has the weights as long as its connection is open."""

    def __init__(self, sharing: Sharing) -> None:
        self.connection, other = socket.socketpair()
        self.client = Client(other)
        sharing.attach(self.client, {"id": 1})
        self.received = receive(self.connection, map_memory)

    def end(self, sharing: Sharing) -> None:
        """End, however that comes about."""
        self.connection.close()
        sharing.gone(self.client)
        self.client.connection.close()


@pytest.mark.parametrize("dtype", ["", "bfloat16", "float8_e4m3fn"])
def test_every_number_arrives_though_the_copies_take_their_time(
    gpu: PretendGpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    made = {f"w{n}": torch.randn(700 + n, 3) for n in range(9)} | {"steps": torch.arange(5)}
    weights = loaded(tmp_path, made, dtype)
    for name, tensor in made.items():
        wanted = getattr(torch, dtype) if dtype and tensor.is_floating_point() else tensor.dtype
        with torch._C.DisableTorchFunction():
            assert weights.tensors[name].float().equal(tensor.to(wanted).float())
    assert all(map(gpu.holds, weights.tensors.values()))


def test_nothing_is_kept_but_the_weights(gpu: PretendGpu, tmp_path: Path) -> None:
    weights = loaded(tmp_path, {"w": torch.randn(70_000)}, "float8_e4m3fn")
    assert gpu.reserved == weights.arena.size
    assert gpu.peak > gpu.reserved and gpu.most_pinned
    assert gpu.pinned == 0


def test_weights_that_stay_as_they_are_need_no_room_beside_them(
    gpu: PretendGpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu.total = 40 << 20
    weights = loaded(tmp_path, {"w": torch.randn(1 << 20)})
    assert gpu.peak <= gpu.total
    assert gpu.reserved == weights.arena.size


def test_weights_that_wait_in_the_host_leave_nothing_on_the_gpu_and_come_back(
    gpu: PretendGpu, tmp_path: Path
) -> None:
    made = {"w": torch.randn(70_000), "steps": torch.arange(5)}
    weights = loaded(tmp_path, made)
    parking = Parking(torch, weights)
    assert gpu.reserved == gpu.pinned == 0
    parking.end()
    assert gpu.reserved == weights.arena.size
    with torch._C.DisableTorchFunction():
        assert all(weights.tensors[name].equal(tensor) for name, tensor in made.items())


def test_a_program_that_was_killed_keeps_no_memory_of_the_gpu(
    gpu: PretendGpu, tmp_path: Path
) -> None:
    weights = loaded(tmp_path, {"w": torch.randn(70_000)})
    sharing = Sharing(torch, weights)
    for _ in range(3):
        Program(sharing).end(sharing)
    assert [one.count for one in gpu.sent] == [1, 1, 1], "none has counted itself off"
    assert not gpu.counters.exists(), "nobody would remove it"
    Parking(torch, weights)
    assert gpu.reserved == 0


def test_programs_open_the_memory_whatever_their_torch(gpu: PretendGpu, tmp_path: Path) -> None:
    made = {"w": torch.randn(300, 7), "none": torch.empty(0, 4), "steps": torch.arange(5)}
    weights = loaded(tmp_path, made)
    sharing = Sharing(torch, weights)
    program = Program(sharing)
    tensors, device = tensors_of(torch, program.received, Lease(program.connection))
    assert device == "cuda:0"
    with torch._C.DisableTorchFunction():
        assert all(tensors[name].equal(tensor) for name, tensor in made.items())
    program.end(sharing)


def test_a_forked_program_is_told_why_it_cannot_open_them(
    gpu: PretendGpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing = Sharing(torch, loaded(tmp_path, {"w": torch.ones(3)}))
    program = Program(sharing)

    def forked(index: int) -> None:
        raise RuntimeError("Cannot re-initialize CUDA in forked subprocess. Use 'spawn'.\nTrace")

    monkeypatch.setattr(torch.cuda, "get_device_properties", forked)
    with pytest.raises(HubError, match=r"cannot use its GPUs: .*forked subprocess.*'spawn'\.$"):
        tensors_of(torch, program.received, Lease(program.connection))


@pytest.mark.parametrize("uuid", ["GPU-bbbb", "MIG-cccc"])
def test_cuda_is_shown_the_gpu_that_is_meant_and_no_other(
    gpu: PretendGpu, tmp_path: Path, uuid: str
) -> None:
    wanted = request(tmp_path, {"w": torch.ones(3)}, device="cuda:5", gpu=uuid)
    weights, told = load(torch, wanted, lambda _: None)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == uuid
    assert str(weights.arena.device) == "cuda:0"
    assert told["device"] == "cuda:5", "as the driver counts"


def test_weights_for_the_processor_ask_nothing_of_cuda(
    gpu: PretendGpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("asked"))
    load(torch, request(tmp_path, {"w": torch.ones(3)}, device="cpu"), lambda _: None)


def test_why_cuda_has_no_gpu_is_told(
    gpu: PretendGpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init() -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040).\n")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "init", init)
    with pytest.raises(Failure, match=r"no device cuda:5; it sees 0 GPUs: .* is too old"):
        load(torch, request(tmp_path, {}, device="cuda:5", gpu="GPU-bbbb"), lambda _: None)


def test_memory_that_runs_out_is_told_with_its_figures_and_comes_back(
    gpu: PretendGpu, tmp_path: Path
) -> None:
    gpu.total = 2 << 20
    wanted = request(tmp_path, {"w": torch.randn(100_000), "v": torch.randn(400_000)})
    wanted["dtype"] = "bfloat16"  # the numbers fit, and not the room to cast them in
    with pytest.raises(Failure, match="memory ran out") as told:
        load(torch, wanted, lambda _: None)
    assert told.value.answer["needed"] == 1_000_000
    assert told.value.answer["free"] == gpu.total
    del told
    gc.collect()
    assert gpu.allocated == 0


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: out of memory\nCompile with `TORCH_USE_CUDA_DSA`",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_memory_that_cuda_itself_lacks_is_told_alike(
    gpu: PretendGpu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    def none_left(device: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(torch.cuda, "mem_get_info", none_left)
    with pytest.raises(Failure) as told:
        load(torch, request(tmp_path, {"w": torch.ones(3)}), lambda _: None)
    assert told.value.answer["kind"] == "memory"
