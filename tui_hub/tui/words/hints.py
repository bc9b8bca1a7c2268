"""What an error advises, in keys: the services name commands, which are typed elsewhere."""

from __future__ import annotations

import re

from tui_hub.tui.command import Command, KeyOf
from tui_hub.tui.commands import (
    CancelJob,
    RetryDownload,
    ShowActive,
    ShowJobs,
    ShowSettings,
    ShowStorage,
    ShowSync,
)

_KEYS: dict[str, tuple[type[Command], str]] = {
    "jobs --retry": (RetryDownload, "Downloads"),
    "jobs --cancel": (CancelJob, "Jobs"),
    "jobs": (ShowJobs, ""),
    "active": (ShowActive, ""),
    "storage": (ShowStorage, ""),
    "feeds": (ShowSync, ""),
    "config": (ShowSettings, ""),
}
"""What does the same here, and the screen whose key it is; none where it works everywhere."""
_COMMAND = re.compile(r"`tui-hub (?:(jobs --(?:retry|cancel)) \S+|(\w+))`")


def on_screen(hint: str, key_of: KeyOf, here: str = "") -> str:
    """The hint with a key in the place of each command that has one.

    Args:
        hint: what a service advises.
        key_of: how a sentence names the key of a command.
        here: the screen that it is read on, whose keys need no place.
    """

    def key(found: re.Match[str]) -> str:
        known = _KEYS.get(found[1] or found[2])
        if known is None:
            return found[0]
        command, place = known
        return f"{key_of(command)} in {place}" if place not in ("", here) else key_of(command)

    return _COMMAND.sub(key, hint)
