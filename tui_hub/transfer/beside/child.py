"""The process that transfers, from its start to its end, as the one that started it sees it."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO

from tui_hub.text import clean
from tui_hub.transfer.beside.messages import Line, Logged, Message

_log = logging.getLogger(__name__)

_FAREWELL = 5.0
"""Seconds that it has to end by itself."""
_WORDS = 8000
"""Characters of what it said last on its standard error."""


class Child:
    """One process that transfers. Any thread may talk to it; one listens."""

    def __init__(
        self, connections: int, environment: Mapping[str, str], first: Iterable[Message]
    ) -> None:
        """Start it.

        Args:
            connections: how many all transfers may have together, in both processes.
            environment: of the process.
            first: what it hears before anything else.

        Raises:
            OSError: when there can be no more processes, or no more open files.
        """
        self.heard = 0
        """What it said so far. It says something several times a second, as long as it lives."""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `bury` closes it
        ours, theirs = socket.socketpair()
        self._line = Line(ours)
        try:
            with theirs:
                for message in first:
                    self._line.send(message)  # it waits there
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-P", "-m", __package__),
                        *(str(theirs.fileno()), str(connections)),
                    ],
                    pass_fds=(theirs.fileno(),),
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    start_new_session=True,
                )
        except BaseException:
            self._line.close()
            self._errors.close()
            raise

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def say(self, message: Message) -> None:
        """Tell it something; where it is gone, whoever listens learns of that."""
        with contextlib.suppress(OSError):
            self._line.send(message)

    def hand(self, message: Message, descriptor: int) -> None:
        """Tell it something that comes with an open file. Raises `OSError` where it is gone."""
        self._line.send(message, descriptor)

    def messages(self) -> Iterator[Message]:
        """What it says, until it is gone. Raises what comes of words that nobody understands."""
        while (received := self._line.receive()) is not None:
            self.heard += 1
            message, _ = received
            if isinstance(message, Logged):
                self._take_down(message)
            else:
                yield message

    def kill(self) -> None:
        """End it by force: it does not answer."""
        self._process.kill()

    def end(self) -> None:
        """Have it end, and wait for that."""
        self._line.hang_up()
        try:
            self._process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def bury(self) -> int:
        """Take down its last words, once nobody listens any more; the status that it ended with."""
        status = self._process.wait()
        self._line.close()
        with self._errors as errors:
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - _WORDS))
            words = errors.read().decode(errors="replace").strip()
        if words:
            _log.warning("the process for transfers said: %s", clean(words, _WORDS, lines=True))
        return status

    def _take_down(self, said: Logged) -> None:
        """Write what it logs into this program's log, which hides secrets."""
        logger = logging.getLogger(said.name)
        if logger.isEnabledFor(said.level):
            record = logger.makeRecord(
                said.name, said.level, "", 0, "%s", (clean(said.words, _WORDS, lines=True),), None
            )
            record.process = self.pid
            logger.handle(record)
