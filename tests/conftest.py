"""What all tests share: a hub with small models, and homes that nothing leaks into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from homes import NO_OLLAMA, Configure
from hypothesis import HealthCheck, settings
from nvml_driver import StubDriver, absent, build
from small_models import small_repositories
from warm_torch import WarmTorch

from tui_hub.demo import DemoHub
from tui_hub.runtime import children, spawning
from tui_hub.settings import Configuration, load_configuration

LEAKS = (
    "HF_TOKEN", "HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TUI_HUB_HOME",
    "MODEL_STORE_PATH", "OLLAMA_HOST", "REPLICATE_API_TOKEN", "TRANSFORMERS_OFFLINE",
)  # fmt: skip


settings.register_profile("any box", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any box")  # a box that is busy with other work fails nobody's test


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for what takes too long for every day."""
    parser.addoption(
        "--all-crash-points", action="store_true", help="hit every crash point, not a sample"
    )


@pytest.fixture
def all_crash_points(request: pytest.FixtureRequest) -> bool:
    """Whether every crash point is to be hit."""
    return bool(request.config.getoption("--all-crash-points"))


@pytest.fixture(autouse=True)
def no_leaks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's own tokens, endpoints and homes out of the tests."""
    for name in LEAKS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))


@pytest.fixture(autouse=True)
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the GPUs of the machine that the tests run on."""
    absent(monkeypatch)


@pytest.fixture(scope="session")
def driver_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a driver library without a GPU."""
    return build(tmp_path_factory.mktemp("driver"))


@pytest.fixture(scope="session")
def old_driver_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one that lacks what came later."""
    return build(tmp_path_factory.mktemp("old-driver"), version=440)


@pytest.fixture
def driver(driver_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StubDriver:
    """A driver that tells what the test wants, in this process and for children."""
    stub = StubDriver(driver_library, tmp_path / "driver")
    stub.install(monkeypatch)
    return stub


@pytest.fixture
def old_driver(
    old_driver_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> StubDriver:
    """A driver from before MIG."""
    stub = StubDriver(old_driver_library, tmp_path / "driver")
    stub.install(monkeypatch)
    return stub


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
                **NO_OLLAMA,
                **environment,
            }
        )

    return make


@pytest.fixture(scope="session")
def torch_server() -> Iterator[WarmTorch]:
    """What forks processes that have torch already."""
    server = WarmTorch()
    yield server
    server.close()


@pytest.fixture
def warm_torch(torch_server: WarmTorch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the processes with torch forked that this process starts, not those of its children."""
    monkeypatch.setattr(children, "spawn", torch_server.spawn)


@pytest.fixture
def cold_torch(warm_torch: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have them started as the program does, for a test of a module that has them forked."""
    monkeypatch.setattr(children, "spawn", spawning.spawn)
