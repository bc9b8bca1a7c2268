"""One transfer that another process does."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace

from tui_hub.domain.downloads import FileState
from tui_hub.domain.errors import InterruptedJobError
from tui_hub.transfer.beside.carrier import Carrier, LostError
from tui_hub.transfer.beside.child import Child
from tui_hub.transfer.beside.messages import (
    Asked,
    Begin,
    Done,
    Ended,
    Moved,
    Noted,
    State,
    Stop,
)
from tui_hub.transfer.engine import Transfer
from tui_hub.transfer.request import (
    Destination,
    Options,
    Request,
    TransferProgress,
    Transferred,
)

_log = logging.getLogger(__name__)

_TURN = 0.5
"""Seconds of one look at the process."""
_SILENCE = 30.0
"""Seconds without a word until the process is taken for hung."""
_PATIENCE = 10.0
"""Seconds after a stop until it is."""


class Carried:
    """A `Transfer` by another process. Where that is lost, this one goes on with it."""

    def __init__(
        self,
        carrier: Carrier,
        pool: str,
        request: Request,
        destination: Destination,
        options: Options,
        here: Callable[[], Transfer],
    ) -> None:
        """Prepare; nothing happens before `run`.

        Args:
            carrier: the other process.
            pool: files with the same name for it share connections.
            request: the address and what is known of the file.
            destination: where its bytes go. The other process writes them, and asks this one for
                everything else.
            options: connections, sizes and patience.
            here: makes the same transfer in this process.
        """
        self._carrier = carrier
        self._pool = pool
        self._request = request
        self._destination = destination
        self._options = options
        self._here = here
        self._inbox: queue.SimpleQueue[Asked | Ended | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._child: Child | None = None
        """Who is at it."""
        self._number = 0
        self._stopped = False
        self._local: Transfer | None = None
        self._progress = TransferProgress.before(request, destination)
        self._spent = 0
        """Bytes that the other process had brought when it was lost."""
        self._fault: Exception | None = None
        """Why something could not be done with the destination, if not for its disk."""

    def run(self) -> Transferred:
        """Fetch, verify, and return what arrived. Raises what `Transfer.run` does."""
        try:
            return self._run()
        except LostError:
            with self._lock:
                self._check()
                self._spent = self._progress.transferred
                self._local = self._here()
            result = self._local.run()
            return replace(result, bytes_transferred=self._spent + result.bytes_transferred)

    def stop(self) -> None:
        """Make `run` return soon, whatever the server does."""
        with self._lock:
            self._stopped = True
            child, local = self._child, self._local
        if local is not None:
            local.stop()
        elif child is not None:
            child.say(Stop(self._number))

    def snapshot(self) -> TransferProgress:
        """Where the transfer stands."""
        local = self._local
        if local is None:
            return self._progress
        progress = local.snapshot()
        return replace(progress, transferred=self._spent + progress.transferred)

    def beginning(self, number: int) -> Begin:
        """What the other process has to know."""
        return Begin(
            number,
            self._pool,
            self._request,
            replace(self._options, environment={}),  # it has its own, which need not be text
            State.of(self._destination),
        )

    def hear(self, message: Moved | Asked | Noted | Ended) -> None:
        """Take what the other process says, on the thread that listens to it."""
        if isinstance(message, Moved):
            self._progress = message.progress
        elif isinstance(message, Noted):
            self._destination.note(message.ranges, message.validator)
        else:
            self._inbox.put(message)

    def lost(self) -> None:
        """The other process is gone."""
        self._inbox.put(None)

    def _check(self) -> None:
        """Whether it may go on. Needs the lock. Raises `InterruptedJobError` after a stop."""
        if self._stopped:
            self._progress = replace(self._progress, state=FileState.PAUSED, connections=0)
            raise InterruptedJobError("the download was stopped") from None

    def _run(self) -> Transferred:
        with self._lock:
            self._check()
        number, child = self._carrier.begin(self, self._destination.fileno())
        try:
            with self._lock:
                self._number, self._child = number, child
                stopped = self._stopped
            if stopped:
                child.say(Stop(number))
            while isinstance(message := self._next(child), Asked):
                child.say(self._do(message))
        finally:
            self._carrier.forget(number)
        if message is None:
            raise LostError
        self._progress = message.progress
        if self._fault is not None:
            raise self._fault
        if message.result is not None:
            return message.result
        assert message.failure is not None  # noqa: S101 - one of the two is there
        raise message.failure.error()

    def _next(self, child: Child) -> Asked | Ended | None:
        """The next thing to do; `None` when there is nobody left to ask for anything.

        Patience is counted in turns, not by a clock: a program that was stopped itself for an hour
        has heard nothing in that time either, and nobody is to blame for it.
        """
        silent = stopping = 0.0
        ended = False
        while True:
            heard = child.heard
            try:
                return self._inbox.get(timeout=_TURN)
            except queue.Empty:
                silent = 0.0 if child.heard != heard else silent + _TURN
                stopping += _TURN if self._stopped else 0.0
            if not ended and (silent >= _SILENCE or stopping >= _PATIENCE):
                _log.warning("the process for transfers does not answer, and is ended")
                child.kill()
                ended = True  # once is enough: a disk that hangs keeps it for as long as it likes

    def _do(self, asked: Asked) -> Done:
        """Do with the destination what is asked; the store's records are this process's."""
        destination, error = self._destination, None
        try:
            if asked.what == "allocate":
                destination.allocate(asked.size)
            elif asked.what == "checkpoint":
                destination.checkpoint(asked.ranges, asked.validator)
            elif asked.what == "settle":
                destination.settle(asked.ranges, asked.validator)
            else:
                destination.reset()
        except OSError as failure:
            error = failure.errno or -1
        except Exception as fault:
            self._fault, error = fault, -1
        return Done(asked.id, error, State.of(destination))
