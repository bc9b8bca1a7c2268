"""How fast weights go onto a GPU, off it and into other programs, against what the bus gives.

Run by hand on a box with a GPU: `python tests/benchmarks/bench_gpu.py [runs] [GiB]`. Each load is
in a process of its own, interleaved with `safetensors.torch.load_file` onto the GPU and with a copy
of as many bytes out of pinned memory, which is the best that can be had; with the file in the page
cache, and with it alone dropped from there. Prints medians in GB/s, where a GB is 10^9 bytes, and
the memory that a process takes of the GPU besides the weights, by the driver.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pynvml
import torch
from bench_activation import GIB, ignore, medians, prepare, start, write

from tui_hub.domain.runtime import LoadRequest

DEVICE = "cuda:0"
LOAD_FILE = """
import sys, time
import torch
from safetensors.torch import load_file
torch.ones(1, device="cuda:0")
torch.cuda.synchronize()
print(flush=True)
sys.stdin.readline()
started = time.perf_counter()
weights = load_file(sys.argv[1], device="cuda:0")
torch.cuda.synchronize()
print(time.perf_counter() - started)
"""
ATTACH = """
import sys, time
from pathlib import Path
import torch
from tui_hub.runtime.attached import Lease, map_memory, tensors_of
from tui_hub.runtime.receiving import receive
from tui_hub.runtime.sockets import connect
torch.ones(1, device="cuda:0")
torch.cuda.synchronize()
started = time.perf_counter()
connection = connect(Path(sys.argv[1]), "b")
weights, _ = tensors_of(torch, receive(connection, map_memory), Lease(connection))
torch.cuda.synchronize()
print(time.perf_counter() - started, flush=True)
sys.stdin.read()
"""


def pinned_copy(size: int) -> float:
    """Seconds for as many bytes out of pinned memory, in pieces of a GiB."""
    host = torch.empty(min(size, GIB), dtype=torch.uint8, pin_memory=True)
    there = torch.empty_like(host, device=DEVICE)
    torch.cuda.synchronize()
    started = time.perf_counter()
    for begun in range(0, size, GIB):
        there[: size - begun].copy_(host[: size - begun], non_blocking=True)
    torch.cuda.synchronize()
    return time.perf_counter() - started


def load_file(path: Path, cold: bool) -> float:
    """Seconds of `load_file` in a process whose CUDA is up."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", LOAD_FILE, path]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        prepare(path, cold)
        told, _ = other.communicate("\n")
    return float(told)


def used() -> int:
    """Bytes of the GPU in use, by the driver."""
    uuid = f"GPU-{torch.cuda.get_device_properties(0).uuid}"
    return int(pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByUUID(uuid)).used)


async def child(path: Path, folder: Path, cold: bool, dtype: str) -> tuple[float, ...]:
    """Seconds of the load with and without CUDA's start, of the self-test, to wait in the host and
    back, to attach, and until the memory is back; and bytes besides the weights."""
    before = used()
    one = await start(folder)
    await one.ready()
    prepare(path, cold)
    begun = time.perf_counter()
    loaded = await one.load(LoadRequest(files=(str(path),), device=DEVICE, dtype=dtype), ignore)
    whole = time.perf_counter() - begun - loaded.test_seconds
    besides = used() - before - loaded.bytes
    attached = await asyncio.to_thread(attach, folder)
    await one.release(60)
    marks = [time.perf_counter()]
    for step in (one.park, one.unpark, one.end):
        await step()
        marks.append(time.perf_counter())
    while used() > before:
        await asyncio.sleep(0.01)
    marks.append(time.perf_counter())
    parked, back, _, freed = (later - now for now, later in itertools.pairwise(marks))
    steps = loaded.seconds, whole, loaded.test_seconds, parked, back, attached, freed
    return *steps, besides


def attach(folder: Path) -> float:
    """Seconds to the tensors in another program whose CUDA is up."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", ATTACH, folder], stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None and other.stdin is not None
        seconds = float(other.stdout.readline())
        other.stdin.close()
    return seconds


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    size = int(float(sys.argv[2]) * GIB) if len(sys.argv) > 2 else 8 * GIB
    if not torch.cuda.is_available():
        sys.exit("there is no GPU that torch can use")
    pynvml.nvmlInit()
    name, load = torch.cuda.get_device_name(0), os.getloadavg()[0]
    print(f"medians of {runs}; {name}, torch {torch.__version__}, {os.cpu_count()} cores, {load=}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = folder / "model.safetensors"
        write(path, size, torch.bfloat16)
        size = path.stat().st_size
        print(
            "cache dtype            GB/s: pinned  load_file   load  with CUDA  park  back  test | "
            "ms: attach  memory back | MiB besides"
        )
        for cold in (False, True):
            for dtype in ("", "float8_e4m3fn"):
                rows = []
                for _ in range(runs):
                    best, theirs = pinned_copy(size), load_file(path, cold)
                    figures = asyncio.run(child(path, folder, cold, dtype))
                    rows.append((best, theirs, *figures))
                *seconds, attached, freed, besides = medians(rows)
                best, theirs, own, whole, test, parked, back = (size / one / 1e9 for one in seconds)
                print(
                    f"{'cold' if cold else 'warm'}  {dtype or 'as it is':15}  {best:11.1f}  "
                    f"{theirs:9.1f}  {own:5.1f}  {whole:9.1f}  {parked:4.1f}  {back:4.1f}  "
                    f"{test:4.0f} | {1000 * attached:10.1f}  {1000 * freed:11.0f} | "
                    f"{besides / 1024**2:11.0f}"
                )


if __name__ == "__main__":
    main()
