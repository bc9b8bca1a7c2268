"""A process with a socket, whatever it holds: who asks, what is answered, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

PROTOCOL = 1
LINE_LIMIT = 1024 * 1024
PROGRESS_SECONDS = 0.1
MOST_DESCRIPTORS = 32
"""In one message, and open at the same time. unix(7) allows 253, but no more than a process may
have open can be on their way."""
PATIENCE = 30.0
"""Seconds until a program must have taken what is on its way to it."""

Message = dict[str, Any]
Report = Callable[[Message], None]


class Failure(Exception):
    """What cannot be done. `kind` is one of the words that the asker knows; `figures` go along."""

    def __init__(self, kind: str, message: str, **figures: Any) -> None:
        super().__init__(message)
        self.answer = {"kind": kind, "message": message, **figures}


class Client:
    """Somebody at the other end of a socket."""

    def __init__(self, connection: socket.socket, *, starter: bool = False) -> None:
        self.connection = connection
        self.starter = starter
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Say something; who went away the reading thread notices."""
        line = json.dumps(message).encode() + b"\n"
        with self._lock, contextlib.suppress(OSError):
            self.connection.sendall(line)

    def hand_over(self, opened: Iterable[AbstractContextManager[int]]) -> None:
        """Send open descriptors, ahead of the message that says what they are."""
        waiting = iter(opened)
        while some := list(itertools.islice(waiting, MOST_DESCRIPTORS)):
            with contextlib.ExitStack() as stack:
                self._send_descriptors([stack.enter_context(one) for one in some])

    def _send_descriptors(self, descriptors: Sequence[int]) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with self._lock:
                    # Before a line of JSON a space means nothing, and it can carry them.
                    socket.send_fds(self.connection, [b" "], descriptors)
                return
            except OSError as error:
                if error.errno != errno.ETOOMANYREFS or time.monotonic() > deadline:
                    return  # gone; or it takes nothing, and misses these
            time.sleep(0.005)

    def messages(self) -> Iterator[Message]:
        """What the client asks, until it goes away or speaks another language."""
        wrong = (OSError, ValueError, RecursionError)
        with contextlib.suppress(*wrong), self.connection.makefile("rb") as lines:
            while line := lines.readline(LINE_LIMIT):
                message = json.loads(line)
                if not isinstance(message, dict):
                    return
                yield message


class Process:
    """A process with a socket of its own, that answers everybody until it is told to end."""

    slow: tuple[str, ...] = ()
    """Commands that take a while; each gets a thread of its own."""

    def __init__(self, name: str, starter: socket.socket) -> None:
        self.name = name
        self.starter = Client(starter, starter=True)
        self.kept = False
        self.state = "ready"
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(name)
        Path(name).chmod(0o600)
        self._inode = Path(name).stat().st_ino
        self._listening.listen(16)

    def run(self) -> None:
        """Answer everybody, until told to end. Never returns."""
        signal.signal(signal.SIGTERM, lambda *_: self.end())
        for work in (lambda: self._serve(self.starter), self.work):
            threading.Thread(target=work, daemon=True).start()
        while True:
            try:
                client = Client(self._listening.accept()[0])
            except OSError as error:
                # Out of descriptors, or the caller hung up in the queue: others may still come.
                print("accept:", error, file=sys.stderr, flush=True)
                time.sleep(PROGRESS_SECONDS)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def work(self) -> None:
        """Do what is to be done besides answering."""

    def end(self) -> None:
        """Do what must be done before the end, and leave."""
        self.leave()

    def leave(self) -> None:
        """Leave at once; the kernel and the driver take back every byte."""
        with contextlib.suppress(OSError):
            if Path(self.name).stat().st_ino == self._inode:
                Path(self.name).unlink()
        os._exit(0)

    def commands(self, message: Message, report: Report) -> dict[Any, Callable[[], Message]]:
        """What can be asked besides `end`, by its name."""
        return {"status": self.status, "keep": self._keep}

    def status(self) -> Message:
        """What it says of itself."""
        return {"pid": os.getpid(), "state": self.state, "kept": self.kept}

    def _serve(self, client: Client) -> None:
        client.send({"hello": {"protocol": PROTOCOL, "pid": os.getpid()}})
        for message in client.messages():
            self.answer(client, message)
        self.gone(client)
        if client.starter and not self.kept:
            self.end()
        client.connection.close()

    def gone(self, client: Client) -> None:
        """A client hung up, or ended."""

    def answer(self, client: Client, message: Message) -> None:
        """Answer now what is quick, so that it stays in order; the rest in a thread of its own."""
        if message.get("command") == "end":
            self.end()
        elif message.get("command") in self.slow:
            threading.Thread(target=self._work, args=(client, message), daemon=True).start()
        else:
            self._work(client, message)

    def _work(self, client: Client, message: Message) -> None:
        number = message.get("id")

        def report(progress: Message) -> None:
            client.send({"id": number, "progress": progress})

        try:
            command = self.commands(message, report).get(message.get("command"))
            if command is None:
                raise Failure("failed", "there is no such command")
            answer = {"result": command()}
        except Failure as failure:
            answer = {"error": failure.answer}
        except BaseException as error:  # whatever torch or a file makes of it, the asker hears it
            answer = {"error": Failure("failed", short(error)).answer}
        client.send({"id": number, **answer})

    def _keep(self) -> Message:
        self.kept = True
        return {}


def peer(connection: socket.socket) -> tuple[int | None, int]:
    """The pid and the user at the other end: unix(7), `SO_PEERCRED`; Linux only."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None, os.getuid()
    figures = struct.Struct("3i")
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, figures.size)
    pid, user, _ = figures.unpack(data)
    return pid or None, user


def short(error: BaseException) -> str:
    """The first line of an error, with its type."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
