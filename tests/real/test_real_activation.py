"""Weights that are not ours, in memory: activated, switched, and rolled back from a broken one."""

from __future__ import annotations

import importlib.util
import json
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from command_line import Program
from real_home import Shelf, need
from registry_models import MINILM, MINILM_WEIGHTS, SILERO, sha256_of

from tui_hub.demo import DemoHub, Repository, RepositoryFile

pytestmark = [pytest.mark.registry, pytest.mark.timeout(300)]

COMMAND = Path(sysconfig.get_path("scripts"), "tui-hub")
BROKEN = "real/all-MiniLM-L6-v2-broken"


def broken(real: Repository) -> Repository:
    """MiniLM as a bad disk would leave it: one number of one tensor is none any more."""
    (weights,) = (file for file in real.files if file.path == "model.safetensors")
    assert isinstance(weights.source, Path)
    content = bytearray(weights.source.read_bytes())
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    start = 8 + length + header["embeddings.LayerNorm.weight"]["data_offsets"][0]
    content[start : start + 4] = struct.pack("<f", float("nan"))
    files = tuple(file for file in real.files if file.path != "model.safetensors")
    spoilt = RepositoryFile("model.safetensors", bytes(content))
    return replace(real, id=BROKEN, files=(*files, spoilt))


ATTACH = """
import torch, tui_hub
from transformers import AutoConfig, AutoModel

with tui_hub.attach("embedding") as weights:
    attached = AutoModel.from_config(AutoConfig.from_pretrained(weights.path)).eval()
    attached.load_state_dict(weights, strict=False, assign=True)
    from_disk = AutoModel.from_pretrained(weights.path).eval()
with torch.inference_mode():
    words = torch.tensor([[101, 7592, 2088, 102]])
    states = [model(words).last_hidden_state for model in (attached, from_disk)]
print(states[0].equal(states[1]), states[0].shape)
"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody has waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def program(shelf: Shelf, tmp_path: Path) -> Iterator[Program]:
    """A home on a hub with two real models and a broken one; its processes end with it."""
    models = [shelf[MINILM].repository, shelf[SILERO].repository]
    repositories = [*models, broken(models[0])]
    with DemoHub(repositories=repositories, per_connection=0, total=0) as hub:
        environment = {"HF_ENDPOINT": hub.endpoint, "TUI_HUB_RUNTIME__USE": "auto"}
        program = Program(tmp_path / "home", environment)
        yield program
        program("deactivate", "embedding")


def test_real_weights_come_go_and_come_back(program: Program) -> None:
    need("torch")

    def run(*arguments: str, code: int = 0) -> dict[str, Any]:
        ended = subprocess.run(
            [COMMAND, *arguments, "--json"],
            env=program.whole({}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert ended.returncode == code, (arguments, ended.stdout, ended.stderr)
        document: dict[str, Any] = json.loads(ended.stdout)
        return document

    for model in (MINILM.id, SILERO.id, BROKEN):
        run("download", model)
    assert run("check", MINILM.id)["verdict"] == "fits"

    first = run("activate", MINILM.id)
    assert (first["status"], first["runtime"], first["device"]) == ("active", "torch", "cpu")
    assert sha256_of(Path(first["path"]) / "model.safetensors") == MINILM_WEIGHTS
    holder = psutil.Process(first["pid"])
    weights = first["memory"]["needed"]
    assert 90_000_000 < weights < 91_000_000
    assert holder.memory_info().rss > weights, "all of the weights are in its memory"

    if importlib.util.find_spec("transformers"):
        attached = subprocess.run(
            [sys.executable, "-c", ATTACH],
            env=program.whole({}),
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert attached.stdout == "True torch.Size([1, 4, 384])\n", attached.stderr

    second = run("switch", SILERO.id, "--type", "embedding")
    assert (second["status"], second["previous"]) == ("active", f"hf:{MINILM.id}")
    assert not alive(first["pid"])
    assert psutil.Process(second["pid"]).memory_info().rss < first["memory"]["peak"] + 400e6

    back = run("switch", MINILM.id)
    assert back["status"] == "active" and not alive(second["pid"])

    spoilt = run("switch", BROKEN, code=1)
    assert (spoilt["status"], spoilt["previous"]) == ("rolled_back", f"hf:{MINILM.id}")
    assert "embeddings.LayerNorm.weight" in spoilt["error"]["message"]
    (slot,) = run("active")["slots"]
    assert (slot["model"], slot["status"]) == (f"hf:{MINILM.id}", "active")
    assert alive(slot["pid"])

    gone = run("deactivate", "embedding")
    assert gone["status"] == "inactive" and not alive(slot["pid"])
