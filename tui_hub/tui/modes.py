"""The main screens by name. Each is imported when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.binding import Binding
from textual.screen import Screen

from tui_hub.tui.command import Command, command_of
from tui_hub.tui.commands import EVERYWHERE


def browse() -> Screen[Any]:
    """The catalogue."""
    from tui_hub.tui.screens.browse import BrowseScreen

    return BrowseScreen()


def downloads() -> Screen[Any]:
    """Downloads that run, and those that ended."""
    from tui_hub.tui.screens.downloads import DownloadsScreen

    return DownloadsScreen()


def active() -> Screen[Any]:
    """The slots."""
    from tui_hub.tui.screens.active import ActiveScreen

    return ActiveScreen()


def jobs() -> Screen[Any]:
    """The background work."""
    from tui_hub.tui.screens.jobs import JobsScreen

    return JobsScreen()


def storage() -> Screen[Any]:
    """The store."""
    from tui_hub.tui.screens.storage import StorageScreen

    return StorageScreen()


def sync() -> Screen[Any]:
    """The feeds."""
    from tui_hub.tui.screens.sync import SyncScreen

    return SyncScreen()


def settings() -> Screen[Any]:
    """The settings."""
    from tui_hub.tui.screens.settings import SettingsScreen

    return SettingsScreen()


def key_command(mode: str) -> type[Command]:
    """The command that goes to a main screen."""
    return next(one for one in EVERYWHERE if one.act == "show_mode" and one.argument == mode)


def commands_of(mode: str) -> tuple[type[Command], ...]:
    """The commands of a main screen; those of a model's page count to the catalogue."""
    from tui_hub.tui.screens.model import ModelScreen

    classes: list[type[Screen[Any]]] = [type(MODES[mode]())]
    classes += [ModelScreen] if mode == "browse" else []
    found = [
        command_of(binding)
        for one in classes
        for binding in one.BINDINGS
        if isinstance(binding, Binding)
    ]
    return tuple(dict.fromkeys(command for command in found if command is not None))


MODES: dict[str, Callable[[], Screen[Any]]] = {
    "browse": browse,
    "downloads": downloads,
    "active": active,
    "jobs": jobs,
    "storage": storage,
    "sync": sync,
    "settings": settings,
}
