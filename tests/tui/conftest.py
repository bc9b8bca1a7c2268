"""Homes for the screen: offline and filled by hand, or talking to the hub of the tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.notifications import Notification
from textual.widgets import Input

from tui_hub.settings import Configuration, load_configuration


@pytest.fixture(autouse=True)
def still_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """No blinking: what is on screen depends on the keys alone."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture(autouse=True)
def lasting_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes stay for as long as a box that is busy with other work needs to look at them."""
    left = property(lambda note: note.raised_at + 10 * note.timeout - time.time())
    monkeypatch.setattr(Notification, "time_left", left)


Configure = Callable[..., Configuration]


def offline_home(home: Path, **environment: str) -> Configuration:
    """A home that never opens a connection and never syncs by itself."""
    return load_configuration(
        environment={
            "TUI_HUB_HOME": str(home),
            "HF_HUB_OFFLINE": "1",
            "TUI_HUB_SYNC__ENABLED": "false",
            **environment,
        }
    )


@pytest.fixture
def offline(tmp_path: Path) -> Configuration:
    """A home without a network."""
    return offline_home(tmp_path / "home")


@pytest.fixture
def plain(tmp_path: Path) -> Configuration:
    """The same, drawn in ASCII."""
    return offline_home(tmp_path / "home", TUI_HUB_SCREEN__ASCII="true")


@pytest.fixture
def online(configure: Configure) -> Configuration:
    """A home that talks to the hub of the tests, and syncs only when asked."""
    return configure(TUI_HUB_SYNC__ENABLED="false")
