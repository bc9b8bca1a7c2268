"""A server of the user's as a process: its start, its words, its end with all that it started."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import IO, Any

LOG_BYTES = 1024 * 1024
"""Of a log; the one before is kept beside it."""
CHUNK_BYTES = 64 * 1024
TAIL_LINES = 20
LINE_BYTES = 1000
DRAIN_SECONDS = 2.0
POLL_SECONDS = 0.05
COLOURS = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")


class ServerLog:
    """What the server says, in a file that is put aside when it is full."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque(maxlen=TAIL_LINES)
        self._rest = b""
        self._file = self._open()

    def write(self, words: bytes) -> None:
        """Take down what was said; a full disk, or a folder that is gone, loses it alone."""
        with self._lock:
            *lines, self._rest = (self._rest + words).split(b"\n")
            self._lines.extend(line[:LINE_BYTES] for line in lines if line.strip())
            self._rest = self._rest[-LINE_BYTES:]
            with contextlib.suppress(OSError):
                if self._file.tell() > LOG_BYTES:
                    self._put_aside()
                self._file.write(words)

    def say(self, words: str) -> None:
        """Take down what this program has to say of the server."""
        with self._lock:
            before, self._rest = self._rest, b""
            if before.strip():
                self._lines.append(before)
            with contextlib.suppress(OSError):
                self._file.write(b"\n" * bool(before) + words.encode() + b"\n")

    def tail(self) -> list[str]:
        """The last lines that the server said, without colours and else not clean."""
        with self._lock:
            lines = [*self._lines, *([self._rest] if self._rest.strip() else [])]
        plain = (COLOURS.sub(b"", line) for line in lines[-TAIL_LINES:])
        return [line.decode("utf-8", "replace").rstrip() for line in plain]

    def _put_aside(self) -> None:
        # The full one is closed last: whoever says something must always find one that is open.
        Path(self._path).replace(f"{self._path}.1")
        fresh = self._open()
        self._file.close()
        self._file = fresh

    def _open(self) -> FileIO:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        return FileIO(os.open(self._path, flags, 0o600), "ab")


class ServerProcess:
    """One run of the server."""

    def __init__(self, order: Mapping[str, Any], log: ServerLog, over: threading.Event) -> None:
        """Made for one run.

        Args:
            order: what to run, where, and with which additions to the environment.
            log: gets what it says.
            over: set when it has ended.
        """
        self._order = order
        self._log = log
        self._over = over
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self.program = Path(order["program"][0]).name
        self.status: int | None = None
        """Its exit status, as `subprocess` tells it: negative for a signal."""

    def start(self) -> None:
        """Start it, in a session of its own.

        Raises:
            OSError: when it cannot be run.
        """
        self._process = process = subprocess.Popen(
            self._order["program"],
            cwd=self._order["folder"],
            env={**os.environ, **self._order["environment"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if process.stdout is not None:
            self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
            self._reader.start()
        threading.Thread(target=self._wait, args=(process,), daemon=True).start()

    def reason(self) -> str:
        """How it ended, with its last words."""
        if self._reader is not None:
            self._reader.join(DRAIN_SECONDS)
        said = self._log.tail()[-1:]
        status = self.status or 0
        if status == -signal.SIGKILL:
            return f"{self.program} was killed; the kernel does that when memory runs out"
        how = f"exit status {status}" if status >= 0 else f"signal {-status}"
        return f"{self.program} ended with {how}" + "".join(f": {line[:300]}" for line in said)

    def clear(self, timeout: float) -> None:
        """End it, and whatever it has started: by request, and by force after so many seconds."""
        process = self._process
        if process is None:
            return
        for number, seconds in ((signal.SIGTERM, timeout), (signal.SIGKILL, DRAIN_SECONDS)):
            alone = self.status is not None
            self._signal(process.pid, number)
            deadline = time.monotonic() + seconds
            while self._lives() and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
                if number == signal.SIGKILL or (self.status is not None and not alone):
                    alone = True  # what it left behind is told once, too
                    self._signal(process.pid, number)

    def _lives(self) -> bool:
        """Whether it, or anything that it started, still runs."""
        return self.status is None or bool(descendants())

    def _signal(self, pid: int, number: int) -> None:
        """Tell its group, and everything that left that, or was left by it."""
        if self.status is None:
            with contextlib.suppress(OSError):
                os.killpg(pid, number)
        if self.status is not None or number == signal.SIGKILL:
            for one in descendants():
                with contextlib.suppress(OSError):
                    os.kill(one, number)

    def _read(self, stream: IO[bytes]) -> None:
        while words := os.read(stream.fileno(), CHUNK_BYTES):
            self._log.write(words)
        stream.close()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for its end, and take away what it left and ended meanwhile."""
        if hasattr(os, "waitid"):
            while True:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
                if ended is None or ended.si_pid == process.pid:
                    break
                os.waitpid(ended.si_pid, 0)
        self.status = process.wait()
        self._over.set()


def descendants() -> list[int]:
    """The living processes below this one, where there is a `/proc` to tell."""
    parents: dict[int, int] = {}
    living: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text("ascii", "replace")
        except OSError:
            continue
        state, parent = stat[stat.rindex(")") + 2 :].split()[:2]
        # The dead count too: what they leave is given to another parent a moment later.
        parents[int(folder.name)] = int(parent)
        if state not in "ZX":
            living.add(int(folder.name))
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted((found - {os.getpid()}) & living)
