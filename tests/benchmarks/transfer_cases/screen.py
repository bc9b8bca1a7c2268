"""What the screen feels like while eight downloads run in its process at full speed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import threading
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from transfer_cases.hub import Hub
from transfer_cases.measuring import goal
from transfer_cases.programs import environment, remove

_SECONDS = 6.0
"""How long the terminal's output is counted."""
_KEYS = 60
"""Keys of which each is followed to the screen."""
_FIRST_KEY = 0x4E00
"""The first of many characters that stand nowhere else on the screen."""

_PROBE = "龜"


@dataclass
class Terminal:
    """The program on a terminal of 120 by 36, and what it wrote."""

    pid: int
    descriptor: int
    written: int = 0
    text: bytes = b""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.descriptor, keys.encode())

    def sees(self, words: str, seconds: float = 60.0) -> float:
        """Wait until it writes some words; the moment."""
        with self.changed:
            if not self.changed.wait_for(lambda: words.encode() in self.text, seconds):
                raise SystemExit(f"the screen never showed {words!r}: {self.text[-2000:]!r}")
        return time.perf_counter()

    def take_keys(self) -> None:
        """Wait until what is typed is shown."""
        for _ in range(30):
            self.press(_PROBE)
            with self.changed:
                if self.changed.wait_for(lambda: _PROBE.encode() in self.text, 1.0):
                    break
        self.press("\x7f" * 30)
        time.sleep(0.5)

    def forget(self) -> None:
        """Begin to look for words anew."""
        with self.changed:
            self.text = b""


def eight_downloads(hub: Hub, repositories: Sequence[str]) -> None:
    """Measure the screen at rest, and then while all downloads run in it."""
    home, late = hub.folder / "home", hub.folder / "late"
    variables = {
        **os.environ,
        **environment(hub, hub.secure),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TUI_HUB_HOME": str(home),
        "TUI_HUB_DOWNLOADS__JOBS": str(len(repositories)),
        "TERM": "xterm-256color",
    }
    _measure("The screen at rest", variables, late, ())
    name = f"The screen with {len(repositories)} downloads over TLS in its process"
    lateness, paints, rate = _measure(name, variables, late, repositories)
    goal("loop late, p99 ms", 1000 * _p99(lateness), 10)
    goal("key to paint, p99 ms", 1000 * _p99(paints), 50)
    goal("terminal kB/s", rate, 15)
    remove(home, late)


def _measure(
    name: str, variables: Mapping[str, str], late: Path, repositories: Sequence[str]
) -> tuple[list[float], list[float], float]:
    """How late the loop was, what each key took, and the kB a second that were written."""
    with _terminal(variables, late, repositories) as terminal:
        terminal.sees("Browse")
        terminal.press("2")
        terminal.sees("MiB/s" if repositories else "Nothing is being downloaded")
        time.sleep(1)
        written, ticks = terminal.written, late.stat().st_size
        time.sleep(_SECONDS)
        rate = (terminal.written - written) / _SECONDS / 1000
        terminal.press("1")
        time.sleep(0.5)
        terminal.press("/")
        terminal.take_keys()
        paints = [_key_to_paint(terminal, number) for number in range(_KEYS)]
        lateness = _read(late, ticks)
    print(f"\n{name} (load {os.getloadavg()[0]:.1f})")
    for what, values in (("loop late", lateness), ("key to paint", paints)):
        middle, p99 = statistics.median(values), _p99(values)
        print(f"  {what}: median {1000 * middle:.1f} ms, p99 {1000 * p99:.1f} ms")
    print(f"  terminal: {rate:.1f} kB/s", flush=True)
    return lateness, paints, rate


def _key_to_paint(terminal: Terminal, number: int) -> float:
    """Seconds from a key to its character on the screen."""
    character = chr(_FIRST_KEY + number)
    terminal.forget()
    pressed = time.perf_counter()
    terminal.press(character)
    seconds = terminal.sees(character) - pressed
    if number % 10 == 9:
        terminal.press("\x7f" * 10)
    time.sleep(0.05)
    return seconds


@contextmanager
def _terminal(
    variables: Mapping[str, str], late: Path, repositories: Sequence[str]
) -> Iterator[Terminal]:
    program = str(Path(__file__).with_name("watched_screen.py"))
    pid, descriptor = pty.fork()
    if pid == 0:
        command = [sys.executable, program, str(late), *repositories]
        os.execvpe(command[0], command, dict(variables))
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    terminal, over = Terminal(pid, descriptor), threading.Event()

    def read() -> None:
        while not over.is_set():
            if not select.select([descriptor], [], [], 0.1)[0]:
                continue
            try:
                new = os.read(descriptor, 65536)
            except OSError:
                return
            with terminal.changed:
                terminal.written += len(new)
                terminal.text = (terminal.text + new)[-100_000:]
                terminal.changed.notify_all()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield terminal
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        over.set()
        reader.join()
        os.close(descriptor)


def _read(path: Path, offset: int) -> list[float]:
    late = array("d")
    late.frombytes(path.read_bytes()[offset:])
    return list(late)


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(0.99 * (len(values) - 1))]
