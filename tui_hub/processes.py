"""Who runs: this process's identity, and whether another process still lives."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
import time
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from tui_hub.domain.jobs import Owner

_log = logging.getLogger(__name__)

_NICEST = 19


def this_process() -> Owner:
    """The identity under which this process owns jobs, leases and partial files."""
    return _own(os.getpid())


@cache
def _own(pid: int) -> Owner:
    return identity(pid)


def identity(pid: int) -> Owner:
    """The identity of a process of this machine; a later one with its pid has another."""
    return Owner(host=socket.gethostname(), pid=pid, started=_started(pid) or 0.0, boot=boot_id())


def beat() -> float:
    """A heartbeat: seconds on a clock that all processes of one boot share.

    No change of the time of day moves it, and it stands still while the box is suspended.
    """
    return time.monotonic()


def silent(owner: Owner, last: float, ttl: float) -> bool:
    """Whether a process has shown no heartbeat for `ttl` seconds.

    The clock of another boot means nothing here. Of a process there, it is watched whether its
    heartbeat moves: it is silent once this process has seen the same one for `ttl` seconds.

    Args:
        owner: the process.
        last: its last `beat`.
        ttl: seconds.
    """
    here = this_process()
    now = beat()
    if owner.boot.partition(" ")[0] == here.boot.partition(" ")[0] and last <= now:
        return now - last > ttl
    seen, since = _watched.get(owner, (last, now))
    if seen != last:
        since = now
    _watched[owner] = (last, since)
    return now - since > ttl


_watched: dict[Owner, tuple[float, float]] = {}
"""Of processes of other boots: the last heartbeat, and when it was first seen."""


def nobody(pid: int) -> Owner:
    """The identity of a process that cannot be seen from here, and is never taken for another."""
    return Owner(host="", pid=pid, started=0.0, boot="elsewhere")


def alive(owner: Owner) -> bool:
    """Whether the process may still run; those that cannot be seen get the benefit of doubt."""
    return known_alive(owner) is not False


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped, as by Ctrl+Z, and not been let go on yet."""
    if not Path("/proc/self/stat").exists():
        return _stopped_elsewhere(pid)
    return _stat(pid)[:1] == ["T"]


def known_alive(owner: Owner) -> bool | None:
    """Whether the process still runs; `None` where that cannot be seen from here.

    A process on another machine, or in a container with pids of its own, cannot be seen.
    """
    here = this_process()
    if owner.boot != here.boot:
        boot, _, place = owner.boot.partition(" ")
        same_boot = boot == here.boot.partition(" ")[0]
        same_place = (owner.host, place) == (here.host, here.boot.partition(" ")[2])
        return False if same_place and not same_boot else None
    if not owner.boot and owner.host != here.host:
        return None
    started = _started(owner.pid)
    if started is None and _hidden(owner.pid):
        return None
    return started is not None and started == owner.started


def give_way() -> None:
    """Let everything else on the box go first, on the processor and on the disk.

    For the calling thread alone, and for good: without privileges no thread gets back what it gave
    up. Some disk schedulers know no priorities, so whoever reads much also minds how fast.
    """
    import psutil

    thread = threading.get_native_id()
    try:
        # On Linux a thread is what these calls mean; elsewhere they would mean the whole process.
        if psutil.LINUX:
            os.setpriority(os.PRIO_PROCESS, thread, _NICEST)
            psutil.Process(thread).ionice(psutil.IOPRIO_CLASS_IDLE)
    except (OSError, psutil.Error) as error:
        _log.debug("this thread keeps its priority: %s", error)


def having_open(files: Collection[Path]) -> Iterator[int]:
    """The pids of processes that have one of these files open, as far as they may be seen.

    Blocks for a moment. By the links of proc_pid_fd(5); elsewhere there are none.
    """
    wanted = {str(file.resolve()) for file in files}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            names = [link.readlink() for link in folder.iterdir()]
        except OSError:  # gone meanwhile, or another user's
            continue
        if not wanted.isdisjoint(map(str, names)):
            yield int(folder.parent.name)


def command_of(pid: int) -> str | None:
    """The command line of a process, not clean; `None` where it cannot be seen."""
    import psutil

    try:
        return " ".join(psutil.Process(pid).cmdline()) or None
    except (psutil.Error, ValueError, OverflowError):
        return None


def family(pid: int) -> frozenset[int]:
    """A process and all below it. Blocks for a moment."""
    import psutil

    try:
        return frozenset({pid, *(one.pid for one in psutil.Process(pid).children(recursive=True))})
    except (psutil.Error, ValueError, OverflowError):
        return frozenset({pid})


def resident(pids: Collection[int]) -> int:
    """The bytes of memory that processes hold, what they share counted once for each. Blocks."""
    import psutil

    total = 0
    for pid in pids:
        try:
            total += psutil.Process(pid).memory_info().rss
        except (psutil.Error, ValueError, OverflowError):
            continue
    return total


def most_resident(pids: Collection[int]) -> int:
    """The most bytes of memory that processes held so far, each at its own time. Blocks.

    By `VmHWM` of proc_pid_status(5); elsewhere there is none.
    """
    total = 0
    for pid in pids:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", _text(Path(f"/proc/{pid}/status")), re.MULTILINE)
        total += int(found[1]) * 1024 if found else 0
    return total


def marked(name: str, value: str) -> Iterator[int]:
    """The pids of processes that were given a variable, and of all that they started since.

    Blocks for a moment. By proc_pid_environ(5), this user's alone; elsewhere there are none.
    """
    wanted = f"{name}={value}".encode()
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            found = wanted in file.read_bytes().split(b"\0")
        except OSError:
            continue
        if found and int(file.parent.name) != os.getpid():
            yield int(file.parent.name)


@cache
def boot_id() -> str:
    """A word for this boot, machine and set of pids; empty where the kernel tells none.

    The first part changes at each boot. The rest says where a pid means the same: the machine,
    and the pid namespace, which each container has of its own.
    """
    boot = _text(Path("/proc/sys/kernel/random/boot_id"))
    return f"{boot} {_text(Path('/etc/machine-id'))[:8]}/{_pid_namespace()}" if boot else ""


def _pid_namespace() -> int:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""


def _started(pid: int) -> float | None:
    """When a process started, in a unit that no change of the clock moves; `None` when it is gone.

    In clock ticks since boot (proc(5), field 22), or as the system tells it where there is no such
    file.
    """
    if not Path("/proc/self/stat").exists():
        return _started_elsewhere(pid)
    fields = _stat(pid)
    return None if not fields or fields[0] in "ZX" else float(fields[19])


def _stat(pid: int) -> list[str]:
    """What proc(5) tells of a process from its third field on, its state; nothing once it is gone.

    The command in the second field may hold spaces and brackets of its own.
    """
    return _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()


def _started_elsewhere(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except (psutil.Error, ValueError, OverflowError):
        return None


def _stopped_elsewhere(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except (psutil.Error, ValueError, OverflowError):
        return False


def _hidden(pid: int) -> bool:
    """Whether a process exists that `/proc` does not show, as under its option `hidepid`."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return False
