"""A demo hub in this process, and homes that the program lives in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Inside, repositories

from tui_hub.demo import DemoHub


@pytest.fixture(scope="module")
def hub() -> Iterator[DemoHub]:
    """A hub on loopback, as fast as it can."""
    with DemoHub(repositories=repositories(), per_connection=0, total=0) as running:
        yield running


@pytest.fixture
def program(hub: DemoHub, tmp_path: Path) -> Inside:
    """The program on a fresh home, with a token that may see everything."""
    hub.faults.clear()
    return Inside(tmp_path / "home", {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token})


@pytest.fixture
def alone(tmp_path: Path) -> Inside:
    """The program on a fresh home that knows no hub."""
    return Inside(tmp_path / "home", {"HF_ENDPOINT": "http://127.0.0.1:9"})


@pytest.fixture(scope="module")
def lived_in(hub: DemoHub, tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """A home with a synced catalogue and one installed model, for tests that change nothing."""
    program = Inside(
        tmp_path_factory.mktemp("lived-in") / "home",
        {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token},
    )
    assert program("sync", "hf").code == 0
    assert program("download", "acme/tiny-llm").code == 0
    return program
