"""A home of the program on a hub of real models, and the libraries that open what it publishes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from command_line import Program
from registry_models import Carried, RealModel

from tui_hub.demo import DemoHub

_LOADERS = Path(__file__).with_name("loaders.py")
_FEED = '[feeds."hf:real"]\nqueries = [{ author = "real", sort = "downloads" }]\n'


@dataclass
class Shelf:
    """The models that can be had, and why the others cannot."""

    models: dict[str, RealModel] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, carried: Carried) -> RealModel:
        """The model; skips the test, with the reason, where its package cannot be had."""
        if carried.id in self.missing:
            pytest.skip(self.missing[carried.id])
        return self.models[carried.id]


@dataclass
class Home:
    """The program on a home of its own that takes its models from one hub."""

    program: Program
    feeds: dict[str, dict[str, Any]] = field(default_factory=dict)
    """How the last sync of each feed went."""
    _downloads: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        """Where the bytes lie."""
        return self.program.home / "store"

    def command(self, *arguments: str) -> dict[str, Any]:
        """What a command that must succeed answers."""
        ran = self.program.json(*arguments)
        assert ran.code == 0, ran.out
        return ran.document

    def sync(self) -> None:
        """Bring the catalogue up to date: the feeds that ship, and one of the user's own."""
        self.program.home.mkdir(parents=True, exist_ok=True)
        (self.program.home / "config.toml").write_text(_FEED)
        self.feeds = {feed["feed"]: feed for feed in self.command("sync")["feeds"]}

    def download(self, carried: Carried) -> dict[str, Any]:
        """A model's download, done once."""
        if carried.id not in self._downloads:
            self._downloads[carried.id] = self.command("download", carried.id)
        return self._downloads[carried.id]

    def blob(self, sha256: str) -> Path:
        """Where a blob lies."""
        return self.store / "blobs" / "sha256" / sha256

    def load(self, loader: str, *arguments: str) -> Any:
        """What a library makes of a model, knowing nothing but where the `hf/` view is."""
        ran = subprocess.run(
            [sys.executable, str(_LOADERS), loader, *arguments],
            env={
                "HOME": str(self.program.home.parent),
                "HF_HUB_CACHE": str(self.store / "hf"),
                "HF_HUB_OFFLINE": "1",
            },
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert ran.returncode == 0, ran.stderr[-2000:]
        return json.loads(ran.stdout)


def hub_of(models: Sequence[RealModel]) -> DemoHub:
    """A hub with these models, as fast as it can."""
    return DemoHub(repositories=[one.repository for one in models], per_connection=0, total=0)


def need(package: str) -> None:
    """Skip the test where a library is not installed: some have no wheel for every Python."""
    if find_spec(package) is None:
        version = ".".join(map(str, sys.version_info[:2]))
        pytest.skip(f"{package} is not installed; it may have no wheel for Python {version}")
