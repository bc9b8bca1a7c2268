"""A store on disk, and the means to fill it and to look whether it is sound."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tui_hub.blobs import BlobStore

Put = Callable[[bytes], str]


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """A prepared store."""
    store = BlobStore(tmp_path / "store")
    store.prepare()
    return store


@pytest.fixture
def put(store: BlobStore) -> Put:
    """Brings content in the way a download does, and gives its hash."""

    def _put(data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        partial = store.open_partial(digest, len(data))
        partial.allocate(len(data))
        os.pwrite(partial.fileno(), data, 0)
        partial.checkpoint(((0, len(data)),), None)
        store.commit(partial, digest)
        return digest

    return _put


@pytest.fixture
def python() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts another Python process from a text and arguments; it ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what these tests look at needs no disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)
