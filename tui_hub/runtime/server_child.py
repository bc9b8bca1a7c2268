"""The process that keeps one server of the user's running, started by `server_children`.

It speaks as `torch_child` describes, and outlives the program once it is kept. It starts the
server, asks after its health until it is ready, takes down what it says in a log that stays small,
starts it again where it was told to, and ends it with all that it started itself.

It is asked once {"command": "serve", "order": {...}}, a `domain.runtime.ServerOrder`, and
answers when the server is ready, or with the reason and the last lines when it does not get so.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # The very program that started it, wherever that found itself.
    sys.path.insert(0, str(Path(__file__).parents[2]))

import ctypes
import os
import socket
import threading
import time
from typing import Any

from tui_hub.runtime.server_health import trouble_of
from tui_hub.runtime.server_listening import stranger_at
from tui_hub.runtime.server_process import ServerLog, ServerProcess, descendants
from tui_hub.runtime.torch_child.kernel import LIBRARY
from tui_hub.runtime.torch_child.process import Failure, Message, Process, Report

POLL_SECONDS = 0.2
STRANGE_SECONDS = 2.0
"""For which somebody else may listen at its port before it is given up: no two can."""
STRANGERS = 'where a daemon starts the server, `listener = "any"` for the command allows that'
PAUSE_SECONDS = 1.0
"""Before the first new start; twice as long before each further one."""
LONGEST_PAUSE = 60.0
LASTING_SECONDS = 60.0
"""A server that ran for so long counts as one that had started well."""
PR_SET_CHILD_SUBREAPER = 36


class Keeper(Process):
    """Keeps the server, in a thread of its own."""

    slow = ("serve",)

    def __init__(self, name: str, starter: socket.socket) -> None:
        super().__init__(name, starter)
        self.trouble = ""
        self._order: Message = {}
        self._log: ServerLog | None = None
        self._settled = threading.Event()
        """Set once the server is ready for the first time, or will not get so."""
        self._wake = threading.Event()
        """Set when the server has ended, or is to."""
        self._ending = False
        self._began = threading.Lock()

    def commands(self, message: Message, report: Report) -> dict[Any, Any]:
        """What can be asked besides `end`, by its name."""
        return {**super().commands(message, report), "serve": lambda: self._begin(message["order"])}

    def status(self) -> Message:
        """What it says of itself."""
        return {**super().status(), "trouble": self.trouble}

    def end(self) -> None:
        """Have the server ended, and leave then."""
        self._ending = True
        self._wake.set()
        if self._began.acquire(blocking=False):
            self.leave()

    def _begin(self, order: Message) -> Message:
        if not self._began.acquire(blocking=False):
            raise Failure("refused", "this process keeps a server already")
        self._order = order
        self._log = ServerLog(order["log"])
        threading.Thread(target=self._keep_running, args=(self._log,), daemon=True).start()
        self._settled.wait()
        if self.trouble:
            raise Failure("server", self.trouble, said=self._log.tail())
        return {}

    def _keep_running(self, log: ServerLog) -> None:
        """Run the server, again where that is wanted, until it is to end or ended for good."""
        try:
            self._run_again_and_again(log)
        finally:
            self.leave()

    def _run_again_and_again(self, log: ServerLog) -> None:
        failures = 0
        while not self._ending:
            server = ServerProcess(self._order, log, self._wake)
            began = time.monotonic()
            try:
                trouble = self._run(server)
            finally:
                server.clear(self._order["stop_timeout"])
            if self._ending:
                break
            log.say(trouble)
            if not self._settled.is_set():
                self.trouble, self.state = trouble, "broken"
                self._settled.set()
                self._wake.clear()
                self._sleep(None)  # whoever asked is told, and ends this process
                break
            failures = 1 if time.monotonic() - began > LASTING_SECONDS else failures + 1
            if server.status == 0 or failures > self._order["restarts"]:
                break
            tries = f"try {failures} of {self._order['restarts']}"
            self.trouble, self.state = f"{trouble}; it is started again ({tries})", "waiting"
            self._wake.clear()
            self._sleep(min(PAUSE_SECONDS * 2 ** (failures - 1), LONGEST_PAUSE))

    def _run(self, server: ServerProcess) -> str:
        """Run it once, to its end; tells how that came, unless that was asked for."""
        self._wake.clear()
        try:
            server.start()
        except OSError as error:
            return f"{server.program} cannot be run: {error.strerror or error}"
        trouble = self._until_ready(server)
        if trouble is None:
            self.trouble, self.state = "", "running"
            self._settled.set()
            self._sleep(None)
        return "" if self._ending else trouble or server.reason()

    def _until_ready(self, server: ServerProcess) -> str | None:
        """Wait until it is ready, or has ended; tells why if it gets neither in time."""
        self.state = "starting"
        order = self._order
        deadline = time.monotonic() + order["timeout"]
        own = time.monotonic()
        while not self._sleep(POLL_SECONDS):
            host, port = order["host"], order["port"]
            trouble = trouble_of(order["health"], host, port)
            stranger = None if order["strangers"] else stranger_at(host, port, descendants())
            if stranger is None:
                own = time.monotonic()
            else:
                trouble = f"port {port} is held by {stranger}, which it did not start"
                if time.monotonic() - own > STRANGE_SECONDS:
                    return f"{server.program} cannot be reached: {trouble}; {STRANGERS}"
            if trouble is None and not self._wake.is_set():
                return None
            if time.monotonic() > deadline:
                return f"{server.program} was not ready within {order['timeout']:.0f} s: {trouble}"
        return ""

    def _sleep(self, seconds: float | None) -> bool:
        """Wait so long, or until the server has ended or is to; whether that is so."""
        return self._ending or self._wake.wait(seconds)


def main() -> None:
    """Run as a script."""
    LIBRARY.hide_memory()
    os.umask(0o077)
    if sys.platform == "linux":
        # What the server leaves behind is given to this process, which ends it: prctl(2).
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    starter = socket.socket(fileno=int(sys.argv[2]))
    starter.set_inheritable(False)
    Keeper(sys.argv[1], starter).run()


if __name__ == "__main__":
    main()
