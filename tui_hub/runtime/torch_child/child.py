"""The process that holds weights, and the threads that answer questions about them."""

from __future__ import annotations

import importlib
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

from .devices import describe, torch_version
from .kernel import LIBRARY
from .loading import load
from .placing import Tensors
from .process import Failure, Message, Process, Report, short


class Child(Process):
    """The weights, and the threads that answer questions about them."""

    slow = ("ready", "load")

    def __init__(self, name: str, starter: socket.socket) -> None:
        super().__init__(name, starter)
        self.state = "importing"
        self.progress: Message | None = None
        self.loaded: Message | None = None
        self.tensors: Tensors = {}
        self.torch: Any = None
        self.info: Message = {}
        self.trouble: Failure | None = None
        self._imported = threading.Event()
        self._busy = threading.Lock()

    def commands(self, message: Message, report: Report) -> dict[Any, Callable[[], Message]]:
        """What can be asked besides `end`, by its name."""

        def keeping(progress: Message) -> None:
            self.progress = progress
            report(progress)

        return {
            **super().commands(message, report),
            "ready": self._ready,
            "load": lambda: self._load(message, keeping),
        }

    def status(self) -> Message:
        """What it says of itself."""
        return {**super().status(), "progress": self.progress, "loaded": self.loaded}

    def work(self) -> None:
        """Import torch."""
        try:
            if torch_version() is None:
                raise Failure("no_torch", f"{sys.executable} has no torch")
            self.torch = importlib.import_module("torch")
            self.info = describe(self.torch)
            self.state = "ready"
        except Failure as failure:
            self.trouble = failure
        except BaseException as error:  # a broken package may do anything, exit included
            self.trouble = Failure("broken_torch", f"torch cannot be imported: {short(error)}")
        if self.trouble is not None:
            self.state = "broken"
        self._imported.set()

    def _ready(self) -> Message:
        self._imported.wait()
        if self.trouble is not None:
            raise self.trouble
        return self.info

    def _load(self, request: Message, report: Report) -> Message:
        self._ready()
        if not self._busy.acquire(blocking=False):
            raise Failure("refused", "a load is under way in this process")
        try:
            if self.loaded is not None:
                raise Failure("refused", "this process holds a model already")
            self.state = "loading"
            self.tensors, self.loaded = load(self.torch, request, report)
            return self.loaded
        finally:
            self.state = "ready" if self.loaded is None else "loaded"
            self.progress = None
            self._busy.release()


def main() -> None:
    """Run as a script."""
    LIBRARY.hide_memory()
    os.umask(0o077)
    # The mapped files are read-only, and nobody here writes to them.
    warnings.filterwarnings("ignore", message="The given buffer is not writable")
    starter = socket.socket(fileno=int(sys.argv[2]))
    starter.set_inheritable(False)
    Child(sys.argv[1], starter).run()
