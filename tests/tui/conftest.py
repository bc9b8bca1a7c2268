"""Homes for the screen: offline and filled by hand, or talking to the hub of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from textual.notifications import Notification
from textual.widgets import Input
from textual.widgets._toast import Toast, ToastHolder, ToastRack

from tui_hub.settings import Configuration, load_configuration


@pytest.fixture(autouse=True)
def still_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """No blinking: what is on screen depends on the keys alone."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture(autouse=True)
def lasting_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes that went from the screen are still known to a test that a busy box keeps waiting."""
    show = ToastRack.show

    def expire(toast: Toast) -> None:
        """Go from the screen, and leave the note."""
        (toast.parent if isinstance(toast.parent, ToastHolder) else toast).remove()

    def show_new(rack: ToastRack, notes: Iterable[Notification]) -> None:
        """Show what may be on the screen."""
        show(rack, [note for note in notes if note.time_left > 0])  # type: ignore[arg-type]

    monkeypatch.setattr(Notification, "has_expired", property(lambda note: note.time_left < -60))
    monkeypatch.setattr(Toast, "_expire", expire)
    monkeypatch.setattr(ToastRack, "show", show_new)


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
