"""Find, fetch, verify, switch and retire AI models: the screen, the command line, and `open`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from os import PathLike
from typing import TYPE_CHECKING

from tui_hub.version import __version__

if TYPE_CHECKING:
    from tui_hub.services import Services

__all__ = ["__version__", "open"]


def open(  # noqa: A001 - `tui_hub.open()` reads as what it does
    home: str | PathLike[str] | None = None,
    *,
    config: str | PathLike[str] | None = None,
    offline: bool = False,
    environment: Mapping[str, str] | None = None,
) -> AbstractAsyncContextManager[Services]:
    """Open a home for another program, which can then do what the screen does.

    Use it with `async with`: at the end running downloads pause and everything is closed. Models
    that were activated stay active. Whatever cannot be done raises a
    `tui_hub.domain.errors.HubError` with `message`, `hint` and `code`.

    Args:
        home: the folder of all state; by default that of the command `tui-hub`.
        config: the settings file; by default that of the home.
        offline: never open a connection.
        environment: stands in for the process's environment.

    Raises:
        UsageError: when the settings are wrong.
    """
    from tui_hub.services import open_services
    from tui_hub.settings import load_configuration

    return open_services(
        load_configuration(
            home=None if home is None else str(home),
            config_file=None if config is None else str(config),
            offline=offline,
            environment=environment,
        )
    )
