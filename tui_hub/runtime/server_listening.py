"""Who listens at a port: a server of ours, or somebody who came in between. By proc(5)."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

_LISTENING = "0A"
"""The state TCP_LISTEN of the kernel's `tcp_states.h`."""


def stranger_at(host: str, port: int, ours: Collection[int]) -> str | None:
    """Who listens at a port and is none of ours; `None` where one of ours does, or nobody can tell.

    Blocks for a moment.

    Args:
        host: by which the server is reached; who listens at other addresses is in nobody's way.
        port: the port.
        ours: the pids of the server and of all that it started.
    """
    owners = _listening_at(_addresses(host), port)
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


def _addresses(host: str) -> set[IPv4Address | IPv6Address]:
    """The addresses that a name stands for; none where nobody knows."""
    with contextlib.suppress(OSError, UnicodeError, ValueError):
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return {ip_address(str(one[4][0]).partition("%")[0]) for one in found}
    return set()


def _listening_at(hosts: Collection[IPv4Address | IPv6Address], port: int) -> dict[int, int]:
    """The sockets that listen at a port of some addresses, by inode, with the user of each."""
    found: dict[int, int] = {}
    for name in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", name).read_text("ascii", "replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            address, _, at = fields[1].rpartition(":")
            if fields[3] == _LISTENING and int(at, 16) == port and _answers(address, hosts):
                found[int(fields[9])] = int(fields[7])
    return found


def _answers(words: str, hosts: Collection[IPv4Address | IPv6Address]) -> bool:
    """Whether who listens at an address, as the kernel writes it, answers at one of the hosts."""
    numbers = [int(words[start : start + 8], 16) for start in range(0, len(words), 8)]
    listening = ip_address(b"".join(number.to_bytes(4, sys.byteorder) for number in numbers))
    if isinstance(listening, IPv6Address):
        listening = listening.ipv4_mapped or listening
    if not hosts or listening in hosts:
        return True
    # What listens at all addresses of the newer kind may take those of the older kind too.
    return listening.is_unspecified and any(listening.version >= one.version for one in hosts)


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
