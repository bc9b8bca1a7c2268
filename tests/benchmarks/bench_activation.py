"""How long 1 GiB of weights takes into memory: the runtime's child against `load_file`.

Run by hand: `python tests/benchmarks/bench_activation.py [runs]`. Each run is a process of its
own, on the processor, first with the file in the page cache and then with it dropped from there.
Prints medians. `touched` adds reading a byte of every page, which our load phase needs no more.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from tui_hub.domain.runtime import LoadRequest
from tui_hub.runtime.torch_children import TorchChild

SIDE = 4096
GIB = 1024**3

LOAD_FILE = """
import sys, time
from safetensors.torch import load_file
import torch
started = time.perf_counter()
weights = load_file(sys.argv[1])
loaded = time.perf_counter()
for tensor in weights.values():
    tensor.view(-1).view(torch.uint8)[::4096].sum()
touched = time.perf_counter()
for tensor in weights.values():
    assert not tensor.isnan().any()
print(loaded - started, touched - started, time.perf_counter() - touched)
"""


def load_file(path: Path) -> tuple[float, ...]:
    """Seconds of `load_file`, of it and a touch of all pages, and of a plain look for NaN."""
    command = [sys.executable, "-c", LOAD_FILE, path]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(map(float, run.stdout.split()))


async def child(path: Path, folder: Path) -> tuple[float, ...]:
    """Seconds to hello, to torch imported, of the load phase, of the self-test, and of the end."""
    begun = time.perf_counter()
    one = await TorchChild.start(
        python=None, folder=folder, name="b", log=folder / "log", environment=dict(os.environ)
    )
    hello = time.perf_counter()
    await one.ready()
    ready = time.perf_counter()
    loaded = await one.load(LoadRequest(files=(str(path),), device="cpu"), lambda _: None)
    done = time.perf_counter()
    await one.end()
    ended = time.perf_counter()
    return hello - begun, ready - hello, loaded.seconds, loaded.test_seconds, ended - done


def prepare(path: Path, cold: bool) -> None:
    """Drop the file's pages from the cache, or read them into it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if cold:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        else:
            while file.read(64 * 1024**2):
                pass


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"medians of {runs}, in ms; torch {torch.__version__}, {os.cpu_count()} cores")
    print("file     cache  load_file touched  | ours: load  self-test  (isnan)  spawn  import  end")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for dtype in (torch.float16, torch.float32):
            path = folder / f"{dtype}.safetensors"
            count = GIB // (SIDE * SIDE * dtype.itemsize)
            save_file({str(n): torch.randn(SIDE, SIDE).to(dtype) for n in range(count)}, path)
            for cold in (False, True):
                theirs, ours = [], []
                for _ in range(runs):
                    prepare(path, cold)
                    theirs.append(load_file(path))
                    prepare(path, cold)
                    ours.append(asyncio.run(child(path, folder)))
                t = [statistics.median(column) * 1000 for column in zip(*theirs, strict=True)]
                o = [statistics.median(column) * 1000 for column in zip(*ours, strict=True)]
                print(
                    f"{str(dtype)[6:]}  {'cold' if cold else 'warm'}   {t[0]:8.1f} {t[1]:8.1f}  |"
                    f" {o[2]:10.1f} {o[3]:10.1f} {t[2]:8.0f} {o[0]:6.0f} {o[1]:7.0f} {o[4]:4.0f}"
                )
            path.unlink()


if __name__ == "__main__":
    main()
