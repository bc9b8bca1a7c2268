"""What all tests share: a hub with small models, and homes that nothing leaks into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from homes import Configure
from small_models import small_repositories

from tui_hub.demo import DemoHub
from tui_hub.settings import Configuration, load_configuration

LEAKS = (
    "HF_TOKEN", "HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TUI_HUB_HOME",
    "MODEL_STORE_PATH", "TRANSFORMERS_OFFLINE",
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_leaks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's own tokens, endpoints and homes out of the tests."""
    for name in LEAKS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))


@pytest.fixture
def hub() -> Iterator[DemoHub]:
    """A hub of one's own with the small models, as fast as the machine."""
    with DemoHub(per_connection=0, total=0, repositories=small_repositories()) as hub:
        yield hub


@pytest.fixture
def configure(hub: DemoHub, tmp_path: Path) -> Configure:
    """Make the configuration of a home that talks to the hub."""

    def make(home: str = "home", **environment: str) -> Configuration:
        return load_configuration(
            environment={
                "TUI_HUB_HOME": str(tmp_path / home),
                "HF_ENDPOINT": hub.endpoint,
                "HF_HOME": str(tmp_path / "hf-home"),
                # Most weights here are no weights; what loads some says so.
                "TUI_HUB_RUNTIME__USE": "link",
                **environment,
            }
        )

    return make
