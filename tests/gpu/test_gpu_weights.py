"""Weights on a GPU: that they arrive, are shared, wait in the host, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from real_gpu import DEVICE, MIB, PATIENCE, SLACK, figures, filled, needs_gpu, used_again
from safetensors.torch import save_file
from weight_files import sparse_weights

from tui_hub.domain.errors import DoesNotFitError, HubError
from tui_hub.domain.runtime import LoadRequest
from tui_hub.runtime.attached import Lease, map_memory, tensors_of
from tui_hub.runtime.receiving import receive
from tui_hub.runtime.sockets import connect
from tui_hub.runtime.torch_children import TorchChild

pytestmark = needs_gpu

HOLDER = """
import sys
from pathlib import Path
import torch
from tui_hub.runtime.attached import Lease, map_memory, tensors_of
from tui_hub.runtime.receiving import receive
from tui_hub.runtime.sockets import connect
connection = connect(Path(sys.argv[1]), "llm")
tensors, device = tensors_of(torch, receive(connection, map_memory), Lease(connection))
torch.cuda.synchronize()
print(device, sum(tensor.nbytes for tensor in tensors.values()), flush=True)
sys.stdin.readline()
tensors.clear()
torch.cuda.synchronize()
print("gone", flush=True)
sys.stdin.readline()
"""


def made() -> dict[str, torch.Tensor]:
    """Tensors of all sorts, in places that are even and odd."""
    torch.manual_seed(3)
    numbers = torch.randn(1000, 37)
    found = {
        "empty": torch.empty(0, 4),
        "flags": numbers > 0,
        "odd": torch.arange(13, dtype=torch.int8),
        "complex": torch.complex(numbers, numbers),
        "steps": torch.arange(999),
        # More than one of the buffers through which they go.
        "large": torch.randn(40 * MIB),
    }
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        found[str(dtype)] = numbers.to(dtype)
    for dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
        found[str(dtype)] = numbers.to(dtype)
    return found


def attached(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors as another program gets them."""
    connection = connect(folder / "state", "llm")
    assert connection is not None
    tensors, device = tensors_of(torch, receive(connection, map_memory), Lease(connection))
    assert device == DEVICE
    return tensors


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another program that has the weights, and keeps them until it is told a line."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLDER, str(folder / "state")]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(DEVICE.encode())
        yield process
        process.kill()


async def load(child: TorchChild, *files: object, dtype: str = "") -> int:
    """Load onto the GPU; the bytes of it that torch holds then."""
    request = LoadRequest(files=tuple(map(str, files)), device=DEVICE, dtype=dtype)
    return (await child.load(request, lambda _: None)).memory_used or 0


@pytest.mark.parametrize("dtype", ["", "bfloat16", "float16", "float8_e4m3fn"])
async def test_every_number_arrives_and_every_byte_is_back(
    child: TorchChild, tmp_path: Path, dtype: str
) -> None:
    tensors = made()
    save_file(tensors, tmp_path / "model.safetensors")
    before, _ = figures()
    await load(child, tmp_path / "model.safetensors", dtype=dtype)
    assert figures()[0] > before
    got = await asyncio.to_thread(attached, tmp_path)
    assert got.keys() == tensors.keys()
    for name, tensor in tensors.items():
        wanted = getattr(torch, dtype) if dtype and tensor.is_floating_point() else tensor.dtype
        sent, came = tensor.to(wanted).reshape(-1), got[name].cpu().reshape(-1)
        assert (came.dtype, got[name].shape) == (wanted, tensor.shape)
        if wanted == torch.float8_e4m3fn:
            # Beyond its range the processor and a GPU may differ in what they make of a number.
            inside = tensor.reshape(-1).float().abs() < 400
            sent, came = sent.float()[inside], came.float()[inside]
        assert came.view(torch.uint8).equal(sent.view(torch.uint8)), name
    del got
    await child.end()
    await used_again(before, SLACK)  # this process had them too


async def test_torch_holds_the_weights_and_nothing_else(child: TorchChild, tmp_path: Path) -> None:
    path = sparse_weights(tmp_path / "model.safetensors", 256 * MIB)
    assert await load(child, path, dtype="float8_e4m3fn") == 128 * MIB


async def test_other_programs_share_the_memory(child: TorchChild, tmp_path: Path) -> None:
    size = 2048 * MIB
    await load(child, sparse_weights(tmp_path / "model.safetensors", size))
    before, _ = figures()
    with holder(tmp_path) as first:
        one = figures()[0] - before
        assert one < size / 2, "its context, and no copy"
        (program,) = (await child.status()).programs
        assert program.pid == first.pid
        with holder(tmp_path):
            assert len((await child.status()).programs) == 2
        first.send_signal(signal.SIGTERM)
    assert await child.release(PATIENCE) == ()
    await used_again(before, SLACK)


@pytest.mark.parametrize("how", ["let go", "SIGTERM", "SIGKILL"])
async def test_memory_is_back_whatever_becomes_of_who_had_it(
    child: TorchChild, tmp_path: Path, how: str
) -> None:
    size = 1024 * MIB
    before, _ = figures()
    await load(child, sparse_weights(tmp_path / "model.safetensors", size))
    loaded, _ = figures()
    with holder(tmp_path) as other:
        if how == "let go":
            assert other.stdin is not None and other.stdout is not None
            other.stdin.write(b"\n")
            other.stdin.flush()
            assert other.stdout.readline() == b"gone\n"
        else:
            other.send_signal(getattr(signal, how))
            other.wait()
        assert await child.release(PATIENCE) == ()
    await used_again(loaded, SLACK)
    await child.park()
    await used_again(loaded - size, SLACK)
    await child.unpark()
    await used_again(loaded, SLACK)
    with holder(tmp_path):
        assert len((await child.status()).programs) == 1
    await child.end()
    await used_again(before)


async def test_who_still_has_the_weights_can_read_them_when_their_holder_is_gone(
    child: TorchChild, tmp_path: Path
) -> None:
    numbers = torch.randn(64 * MIB)
    save_file({"w": numbers}, tmp_path / "model.safetensors")
    before, _ = figures()
    await load(child, tmp_path / "model.safetensors")
    got = await asyncio.to_thread(attached, tmp_path)
    assert len(await child.release(0)) == 1
    await child.end()
    assert got["w"].cpu().equal(numbers)
    del got
    torch.cuda.synchronize()
    await used_again(before, SLACK)


async def test_what_does_not_fit_takes_nothing(child: TorchChild, tmp_path: Path) -> None:
    path = sparse_weights(tmp_path / "model.safetensors", 2048 * MIB)
    with filled(free=1536 * MIB):
        before, _ = figures()
        with pytest.raises(DoesNotFitError, match=f"on {DEVICE}: 2.0 GiB needed"):
            await load(child, path)
        await child.end()
        await used_again(before)


async def test_a_process_that_is_killed_gives_all_back(child: TorchChild, tmp_path: Path) -> None:
    before, _ = figures()
    await load(child, sparse_weights(tmp_path / "model.safetensors", 1024 * MIB))
    os.kill(child.pid, signal.SIGKILL)
    await used_again(before)


async def test_not_a_number_is_found_there(child: TorchChild, tmp_path: Path) -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.float8_e5m2, torch.complex64):
        tensor = torch.ones(20 * MIB).to(dtype)
        tensor[-2] = float("nan")
        save_file({"blown": tensor}, tmp_path / "model.safetensors")
        with pytest.raises(HubError, match="blown holds NaN"):
            await load(child, tmp_path / "model.safetensors")
