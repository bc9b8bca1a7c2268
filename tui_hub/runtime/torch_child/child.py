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

from .devices import devices_of, torch_version
from .kernel import LIBRARY
from .loading import Weights, load
from .parking import Parking
from .process import Client, Failure, Message, Process, Report, short
from .sharing import Sharing


class Child(Process):
    """The weights, and the threads that answer questions about them."""

    slow = ("ready", "devices", "load", "release", "park", "unpark")

    def __init__(self, name: str, starter: socket.socket) -> None:
        super().__init__(name, starter)
        self.state = "importing"
        self.progress: Message | None = None
        self.loaded: Message | None = None
        self.sharing: Sharing | None = None
        self.torch: Any = None
        self.info: Message = {}
        self.trouble: Failure | None = None
        self.weights: Weights | None = None
        self.parking: Parking | None = None
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
            "devices": self._devices,
            "load": lambda: self._load(message, keeping),
            "release": lambda: self._release(message),
            "park": self._park,
            "unpark": self._unpark,
        }

    def answer(self, client: Client, message: Message) -> None:
        """Answer; what goes to a program beside its answer has no other way."""
        if message.get("command") == "attach":
            self._attach(client, message)
        else:
            super().answer(client, message)

    def gone(self, client: Client) -> None:
        """A client hung up, or ended: it has the weights no more."""
        if self.sharing is not None:
            self.sharing.gone(client)

    def status(self) -> Message:
        """What it says of itself."""
        programs = [] if self.sharing is None else self.sharing.programs()
        told = {"progress": self.progress, "loaded": self.loaded, "programs": programs}
        return {**super().status(), **told}

    def work(self) -> None:
        """Import torch."""
        try:
            if torch_version() is None:
                raise Failure("no_torch", f"{sys.executable} has no torch")
            self.torch = importlib.import_module("torch")
            # Without a question to CUDA, which would then show what it shows now for ever.
            self.info = {"version": str(self.torch.__version__), "cuda": self.torch.version.cuda}
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

    def _devices(self) -> Message:
        self._ready()
        return {"devices": devices_of(self.torch)}

    def _load(self, request: Message, report: Report) -> Message:
        self._ready()
        if not self._busy.acquire(blocking=False):
            raise Failure("refused", "a load is under way in this process")
        try:
            if self.loaded is not None:
                raise Failure("refused", "this process holds a model already")
            self.state = "loading"
            self.weights, loaded = load(self.torch, request, report)
            self.sharing, self.loaded = Sharing(self.torch, self.weights), loaded
            return loaded
        finally:
            self.state = "ready" if self.loaded is None else "loaded"
            self.progress = None
            self._busy.release()

    def _attach(self, client: Client, message: Message) -> None:
        try:
            if self.sharing is None:
                raise Failure("refused", "this process holds no weights")
            with self._busy:  # they may be on their way off their device, or back
                if self.parking is not None:
                    raise Failure("refused", "the weights wait outside their device")
                self.sharing.attach(client, message)
        except Failure as failure:
            client.send({"id": message.get("id"), "error": failure.answer})
        except Exception as error:  # whatever CUDA makes of it, the asker hears it
            answer = Failure("failed", short(error)).answer
            client.send({"id": message.get("id"), "error": answer})

    def _release(self, message: Message) -> Message:
        programs = [] if self.sharing is None else self.sharing.release(message["seconds"])
        return {"programs": programs}

    def _park(self) -> Message:
        """Take the weights off their device, for as long as another model is tried there."""
        with self._busy:
            if self.weights is None or self.sharing is None:
                raise Failure("refused", "this process holds no weights")
            if self.sharing.programs():
                raise Failure("refused", "other programs have the weights")
            if self.parking is None:
                self.state = "parking"
                try:
                    self.parking = Parking(self.torch, self.weights)
                finally:
                    self.state = "loaded" if self.parking is None else "parked"
            return {}

    def _unpark(self) -> Message:
        """Bring the weights back, should they not be there."""
        with self._busy:
            if self.parking is not None and self.weights is not None:
                self.parking.end()
                self.sharing, self.parking = Sharing(self.torch, self.weights), None
                self.state = "loaded"
            return {}


def main() -> None:
    """Run as a script."""
    LIBRARY.hide_memory()
    os.umask(0o077)
    # The mapped files are read-only, and nobody here writes to them.
    warnings.filterwarnings("ignore", message="The given buffer is not writable")
    starter = socket.socket(fileno=int(sys.argv[2]))
    starter.set_inheritable(False)
    Child(sys.argv[1], starter).run()
