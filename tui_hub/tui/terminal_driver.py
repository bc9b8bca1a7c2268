"""The way to the terminal: one that is lost ends the program, and holds up nothing."""

from __future__ import annotations

import errno
import os
import signal
from threading import Lock
from typing import TYPE_CHECKING, Any, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App

_GONE = (errno.EIO, errno.ENXIO, errno.EPIPE)
"""What reading and writing say of a terminal whose other end was closed."""
_once = Lock()


class TerminalDriver(LinuxDriver):
    """Textual's own driver, whose threads for reading and writing outlive the terminal.

    Otherwise the first write to a lost terminal ends the thread that writes, and the program hangs
    in its last words: the queue to that thread fills up, and nobody empties it.
    """

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        if self._file is not None:
            self._file = cast("Any", _Output(self._file))

    def run_input_thread(self) -> None:
        """Read keys until the end, or until there is nobody to press them."""
        try:
            super().run_input_thread()
        except OSError as error:
            if error.errno not in _GONE:
                raise
            hang_up()


class _Output:
    """A terminal to write to, and nothing once that is gone."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, words: str) -> int:
        """Write, or drop what nobody can read."""
        try:
            return self._file.write(words)
        except OSError as error:
            _raise_unless_gone(error)
            return len(words)

    def flush(self) -> None:
        """Send what was written."""
        try:
            self._file.flush()
        except OSError as error:
            _raise_unless_gone(error)

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Whether it is one."""
        return self._file.isatty()


def _raise_unless_gone(error: OSError) -> None:
    if error.errno not in _GONE:
        raise error
    hang_up()


def hang_up() -> None:
    """Let go of a lost terminal, and end as the signal does that should have told of it."""
    if _once.acquire(blocking=False):
        let_go_of_terminal()
        os.kill(os.getpid(), signal.SIGHUP)


def let_go_of_terminal() -> None:
    """Write nowhere from now on: a flush that fails at the end would replace the exit code."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    os.close(null)
