"""`tui_hub.open()`, as the README shows it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from homes import Configure
from small_models import tensors_file

import tui_hub
from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.domain.errors import NoConnectionError, UsageError

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def hub() -> Iterator[DemoHub]:
    """A hub with one model that is found by what the example looks for."""
    files = (RepositoryFile("model.safetensors", tensors_file(1)),)
    chat = Repository(id="acme/chat", files=files, task="text-generation", downloads=5)
    with DemoHub(per_connection=0, total=0, repositories=[chat]) as running:
        yield running


def example() -> str:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (block,) = (block for block in blocks if "tui_hub.open(" in block)
    return str(block)


def test_the_example_of_the_readme_does_what_it_says(configure: Configure) -> None:
    configuration = configure()
    ran = subprocess.run(
        [sys.executable, "-c", example()],
        env={**os.environ, **configuration.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    downloaded, activated = ran.stdout.splitlines()
    assert downloaded == "completed fits"
    assert "model='hf:acme/chat', status='active'" in activated
    assert (configuration.paths.store / "active" / "llm" / "model.safetensors").is_file()


async def test_a_home_is_opened_by_name_and_closed_again(configure: Configure) -> None:
    configuration = configure()
    async with tui_hub.open(
        configuration.paths.home, offline=True, environment=configuration.environment
    ) as hub:
        assert hub.configuration.settings.network.offline
        assert hub.configuration.paths == configuration.paths
        with pytest.raises(NoConnectionError):
            await hub.catalogue.get("acme/nothing")


def test_wrong_settings_are_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no settings file"):
        tui_hub.open(tmp_path, config=tmp_path / "missing.toml")


def test_the_package_alone_loads_next_to_nothing() -> None:
    code = "import sys, tui_hub; print(sorted(m for m in sys.modules if m.startswith('tui_hub')))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['tui_hub', 'tui_hub.version']"
