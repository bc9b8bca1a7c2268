"""Processes that hold models, forked from one that has torch already.

To import torch takes three seconds of a processor, which most of what is tested of such a process
has nothing to do with.
"""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tui_hub.runtime import spawning
from tui_hub.runtime.pythons import SCRIPT
from tui_hub.runtime.spawning import Process


class _Forked:
    """What `Process` wants of a `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.status: queue.SimpleQueue[int] = queue.SimpleQueue()

    def wait(self) -> int:
        """How it ended, once it has."""
        return self.status.get()


class WarmTorch:
    """Starts a process with torch with the first order, and has it forked for each."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._begun: queue.SimpleQueue[_Forked] = queue.SimpleQueue()
        self._forked: dict[int, _Forked] = {}

    def spawn(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        log: Path,
        environment: Mapping[str, str],
        inherited: socket.socket,
    ) -> Process:
        """As `spawning.spawn`, which does it wherever it is not about this Python's own torch."""
        if list(command[:2]) != [sys.executable, str(SCRIPT)]:
            return spawning.spawn(
                command, folder=folder, log=log, environment=environment, inherited=inherited
            )
        order = {
            "script": str(SCRIPT),
            "name": command[2],
            "folder": str(folder),
            "environment": spawning.child_environment(environment),
        }
        with inherited, spawning._prepare(folder, log) as output, self._asking:
            if self._server is None:
                self._start()
            descriptors = [output.fileno(), inherited.fileno()]
            socket.send_fds(self._line, [json.dumps(order).encode()], descriptors)
            forked = self._begun.get()
        return Process(forked, log)  # type: ignore[arg-type]

    def close(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._listener.join()
            self._line.close()

    def _start(self) -> None:
        self._line, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("warm_child.py"), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        while words := self._line.recv(1000):
            facts = json.loads(words)
            if "begun" in facts:
                forked = self._forked[facts["begun"]] = _Forked(facts["begun"])
                self._begun.put(forked)
            else:
                self._forked.pop(facts["ended"]).status.put(facts["status"])
