"""The process that transfers, as the one that started it sees it."""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tui_hub.transfer.beside.messages import (
    Asked,
    Done,
    Ended,
    Leave,
    Line,
    Message,
    Moved,
    Noted,
    Pause,
    Rate,
    Stop,
)
from tui_hub.transfer.sharing import HostPauses

if TYPE_CHECKING:
    from tui_hub.transfer.beside.carried import Carried

_log = logging.getLogger(__name__)

_FAREWELL = 5.0
"""Seconds that the process has to end by itself."""


class LostError(Exception):
    """The process is gone, and what it was at with it."""


class Carrier:
    """Starts the process with the first transfer, and ends it when nobody wants it any more."""

    def __init__(
        self, connections: int, environment: Mapping[str, str], pauses: HostPauses
    ) -> None:
        """Prepare; nothing is started.

        Args:
            connections: how many all transfers may have together.
            environment: of the process.
            pauses: which hosts want to be left alone; what either process learns both heed.
        """
        self._connections = connections
        self._environment = dict(environment)
        self._pauses = pauses
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Line | None = None
        self._carried: dict[int, tuple[Line, Carried]] = {}
        """What goes on, and whether by this process or by one before it."""
        self._rate = 0
        pauses.heard = self._paused

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        process = self._process
        return None if process is None else process.pid

    def begin(self, carried: Carried, descriptor: int) -> int:
        """Have a file transferred; the number by which both call it.

        Raises:
            LostError: when no process can be had.
        """
        number = next(self._numbers)
        try:
            with self._lock:
                line = self._line or self._start()
                self._carried[number] = line, carried
            line.send(carried.beginning(number), descriptor)
        except (OSError, RuntimeError, ValueError) as error:  # also no thread, and odd text
            self.forget(number)
            _log.warning("no process for transfers can be had: %s", error)
            raise LostError from error
        return number

    def forget(self, number: int) -> None:
        """A transfer is over."""
        with self._lock:
            self._carried.pop(number, None)

    def stop(self, number: int) -> None:
        """Ask for the end of a transfer."""
        self._say(Stop(number))

    def answer(self, done: Done) -> None:
        """Tell that something was done with a destination."""
        self._say(done)

    def leave(self, pool: str) -> None:
        """Close the connections of files that are over."""
        self._say(Leave(pool))

    def limit(self, rate: int) -> None:
        """Transfer at most so many bytes a second, all together; 0 is no limit."""
        with self._lock:  # a process that is being started has the old one
            self._rate = rate
        self._say(Rate(rate))

    def kill(self) -> None:
        """End the process by force: it does not answer."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process, unless a transfer has begun. A later one starts it anew."""
        with self._lock:
            if self._carried:
                return
            process, line = self._process, self._line
            self._process = self._line = None
        if process is None or line is None:
            return
        line.hang_up()
        try:
            process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> Line:
        ours, theirs = socket.socketpair()
        line = Line(ours)
        with theirs:
            line.send(Rate(self._rate))  # it waits there
            command = [sys.executable, "-P", "-m", __package__]
            try:
                process = subprocess.Popen(
                    [*command, str(theirs.fileno()), str(self._connections)],
                    pass_fds=(theirs.fileno(),),
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError:
                line.close()
                raise
        try:
            threading.Thread(
                target=self._listen, args=(line, process), name="transfers", daemon=True
            ).start()
        except RuntimeError:
            process.kill()
            process.wait()
            line.close()
            raise
        self._process, self._line = process, line
        return line

    def _say(self, message: Message) -> None:
        line = self._line
        if line is not None:
            with contextlib.suppress(OSError):  # whoever receives learns of it
                line.send(message)

    def _paused(self, host: str, until: float) -> None:
        self._say(Pause(host, until))

    def _listen(self, line: Line, process: subprocess.Popen[bytes]) -> None:
        """Hand on what the process says until it is gone."""
        try:
            while (received := line.receive()) is not None:
                self._heard(received[0])
        except Exception:
            _log.exception("the process for transfers says what nobody understands")
            process.kill()
        with self._lock:
            if self._line is line:
                self._line = self._process = None
            numbers = [number for number, (own, _) in self._carried.items() if own is line]
            lost = [self._carried.pop(number)[1] for number in numbers]
        status = process.wait()
        line.close()
        for one in lost:
            one.lost()
        if lost:
            _log.warning("the process for transfers ended with status %d; going on here", status)

    def _heard(self, message: Message) -> None:
        if isinstance(message, Pause):
            self._pauses.learn(message.host, message.until)
        elif isinstance(message, Moved | Asked | Noted | Ended):
            with self._lock:
                found = self._carried.get(message.id)
            if found is not None:
                found[1].hear(message)
