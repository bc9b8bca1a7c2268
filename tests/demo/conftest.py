"""The hub under test: one with the demo's own contents, and small ones of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tui_hub.demo import DemoHub, Repository, RepositoryFile, Weights
from tui_hub.demo.models import demo_repositories


@pytest.fixture(scope="session")
def now() -> datetime:
    """The moment from which the ages of the catalogue count back."""
    return datetime(2026, 1, 31, tzinfo=UTC)


@pytest.fixture(scope="session")
def contents(now: datetime) -> list[Repository]:
    """What the demo hub holds."""
    return demo_repositories(now)


@pytest.fixture(scope="session")
def full_hub(contents: list[Repository]) -> Iterator[DemoHub]:
    """The demo as people see it, but for the throttle. Tests must leave it as it is."""
    with DemoHub(per_connection=0, total=0, repositories=contents) as hub:
        yield hub


def small_repository(name: str = "demo-lab/small", **fields: object) -> Repository:
    """A README in git, a large file outside it, a folder."""
    files = (
        RepositoryFile("README.md", b"# Small\n" * 400),
        RepositoryFile("config.json", b'{"model_type": "small"}'),
        RepositoryFile("weights/model.safetensors", Weights("F32", 3_000_001, name)),
    )
    return Repository(id=name, files=files, **fields)  # type: ignore[arg-type]


@pytest.fixture
def hub() -> Iterator[DemoHub]:
    """A hub with four small repositories: public, gated, private, disabled."""
    repositories = [
        small_repository(),
        small_repository("demo-lab/gated", gated="manual"),
        small_repository("demo-lab/private", private=True),
        small_repository("demo-lab/disabled", disabled=True),
    ]
    with DemoHub(per_connection=0, total=0, repositories=repositories) as hub:
        yield hub


@pytest.fixture
def web(hub: DemoHub) -> Iterator[httpx.Client]:
    """A client that follows nothing, to look at every answer by itself."""
    headers = {"Accept-Encoding": "identity"}
    with httpx.Client(base_url=hub.endpoint, headers=headers) as client:
        yield client


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the person's own Hub login, cache or proxy."""
    for name in ("HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute for each answer; the five seconds of httpx are few on a busy box."""
    for name in ("connect", "read", "write", "pool"):
        monkeypatch.setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, name, 60.0)
