"""Stops another process of the program at a moment when its stop hinders nobody else."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path


def stop_between_writes(pid: int, database: Path) -> None:
    """Stop a process while it cannot be in a transaction, whose lock it would keep."""
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as locked:
        locked.execute("BEGIN IMMEDIATE")
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        locked.execute("ROLLBACK")
