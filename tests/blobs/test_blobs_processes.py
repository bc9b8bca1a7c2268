"""Several processes in one store, with locks that hold, lie or fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from tui_hub.blobs import BlobStore
from tui_hub.blobs.hashing import sha256_file

Put = Callable[[bytes], str]
Python = Callable[..., "Popen[str]"]

WRITER = """
import hashlib, os, sys, time
from pathlib import Path
from tui_hub.blobs import BlobStore, Receipt, ReceiptFile, collect, hold, publish_model, receipts
store = BlobStore(Path(sys.argv[1]))
model, rounds = sys.argv[2], int(sys.argv[3])

def read(path):
    # Without locks, a collection in another process may take a name away for a moment.
    deadline = time.monotonic() + 20
    while True:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            if time.monotonic() > deadline:
                raise

contents = [bytes([number]) * 50_000 for number in range(3)]
print("ready", flush=True)
sys.stdin.readline()
for _ in range(rounds):
    files = {}
    with hold(store) as held:
        for data in contents:
            digest = hashlib.sha256(data).hexdigest()
            held.add(digest)
            with store.lock(digest):
                if not store.has(digest, len(data)):
                    partial = store.open_partial(digest, len(data))
                    done = partial.ranges[0][1] if partial.ranges else 0
                    os.pwrite(partial.fileno(), data[done:30_000], done)
                    partial.checkpoint(((0, 30_000),), None)
                    os.pwrite(partial.fileno(), data[30_000:], 30_000)
                    store.commit(partial, digest)
            files[str(data[0])] = digest
        view = publish_model(store, "llm", model, None, model, files)
        receipts.write(store, Receipt(
            model=model, source="hf", revision="r", type="llm", name=model,
            installed_at="2026-01-31T02:00:00Z", path="models", files=tuple(
                ReceiptFile(path=path, sha256=sha256, size=50_000)
                for path, sha256 in files.items()
            ),
        ))
    for path in files:
        assert read(view / path) == bytes([int(path)]) * 50_000
    receipts.delete(store, model)
    collect(store, files.values())
print("done", flush=True)
"""


def start(python: Python, root: Path, count: int, rounds: int) -> list[Popen[str]]:
    processes = [python(WRITER, root, f"model-{number}", rounds) for number in range(count)]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return processes


def test_processes_install_and_delete_the_same_hashes_at_once(
    store: BlobStore, python: Python
) -> None:
    """Four install and delete models that share every blob; a reader checks all it finds."""
    processes = start(python, store.root, 4, 12)
    read = 0
    while any(process.poll() is None for process in processes):
        for sha256 in store.iter():
            try:
                data = store.path(sha256).read_bytes()
            except FileNotFoundError:
                continue
            assert len(data) == 50_000 and len(set(data)) == 1
            read += 1
    for process in processes:
        output, errors = process.communicate()
        assert (output, process.returncode) == ("done\n", 0), errors
    assert read > 0
    assert list(store.iter()) == [] and store.partials() == ()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    "answer", ["retval=0", "error=ENOSYS", "error=ENOLCK"], ids=["lies", "missing", "fails"]
)
def test_locks_that_lie_or_fail_do_no_harm(store: BlobStore, python: Python, answer: str) -> None:
    """`flock` tells every process that it holds the lock, as on some Lustre mounts, or fails."""
    inject = ["strace", "-f", "-qq", "-e", "trace=flock", "-e", f"inject=flock:{answer}"]
    processes = [
        subprocess.Popen(
            [*inject, "-o", os.devnull, sys.executable, "-c", WRITER, store.root, name, "8"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two", "three")
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        output, errors = process.communicate(timeout=60)
        assert output == "ready\ndone\n", errors
    assert all(sha256_file(path) == path.name for path in store.blobs.iterdir())


def test_two_processes_commit_the_same_hash(store: BlobStore, python: Python, put: Put) -> None:
    program = """
import hashlib, os, sys
from pathlib import Path
from tui_hub.blobs import BlobStore
store = BlobStore(Path(sys.argv[1]))
data = b"x" * 100_000
partial = store.open_partial("key", len(data))
os.pwrite(partial.fileno(), data, 0)
print("ready", flush=True)
sys.stdin.readline()
print(store.commit(partial, hashlib.sha256(data).hexdigest()))
"""
    for _ in range(5):
        processes = [python(program, store.root) for _ in range(2)]
        for process in processes:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        assert len(store.partials()) == 2
        results = []
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            results.append(process.communicate()[0])
        digest = put(b"x" * 100_000)
        assert results == [f"{store.path(digest)}\n"] * 2
        assert store.verify(digest) and list(store.temp.iterdir()) == []
        store.remove(digest)
