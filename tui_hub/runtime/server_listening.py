"""Who listens at a port: a server of ours, or somebody who came in between. By proc(5)."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

_LISTENING = "0A"
"""The state TCP_LISTEN of the kernel's `tcp_states.h`."""


def stranger_at(port: int, ours: Collection[int]) -> str | None:
    """Who listens at a port and is none of ours; `None` where one of ours does, or nobody can tell.

    Blocks for a moment.

    Args:
        port: the port.
        ours: the pids of the server and of all that it started.
    """
    owners = _listening_at(port)
    if not owners:
        return None
    wanted = {f"socket:[{inode}]" for inode in owners}
    for pid in ours:
        held = _sockets_of(pid)
        if held is None or held & wanted:
            return None
    for folder in Path("/proc").glob("[0-9]*"):
        held = _sockets_of(int(folder.name))
        if held and held & wanted:
            return f"{_name_of(folder)} (process {folder.name})"
    # One of this user's own that cannot be seen may be in a container: that proves nothing.
    return None if os.geteuid() in owners.values() else "a process of another user"


def _listening_at(port: int) -> dict[int, int]:
    """The sockets that listen at a port, by inode, with the user of each."""
    found: dict[int, int] = {}
    for name in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", name).read_text("ascii", "replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                found[int(fields[9])] = int(fields[7])
    return found


def _sockets_of(pid: int) -> frozenset[str] | None:
    """The sockets that a process has open; `None` where that may not be seen."""
    found = set()
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found.add(str(link.readlink()))
            except FileNotFoundError:
                continue
    except FileNotFoundError:
        return frozenset()
    except OSError:
        return None
    return frozenset(one for one in found if one.startswith("socket:"))


def _name_of(folder: Path) -> str:
    try:
        return (folder / "comm").read_text("utf-8", "replace").strip() or "a process"
    except OSError:
        return "a process"
