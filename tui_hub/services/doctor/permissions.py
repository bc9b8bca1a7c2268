"""Who may read and write what belongs to a home."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from tui_hub.domain.doctor import Finding
from tui_hub.paths import Paths
from tui_hub.services.doctor.findings import error, ok, warning

_CHECK = "permissions"


async def look(paths: Paths) -> AsyncIterator[Finding]:
    """Look at the folders and the databases of a home, as far as they are there."""
    found = await asyncio.to_thread(lambda: list(_look(paths)))
    for finding in found:
        yield finding
    if not found:
        yield ok(_CHECK, "what belongs to the home is this user's, and nobody else may write it")


def _look(paths: Paths) -> Iterator[Finding]:
    databases = (paths.hub_database, paths.catalogue_database)
    folders = (paths.hub_database.parent, paths.catalogue_database.parent, paths.logs, paths.state)
    for place in dict.fromkeys((*folders, *databases)):
        try:
            status = place.stat()
        except OSError:  # it is made when it is needed, or somebody else tells why it cannot be
            continue
        yield from _of(place, status, private=place in databases)


def _of(place: Path, status: os.stat_result, *, private: bool) -> Iterator[Finding]:
    if status.st_uid != os.getuid():
        right = os.access(place, os.W_OK)
        tell = warning if right else error
        yield tell(
            _CHECK,
            f"{place} belongs to another user" + ("" if right else ", who lets this one not write"),
            f"`sudo chown -R $(id -u) {place}`; started once with `sudo`, the program leaves that.",
        )
    # Many systems give every user a group of one's own, which lets nobody else in.
    shared = status.st_gid != os.getgid()
    if status.st_mode & (stat.S_IWOTH | stat.S_IWGRP * shared):
        yield warning(
            _CHECK, f"other users may write to {place}, and change it", f"`chmod go-w {place}`"
        )
    elif private and status.st_mode & (stat.S_IROTH | stat.S_IRGRP * shared):
        yield warning(
            _CHECK,
            f"other users may read {place}, with your notes and all that was downloaded",
            f"`chmod go-rwx {place}`",
        )
