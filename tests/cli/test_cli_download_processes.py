"""Several programs that download the same model into one store at the same time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Program
from small_models import WEIGHTS, small_repositories

from tui_hub.demo import DemoHub

LOCKS = {
    "hold": [],
    "lie": ["-e", "inject=flock:retval=0"],
    "fail": ["-e", "inject=flock:error=ENOLCK"],
}
"""What `flock` does: its work, what it does on some Lustre mounts, and what on some NFS."""


@pytest.fixture
def hub() -> Iterator[DemoHub]:
    """Slow enough that all are at it at once."""
    with DemoHub(per_connection=3_000_000, total=0, repositories=small_repositories()) as hub:
        yield hub


def start(program: Program, locks: str, **environment: str) -> subprocess.Popen[str]:
    strace = ["strace", "-f", "-qq", "-e", "trace=flock", *LOCKS[locks], "-o", os.devnull]
    return subprocess.Popen(
        [*(strace if LOCKS[locks] else ()), sys.executable, "-m", "tui_hub",
         "download", "acme/tiny", "--json"],
        env=program.whole(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


@pytest.mark.parametrize("homes", ["one home", "homes of their own"])
@pytest.mark.parametrize("locks", LOCKS)
def test_all_get_the_model_and_the_store_is_sound(
    locks: str, homes: str, hub: DemoHub, tmp_path: Path
) -> None:
    if LOCKS[locks] and shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    store = tmp_path / "store"
    processes = [
        start(
            Program(tmp_path / ("home" if homes == "one home" else f"home-{number}")),
            locks,
            HF_ENDPOINT=hub.endpoint,
            MODEL_STORE_PATH=str(store),
        )
        for number in range(4 if locks == "hold" else 3)
    ]
    ended = [(process.communicate(timeout=60), process.returncode) for process in processes]
    assert [code for _, code in ended] == [0] * len(processes), ended
    documents = [json.loads(out) for (out, _), _ in ended]
    for document in documents:
        assert (Path(document["path"]) / "model.safetensors").read_bytes() == WEIGHTS
    blobs = sorted((store / "blobs" / "sha256").iterdir())
    assert all(hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name for blob in blobs)
    left = [path.name for path in (store / "temp").iterdir() if path.suffix != ".lock"]
    assert left == [], "nothing unfinished, and no hold"
    if locks == "hold":
        moved = sum({one["job"]: one["bytes_transferred"] for one in documents}.values())
        assert len(WEIGHTS) <= moved < 1.05 * len(WEIGHTS), "once for all"
