"""How long 2 GiB of weights take into memory, from one model to the next, and into other programs.

Run by hand: `python tests/benchmarks/bench_activation.py [runs] [GiB]`. Each load is in a process
of its own, on the processor, interleaved with `safetensors.torch.load_file` and with a plain read
of the same file, with the file in the page cache and with it alone dropped from there. Prints
medians, and for the plain read against the load the quickest of each too, with the processor time
of both: other work on the box makes whoever waits for the disk wait longer, and so says more of the
box than of the load. `touched` adds reading a byte of every page, which our load phase
needs no more. Peak memory is the growth of the process over what it had with torch imported.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import torch
from safetensors.torch import save_file

from tui_hub.domain.runtime import LoadProgress, LoadRequest
from tui_hub.runtime.torch_children import TorchChild

SIDE = 4096
GIB = 1024**3

LOAD_FILE = """
import sys, time
from safetensors.torch import load_file
import torch
print(flush=True)
sys.stdin.readline()
started = time.perf_counter()
weights = load_file(sys.argv[1])
loaded = time.perf_counter()
for tensor in weights.values():
    tensor.view(-1).view(torch.uint8)[::4096].sum()
print(loaded - started, time.perf_counter() - started)
"""
ATTACH = """
import sys, time
from pathlib import Path
import torch
from tui_hub.runtime.attached import Lease, map_memory, tensors_of
from tui_hub.runtime.receiving import receive
from tui_hub.runtime.sockets import connect
started = time.perf_counter()
connection = connect(Path(sys.argv[1]), "b")
weights, _ = tensors_of(torch, receive(connection, map_memory), Lease(connection))
attached = time.perf_counter() - started
for tensor in weights.values():
    tensor.view(-1).view(torch.uint8)[::4096].sum()
print(attached, time.perf_counter() - started, flush=True)
sys.stdin.read()
"""


def write(path: Path, size: int, dtype: torch.dtype) -> None:
    """A model of so many bytes."""
    count = size // (SIDE * SIDE * dtype.itemsize)
    save_file({str(n): torch.randn(SIDE, SIDE).to(dtype) for n in range(count)}, path)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def raw_read(path: Path) -> tuple[float, float]:
    """Seconds of a plain read of a file into one buffer, and how many of them by the processor."""
    buffer = bytearray(8 * 1024**2)
    started, busy = time.perf_counter(), time.process_time()
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return time.perf_counter() - started, time.process_time() - busy


def load_file(path: Path, cold: bool) -> tuple[float, ...]:
    """Seconds of `load_file`, and of it with a touch of all pages."""
    command = [sys.executable, "-c", LOAD_FILE, path]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        prepare(path, cold)
        told, _ = other.communicate("\n")
    return tuple(map(float, told.split()))


async def start(folder: Path) -> TorchChild:
    """A child."""
    return await TorchChild.start(
        python=None, folder=folder, name="b", log=folder / "log", environment=dict(os.environ)
    )


async def child(path: Path, folder: Path, cold: bool) -> tuple[float, ...]:
    """Seconds to hello, to torch imported, of the load, of the self-test, and of the end; bytes;
    and seconds of the processor's for the load, which the kernel counts in hundredths."""
    begun = time.perf_counter()
    one = await start(folder)
    hello = time.perf_counter()
    await one.ready()
    ready = time.perf_counter()
    # Not before: what the file gave up is soon taken by others, and then has to be won back.
    prepare(path, cold)
    busy = [processor_seconds(one.pid)]

    def watch(progress: LoadProgress) -> None:
        if progress.phase == "load" and progress.done == progress.total:
            busy.append(processor_seconds(one.pid))

    loaded = await one.load(LoadRequest(files=(str(path),), device="cpu"), watch)
    done = time.perf_counter()
    await one.end()
    ended = time.perf_counter()
    peak = loaded.memory_peak or 0
    phases = loaded.seconds, loaded.test_seconds, ended - done
    return hello - begun, ready - hello, *phases, peak, busy[-1] - busy[0]


