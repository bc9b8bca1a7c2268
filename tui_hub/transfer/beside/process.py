"""The transfers of another process, done in this one."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Mapping

from tui_hub.domain.errors import HubError
from tui_hub.processes import is_stopped
from tui_hub.transfer.beside.messages import (
    Begin,
    Done,
    Ended,
    Failure,
    Leave,
    Line,
    Logged,
    Moved,
    Pause,
    Rate,
    Stop,
    Used,
)
from tui_hub.transfer.beside.remote_file import RemoteFile
from tui_hub.transfer.engine import Transfer
from tui_hub.transfer.limiter import RateLimiter
from tui_hub.transfer.pool import Pool
from tui_hub.transfer.sharing import HostPauses, Lanes

_log = logging.getLogger(__name__)

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
        self._limiter = RateLimiter(part=lambda: self._lanes.part)
        self._pools: dict[str, Pool] = {}
        self._transfers: dict[int, tuple[Transfer, RemoteFile]] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        """Obey until nobody is there any more, and then end at once: nobody keeps records.

        A thread that fails ends it too: who started it goes on, and waits for nothing more.
        """
        os.nice(_NICE)
        logger = logging.getLogger("tui_hub")
        logger.addHandler(_Teller(self._line))
        logger.setLevel(logging.INFO)
        threading.excepthook = _fail
        threading.Thread(target=self._tell, daemon=True).start()
        try:
            self._obey()
        except Exception:
            _log.exception("the process for transfers failed")
        finally:
            os._exit(0)

    def _obey(self) -> None:
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
            elif isinstance(message, Used):
                self._lanes.elsewhere = message.use
            elif isinstance(message, Pause):
                self._pauses.learn(message.host, message.until)
            elif isinstance(message, Leave):
                self._leave(message.pool)

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
            destination = RemoteFile(self._line, begin, descriptor)
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
        except Exception:
            _log.exception("a transfer failed by a fault of the program")
            failure = Failure("HubError", "a fault of the program; the log has the details")
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
        """Say how all transfers go on, as long as they do, and that this process lives.

        While the other one is stopped, by Ctrl+Z say, nothing more is fetched: nobody records it,
        and whoever stopped the program meant all of it.
        """
        told: Mapping[int, object] = {}
        while True:
            time.sleep(_TICK)
            self._limiter.held = is_stopped(os.getppid())
            if self._limiter.held:
                continue
            self._line.send(Used(self._lanes.use))
            with self._lock:
                now = {number: one.snapshot() for number, (one, _) in self._transfers.items()}
                for number, progress in now.items():
                    if told.get(number) != progress:
                        self._line.send(Moved(number, progress))
            told = now


class _Teller(logging.Handler):
    """Says what is logged to the other process, which has a log."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):  # nobody is there any more
            self._line.send(Logged(record.levelno, record.name, self.format(record)))


def _fail(failed: threading.ExceptHookArgs) -> None:
    """End the process for a thread that failed, and say why."""
    fault = failed.exc_value or RuntimeError()
    _log.error("a thread of the process for transfers failed", exc_info=fault)
    os._exit(1)
