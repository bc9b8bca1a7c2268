"""The program on a real pseudo-terminal, with what a person would see of it."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pexpect
import psutil
import pyte

RESTORED = ("\x1b[?1049l", "\x1b[?25h")
"""Back from the alternate screen, with the cursor shown."""
PATIENCE = 60.0
"""Seconds that a test waits for what must come."""

_PRIVATE = re.compile(r"\x1b\[[<>=?][\d;]*[$a-zA-Z]")
"""Sequences that are about the terminal and draw nothing; pyte does not know them all."""
_BEGUN = re.compile(r"\x1b(\[[<>=?\d;]*)?$")
"""A sequence whose end is still to come."""


def living(home: Path) -> list[list[str]]:
    """The processes that were started for a home, or work in it, and are alive."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            of_home = process.environ().get("TUI_HUB_HOME") == str(home)
            if of_home or process.cwd().startswith(str(home)):
                found.append(process.cmdline())
    return found


class Terminal:
    """A child process with a screen of its own, which is read while something is waited for."""

    def __init__(
        self,
        home: Path,
        *arguments: str,
        command: str | Path = sys.executable,
        size: tuple[int, int] = (80, 24),
        **environment: str,
    ) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        columns, lines = size
        self.child = pexpect.spawn(
            str(command),
            list(arguments),
            env={
                **kept,
                "TERM": "xterm-256color",
                "LANG": "C.UTF-8",
                "HOME": str(home.parent),
                "TUI_HUB_HOME": str(home),
                **environment,
            },
            dimensions=(lines, columns),
            encoding="utf-8",
        )
        self.child.delaybeforesend = None
        self.raw = ""
        self._begun = ""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self._screen)

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(self._screen.display)

    def row(self, words: str) -> str:
        """The first line with some words in it; nothing where there is none."""
        return next((line for line in self._screen.display if words in line), "")

    def press(self, *keys: str) -> None:
        """Press keys; each is what a terminal sends for it."""
        self.child.send("".join(keys))

    def sees(self, *words: str) -> None:
        """Read until all the words stand on the screen."""
        self.until(lambda: all(word in self.text for word in words), f"no {words}")

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Read until a condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"{what}\n{self.text}"
            assert self.read(), f"it ended, and {what}\n{self.raw[-2000:]}"

    def read(self) -> bool:
        """Take in what came; whether more may come."""
        try:
            new = self.child.read_nonblocking(65536, timeout=0.2)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += new
        new = self._begun + new
        found = _BEGUN.search(new)
        self._begun = found[0] if found else ""
        self._stream.feed(_PRIVATE.sub("", new.removesuffix(self._begun)))
        return True

    def ends(self) -> int:
        """Read to the end, and give the exit code; it is negative where a signal did it."""
        deadline = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < deadline, f"it does not end\n{self.text}"
        self.child.wait()
        return -self.child.signalstatus if self.child.signalstatus else self.child.exitstatus

    def close(self) -> int:
        """Take the terminal away, as a lost connection does, and give the exit code as `ends`."""
        self.child.ptyproc.fileobj.close()
        self.child.closed = self.child.ptyproc.closed = True
        deadline = time.monotonic() + PATIENCE
        while True:
            done, status = os.waitpid(self.child.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, "it goes on without a terminal"
            time.sleep(0.02)
