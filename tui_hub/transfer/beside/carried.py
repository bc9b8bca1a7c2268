"""One transfer that another process does."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import replace

from tui_hub.domain.downloads import FileState
from tui_hub.domain.errors import InterruptedJobError
from tui_hub.transfer.beside.carrier import Carrier, LostError
from tui_hub.transfer.beside.messages import Asked, Begin, Done, Ended, Moved, Noted
from tui_hub.transfer.engine import Transfer
from tui_hub.transfer.request import (
    Destination,
    Options,
    Request,
    TransferProgress,
    Transferred,
)

_PATIENCE = 10.0
"""Seconds after a stop until the process is taken for hung."""


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
        self._number: int | None = None
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
                if self._stopped:
                    self._progress = replace(self._progress, state=FileState.PAUSED, connections=0)
                    raise InterruptedJobError("the download was stopped") from None
                self._spent = self._progress.transferred
                self._local = self._here()
            result = self._local.run()
            return replace(result, bytes_transferred=self._spent + result.bytes_transferred)

    def stop(self) -> None:
        """Make `run` return soon, whatever the server does."""
        with self._lock:
            self._stopped = True
            number, local = self._number, self._local
        if local is not None:
            local.stop()
        elif number is not None:
            self._carrier.stop(number)

    def snapshot(self) -> TransferProgress:
        """Where the transfer stands."""
        local = self._local
        if local is None:
            return self._progress
        progress = local.snapshot()
        return replace(progress, transferred=self._spent + progress.transferred)

    def beginning(self, number: int) -> Begin:
        """What the other process has to know."""
        destination = self._destination
        return Begin(
            number,
            self._pool,
            self._request,
            replace(self._options, environment={}),  # it has its own, which need not be text
            destination.size,
            destination.validator,
            destination.ranges,
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

    def _run(self) -> Transferred:
        number = self._carrier.begin(self, self._destination.fileno())
        try:
            with self._lock:
                self._number = number
                stopped = self._stopped
            if stopped:
                self._carrier.stop(number)
            while isinstance(message := self._next(), Asked):
                self._carrier.answer(self._do(message))
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

    def _next(self) -> Asked | Ended | None:
        """The next thing to do; `None` when there is nobody left to ask for anything."""
        while True:
            try:
                return self._inbox.get(timeout=_PATIENCE)
            except queue.Empty:
                if self._stopped:
                    self._carrier.kill()

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
        return Done(asked.id, error, destination.size, destination.validator, destination.ranges)
