"""Waiting for processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def gone(pid: int, seconds: float = 60.0) -> bool:
    """Whether a process ends in time and is no zombie of this one; `init` may yet reap it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return True
        if stat[0] == "Z" and int(stat[1]) != os.getpid():
            return True
        time.sleep(0.01)
    return False


def stop(pid: int, seconds: float = 60.0) -> None:
    """Stop a process, and wait until none of its threads runs any more."""
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
        if all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats):
            return
        time.sleep(0.01)
    raise TimeoutError(f"{pid} does not stop")
