"""The transfers of another process, done in this one."""

from __future__ import annotations

import os
import socket
import threading
import time
import traceback
from collections.abc import Mapping

from tui_hub.domain.errors import HubError
from tui_hub.transfer.beside.messages import (
    Asked,
    Begin,
    Done,
    Ended,
    Failure,
    Leave,
    Line,
    Moved,
    Noted,
    Pause,
    Ranges,
    Rate,
    Stop,
)
from tui_hub.transfer.engine import Transfer
from tui_hub.transfer.limiter import RateLimiter
from tui_hub.transfer.pool import Pool
from tui_hub.transfer.sharing import HostPauses, Lanes

_NICE = 5
"""By how much it steps back: the screen comes first, and a busy box still gives it its share."""
_TICK = 0.1
"""Seconds between two pictures of a transfer."""


class Process:
    """Does what it is told over a socket."""

    def __init__(self, descriptor: int, connections: int) -> None:
        os.set_inheritable(descriptor, False)
        self._line = Line(socket.socket(fileno=descriptor))
        self._lanes = Lanes(connections)
        self._pauses = HostPauses()
        self._pauses.heard = lambda host, until: self._line.send(Pause(host, until))
        self._limiter = RateLimiter()
        self._pools: dict[str, Pool] = {}
        self._transfers: dict[int, tuple[Transfer, RemoteDestination]] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        """Obey until nobody is there any more, and then end at once: nobody keeps records.

        A thread that fails ends it too: who started it goes on, and waits for nothing more.
        """
        os.nice(_NICE)
        threading.excepthook = lambda _: os._exit(1)
        threading.Thread(target=self._tell, daemon=True).start()
        try:
            while (received := self._line.receive()) is not None:
                message, descriptor = received
                if isinstance(message, Begin):
                    if descriptor is None:
                        return  # this process may open no more files
                    self._begin(message, descriptor)
                elif isinstance(message, Stop):
                    self._stop(message.id)
                elif isinstance(message, Done):
                    self._done(message)
                elif isinstance(message, Rate):
                    self._limiter.rate = message.rate
                elif isinstance(message, Pause):
                    self._pauses.learn(message.host, message.until)
                elif isinstance(message, Leave):
                    self._leave(message.pool)
        finally:
            os._exit(0)

    def _begin(self, begin: Begin, descriptor: int) -> None:
        with self._lock:
            pool = self._pools.get(begin.pool)
            if pool is None:
                pool = self._pools[begin.pool] = Pool(
                    os.environ,
                    timeout=begin.options.timeout,
                    lanes=self._lanes,
                    pauses=self._pauses,
                )
            destination = RemoteDestination(self._line, begin, descriptor)
            transfer = Transfer(begin.request, destination, begin.options, self._limiter, pool)
            self._transfers[begin.id] = transfer, destination
        threading.Thread(target=self._transfer, args=(begin.id,), daemon=True).start()

    def _transfer(self, number: int) -> None:
        transfer, destination = self._transfers[number]
        result, failure = None, None
        try:
            result = transfer.run()
        except HubError as error:
            failure = Failure.of(error)
        except BaseException:
            words = "the process for transfers failed: " + traceback.format_exc(limit=-3)
            failure = Failure("HubError", words)
        with self._lock:
            del self._transfers[number]
            # Nothing said of it comes after its end.
            self._line.send(Ended(number, transfer.snapshot(), result, failure))
        os.close(destination.fileno())

    def _stop(self, number: int) -> None:
        with self._lock:
            found = self._transfers.get(number)
        if found is not None:
            found[0].stop()

    def _done(self, done: Done) -> None:
        with self._lock:
            found = self._transfers.get(done.id)
        if found is not None:
            found[1].answered(done)

    def _leave(self, name: str) -> None:
        with self._lock:
            pool = self._pools.pop(name, None)
        if pool is not None:
            pool.close()

    def _tell(self) -> None:
        """Say how all transfers go on, as long as they do."""
        told: Mapping[int, object] = {}
        while True:
            time.sleep(_TICK)
            with self._lock:
                now = {number: one.snapshot() for number, (one, _) in self._transfers.items()}
                for number, progress in now.items():
                    if told.get(number) != progress:
                        self._line.send(Moved(number, progress))
            told = now


class RemoteDestination:
    """A partial file that is open here and recorded by the other process.

    See `Destination` for what each part of it does.
    """

    def __init__(self, line: Line, begin: Begin, descriptor: int) -> None:
        self._line = line
        self._descriptor = descriptor
        self._state = Done(begin.id, None, begin.size, begin.validator, begin.ranges)
        self._asking = threading.Lock()
        self._answer = threading.Event()

    @property
    def size(self) -> int | None:
        """The size of the whole file, once known."""
        return self._state.size

    @property
    def validator(self) -> str | None:
        """The strong `ETag` or the date of the bytes that are here."""
        return self._state.validator

    @property
    def ranges(self) -> Ranges:
        """What is durably here."""
        return self._state.ranges

    def fileno(self) -> int:
        """The descriptor, open for reading and writing."""
        return self._descriptor

    def allocate(self, size: int) -> None:
        """Give the file its size."""
        self._ask(Asked(self._state.id, "allocate", size))

    def checkpoint(self, ranges: Ranges, validator: str | None) -> None:
        """Have the bytes flushed and their ranges recorded."""
        self._ask(Asked(self._state.id, "checkpoint", ranges=ranges, validator=validator))

    def settle(self, ranges: Ranges, validator: str | None) -> None:
        """The last checkpoint."""
        self._ask(Asked(self._state.id, "settle", ranges=ranges, validator=validator))

    def note(self, ranges: Ranges, validator: str | None) -> None:
        """Have written down what has arrived."""
        self._line.send(Noted(self._state.id, ranges, validator))

    def reset(self) -> None:
        """Have everything forgotten."""
        self._ask(Asked(self._state.id, "reset"))

    def answered(self, done: Done) -> None:
        """The other process has done it, or could not."""
        self._state = done
        self._answer.set()

    def _ask(self, asked: Asked) -> None:
        with self._asking:
            self._answer.clear()
            self._line.send(asked)
            self._answer.wait()
            error = self._state.error
        if error is not None:
            raise OSError(error, os.strerror(error) if error > 0 else "unknown")
