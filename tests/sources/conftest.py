from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_time import FakeTime
from hub_server import HubServer
from ollama_server import OllamaServer

from tui_hub.settings import Configuration, load_configuration
from tui_hub.sources.huggingface import HuggingFace
from tui_hub.sources.ollama import Ollama

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture
def recorded() -> Callable[[str], Any]:
    """The body of a recorded answer."""
    return lambda name: json.loads((RECORDED / name).read_text("utf-8"))["body"]


@pytest.fixture
def hub() -> Iterator[HubServer]:
    server = HubServer()
    yield server
    server.close()


@pytest.fixture
def elsewhere() -> Iterator[HubServer]:
    """A second origin: same host, another port."""
    server = HubServer()
    yield server
    server.close()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


Configure = Callable[..., Configuration]


@pytest.fixture
def configure(tmp_path: Path, hub: HubServer) -> Configure:
    """Settings of a run that talks to `hub` and to nothing else of this machine."""

    def make(offline: bool = False, **environment: str) -> Configuration:
        base = {
            "TUI_HUB_HOME": str(tmp_path),
            "HF_ENDPOINT": hub.url,
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
            "TUI_HUB_NETWORK__TIMEOUT": "20",
        }
        return load_configuration(offline=offline, environment={**base, **environment})

    return make


@pytest.fixture
async def connect(
    configure: Configure, time: FakeTime
) -> AsyncIterator[Callable[..., HuggingFace]]:
    """Makes sources, and closes them."""
    made: list[HuggingFace] = []

    def make(offline: bool = False, **environment: str) -> HuggingFace:
        source = HuggingFace(configure(offline, **environment), clock=time.clock)
        made.append(source)
        return source

    yield make
    for source in made:
        await source.close()


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    """A registry, a library and a daemon in one."""
    server = OllamaServer()
    yield server
    server.close()


@pytest.fixture
async def consult(
    configure: Configure, ollama: OllamaServer, time: FakeTime
) -> AsyncIterator[Callable[..., Ollama]]:
    """Makes sources that talk to `ollama`, and closes them."""
    made: list[Ollama] = []

    def make(offline: bool = False, **environment: str) -> Ollama:
        base = {
            "TUI_HUB_OLLAMA__REGISTRY": ollama.url,
            "TUI_HUB_OLLAMA__LIBRARY": ollama.url,
            "OLLAMA_HOST": ollama.url,
        }
        source = Ollama(configure(offline, **{**base, **environment}), clock=time.clock)
        made.append(source)
        return source

    yield make
    for source in made:
        await source.close()
