"""llama.cpp's server on real weights: started, asked, switched, and asked again."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from sys import executable
from typing import Any

import numpy as np
import pytest
from command_line import Program
from real_home import Home, Shelf, need
from registry_models import MINILM

from tui_hub.demo import DemoHub, Repository, RepositoryFile

pytestmark = [pytest.mark.registry, pytest.mark.timeout(300)]

SERVER = Path(__file__).with_name("llama_server.py")
WHOLE, HALF = "real/minilm-f32-gguf", "real/minilm-f16-gguf"
SENTENCES = (
    "hello world",
    "The quick brown fox jumps over the lazy dog.",
    "Größe, naïveté & 東京: 12,5 %",
)


@dataclass
class Place:
    """A home on a hub with two GGUF files of one model, and what they were made of."""

    home: Home
    safetensors: Path


@pytest.fixture
def place(shelf: Shelf, tmp_path: Path) -> Iterator[Place]:
    """A home whose settings name llama.cpp's server for GGUF files."""
    for package in ("xllamacpp", "gguf", "transformers"):
        need(package)
    from gguf_models import write_bert

    (weights,) = (one for one in shelf[MINILM].repository.files if one.path == "config.json")
    assert isinstance(weights.source, Path)
    folder, repositories = weights.source.parent, []
    for name, half in ((WHOLE, False), (HALF, True)):
        file = tmp_path / f"minilm-{'F16' if half else 'F32'}.gguf"
        write_bert(folder, file, half=half)
        files = (RepositoryFile(file.name, file),)
        repositories.append(Repository(id=name, files=files, task="feature-extraction"))
    with DemoHub(repositories=repositories, per_connection=0, total=0) as hub:
        environment = {"HF_ENDPOINT": hub.endpoint, "TUI_HUB_RUNTIME__USE": "auto"}
        home = Home(Program(tmp_path / "home", environment))
        _name_server(home.program.home)
        yield Place(home, folder)
        home.program("deactivate", "embedding")


def _name_server(home: Path) -> None:
    found = find_spec("xllamacpp")
    assert found is not None and found.origin is not None
    command = [executable, str(SERVER), "{file}", "{host}", "{port}"]
    home.mkdir()
    (home / "config.toml").write_text(
        f'[runtime.commands.llama]\ncommand = {json.dumps(command)}\nformats = ["gguf"]\n'
        f'environment = {{ PYTHONPATH = "{Path(found.origin).parents[1]}" }}\n'
    )


def ask(url: str, sentence: str) -> list[float]:
    """A sentence's embedding, as any client of OpenAI's asks for it."""
    request = urllib.request.Request(
        f"{url}/v1/embeddings",
        json.dumps({"input": sentence, "model": "any"}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=100) as answer:
        document: dict[str, Any] = json.load(answer)
    return [float(number) for number in document["data"][0]["embedding"]]


def test_it_embeds_as_transformers_does_and_is_switched(place: Place) -> None:
    home = place.home
    for model in (WHOLE, HALF):
        home.command("download", model)
    first = home.command("activate", WHOLE)
    assert (first["status"], first["runtime"]) == ("active", "command")
    vectors = home.load("embed_all", str(place.safetensors), *SENTENCES)
    wanted = dict(zip(SENTENCES, vectors, strict=True))
    for sentence in SENTENCES:
        np.testing.assert_allclose(ask(first["url"], sentence), wanted[sentence], atol=1e-3)

    second = home.command("switch", HALF)
    assert (second["status"], second["previous"]) == ("active", f"hf:{WHOLE}")
    assert second["url"] == first["url"], "clients find it where they found the other"
    assert second["memory"]["peak"] >= second["memory"]["used_after"] > 0
    for sentence in SENTENCES:
        np.testing.assert_allclose(ask(second["url"], sentence), wanted[sentence], atol=1e-3)
    measured = home.command("check", HALF)["need"][0]
    assert measured["basis"] == "measured"
    assert home.command("deactivate", "embedding")["status"] == "inactive"
