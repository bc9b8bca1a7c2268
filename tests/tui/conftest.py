"""Homes for the screen: offline and filled by hand, or talking to the hub of the tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.widgets import Input

from tui_hub.settings import Configuration


@pytest.fixture(autouse=True)
def still_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """No blinking: what is on screen depends on the keys alone."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.delenv("NO_COLOR", raising=False)


Configure = Callable[..., Configuration]


@pytest.fixture
def offline(configure: Configure) -> Configuration:
    """A home that never opens a connection and never syncs by itself."""
    return configure(HF_HUB_OFFLINE="1", TUI_HUB_SYNC__ENABLED="false")


@pytest.fixture
def online(configure: Configure) -> Configuration:
    """A home that talks to the hub of the tests, and syncs only when asked."""
    return configure(TUI_HUB_SYNC__ENABLED="false")