def processor_seconds(pid: int) -> float:
    """What a process has had of the processors."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def ignore(_: object) -> None:
    """Progress that nobody looks at."""


def prepare(path: Path, cold: bool) -> None:
    """Drop the file's pages from the cache, or read them into it."""
    if not cold:
        raw_read(path)
        return
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def medians(rows: Sequence[Sequence[float]]) -> list[float]:
    """The median of each column."""
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def loads(path: Path, folder: Path, runs: int) -> None:
    """Loads against `load_file` and a plain read."""
    size = path.stat().st_size
    print(
        "cache  raw read  load_file touched |     load  self-test  spawn  import   end    peak"
        "    load / touched, read / load, peak / file; quickest read, load and their ratio; "
        "processor read, load"
    )
    for cold in (False, True):
        raw, theirs, ours = [], [], []
        for _ in range(runs):
            prepare(path, cold)
            raw.append(raw_read(path))
            theirs.append(load_file(path, cold))
            ours.append(asyncio.run(child(path, folder, cold)))
        (read, read_busy), (mapped, touched) = medians(raw), medians(theirs)
        hello, ready, load, test, end, peak, busy = medians(ours)
        quickest = min(row[0] for row in raw), min(row[2] for row in ours)
        figures = "  ".join(f"{1000 * one:7.1f}" for one in (read, mapped, touched))
        own = "  ".join(f"{1000 * one:6.1f}" for one in (load, test, hello, ready, end))
        print(
            f"{'cold' if cold else 'warm'}   {figures} |  {own}  {peak / GIB:.3f} GiB  "
            f"  {load / touched:.2f} {read / load:.2f} {peak / size:.3f};  "
            f"{1000 * quickest[0]:.0f} {1000 * quickest[1]:.0f} {quickest[0] / quickest[1]:.2f};  "
            f"{1000 * read_busy:.0f} {1000 * busy:.0f}"
        )


async def switches(paths: Sequence[Path], folder: Path, runs: int) -> None:
    """From one model to the next: the new process is started while the old one still holds."""
    rows = []
    for path in paths:
        prepare(path, cold=False)
    old = await start(folder / "0")
    await old.load(LoadRequest(files=(str(paths[0]),), device="cpu"), ignore)
    for number in range(1, runs + 1):
        path = paths[number % 2]
        begun = time.perf_counter()
        new = await start(folder / str(number))
        await new.ready()
        ready = time.perf_counter()
        await old.end()
        ended = time.perf_counter()
        loaded = await new.load(LoadRequest(files=(str(path),), device="cpu"), ignore)
        done = time.perf_counter()
        phases = loaded.seconds, loaded.test_seconds, done - ready
        rows.append((ready - begun, ended - ready, *phases, raw_read(path)[0]))
        old = new
    await old.end()
    up, release, load, test, without, read = (1000 * one for one in medians(rows))
    print(
        f"switch, warm: new process with torch {up:.0f} ms, while the old model is there; then "
        f"{without:.0f} ms without one: release {release:.1f}, load {load:.1f} (read / load "
        f"{read / load:.2f}), self-test {test:.0f}"
    )


async def attaches(path: Path, folder: Path, runs: int) -> None:
    """Into another program, of files as they lie and of weights that were cast."""
    for dtype in ("", "float16"):
        one = await start(folder)
        await one.load(LoadRequest(files=(str(path),), device="cpu", dtype=dtype), ignore)
        rows = [await asyncio.to_thread(attach, folder, one.pid) for _ in range(runs)]
        seconds, touched, together = medians(rows)
        loaded = (await one.status()).loaded
        assert loaded is not None
        print(
            f"attach, {'cast' if dtype else 'mapped'}: {1000 * seconds:.1f} ms, all pages touched "
            f"{1000 * touched:.0f} ms; memory of both together by PSS {together / GIB:.3f} GiB "
            f"for {loaded.bytes / GIB:.3f}"
        )
        await one.end()


def attach(folder: Path, pid: int) -> tuple[float, float, float]:
    """Seconds to the tensors and to their last page, and bytes that both processes hold."""
    command = [sys.executable, "-c", ATTACH, folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdin is not None
        seconds, touched = map(float, other.stdout.readline().split())
        together = sum(shared_memory(one) for one in (pid, other.pid))
        other.stdin.close()
    return seconds, touched, together


def shared_memory(pid: int) -> int:
    """Bytes of files and shared memory that a process holds, what is shared divided: proc(5)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    figures = {line.split()[0]: int(line.split()[1]) * 1024 for line in lines}
    return figures["Pss_File:"] + figures["Pss_Shmem:"]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    size = int(float(sys.argv[2]) * GIB) if len(sys.argv) > 2 else 2 * GIB
    load = os.getloadavg()[0]
    print(
        f"medians of {runs}, in ms; torch {torch.__version__}, {os.cpu_count()} cores, load {load}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [folder / f"{number}.safetensors" for number in range(2)]
        for path in paths:
            write(path, size, torch.bfloat16)
        loads(paths[0], folder, runs)
        asyncio.run(switches(paths, folder, runs))
        asyncio.run(attaches(paths[0], folder, runs))


if __name__ == "__main__":
    main()
