"""What an error advises, in keys: the services name commands, which are typed elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable

from tui_hub.tui import commands as c
from tui_hub.tui.command import Command, KeyOf
from tui_hub.tui.commands import feeds, storage

Advise = Callable[[str | None, str], str]
"""What an error advises, for the screen that it is read on; see `BackgroundApp.advice`."""

_KEYS: dict[str, tuple[type[Command], str]] = {
    "jobs --retry": (c.RetryDownload, "Downloads"),
    "jobs --cancel": (c.CancelJob, "Jobs"),
    "jobs --follow": (c.ShowJobs, ""),
    "jobs --status": (c.ShowJobs, ""),
    "jobs": (c.ShowJobs, ""),
    "active": (c.ShowActive, ""),
    "gpus": (c.ShowActive, ""),
    "gpus --release": (c.FreeOllama, "Active"),
    "activate": (c.ActivateModel, "Browse"),
    "activate --type": (c.ActivateModel, "Browse"),
    "switch": (c.ActivateModel, "Browse"),
    "reload": (c.ReloadSlot, "Active"),
    "deactivate": (c.DeactivateSlot, "Active"),
    "storage": (c.ShowStorage, ""),
    "verify": (storage.VerifyStore, "Storage"),
    "scan": (storage.ScanBox, "Storage"),
    "gc": (storage.SweepStore, "Storage"),
    "delete": (c.DeleteModel, "Storage"),
    "download": (c.DownloadModel, "Browse"),
    "add": (c.AddModel, ""),
    "register": (c.AddModel, ""),
    "sync": (c.SyncNow, "Sync"),
    "feeds": (c.ShowSync, ""),
    "feeds edit": (feeds.EditFeed, "Sync"),
    "feeds disable": (feeds.SwitchFeed, "Sync"),
    "config": (c.ShowSettings, ""),
    "config get --json": (c.ShowSettings, ""),
    "config set": (c.ShowSettings, ""),
    "config unset": (c.ShowSettings, ""),
    "--offline": (c.WorkOffline, ""),
}
"""What does the same here, and the screen whose key it is; none where it works everywhere. A
command with other options than these has no key: it would do something else."""
_GROUPS = ("feeds", "config")
"""Commands whose first word behind them is an action."""
_COMMAND = re.compile(r"`tui-hub (--offline|[a-z]+)((?: [^`]+)?)`")
_ONLINE = re.compile(r"Leave out --offline(?:, or unset HF_HUB_OFFLINE,)? to ")
"""How the services advise to go online."""


def on_screen(hint: str, key_of: KeyOf, here: str = "") -> str:
    """The hint with a key in the place of each command that has one.

    Args:
        hint: what a service advises.
        key_of: how a sentence names the key of a command.
        here: the screen that it is read on, whose keys need no place.
    """

    def key(found: re.Match[str]) -> str:
        known = _KEYS.get(_named(found[1], found[2].split()))
        if known is None:
            return found[0]
        command, place = known
        return f"{key_of(command)} in {place}" if place not in ("", here) else key_of(command)

    online = f"{key_of(c.WorkOffline)} goes online again, to "
    return _COMMAND.sub(key, _ONLINE.sub(online, hint))


def _named(verb: str, words: list[str]) -> str:
    """A command by its verb, its action and its options."""
    action = words[:1] if verb in _GROUPS else []
    return " ".join([verb, *action, *(word for word in words if word.startswith("--"))])
