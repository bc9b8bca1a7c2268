"""The thread that makes what has arrived durable, which may keep it waiting for the disk."""

from __future__ import annotations

import threading
import time

from tui_hub.transfer.trouble import on_disk
from tui_hub.transfer.work import Work

_INTERVAL = 1.0
"""Seconds between two checkpoints: what a power cut may cost."""


class Checkpoints(threading.Thread):
    """Lets the destination record what is durably there, once a second until the end is near.

    What fails there fails the attempt.
    """

    def __init__(self, work: Work) -> None:
        super().__init__(name="transfer-checkpoints", daemon=True)
        self._work = work
        self._over = threading.Event()
        self._recorded = work.pieces.ranges
        self._done = work.pieces.done
        self._seconds = 0.0
        """How long the last one took."""

    def run(self) -> None:
        """Record until the end."""
        try:
            while not self._over.wait(_INTERVAL):
                if not self._ends_soon():
                    self.record()
        except BaseException as error:
            self._work.failed(error)

    def record(self, *, last: bool = False) -> None:
        """Make what has arrived durable; the last time after every thread has ended.

        Raises:
            HubError: when the disk fails.
        """
        work, destination = self._work, self._work.means.destination
        with work.changed:
            ranges, validator = work.pieces.ranges, work.identity.validator
        if work.follower is None or ranges == self._recorded:
            return
        begin = time.monotonic()
        with on_disk():
            (destination.settle if last else destination.checkpoint)(ranges, validator)
        self._recorded, self._seconds = ranges, time.monotonic() - begin

    def end(self) -> None:
        """Record nothing more once this returns."""
        self._over.set()
        if self.is_alive():
            self.join()

    def _ends_soon(self) -> bool:
        """Whether the whole file will be here, and be made durable, before this would be over."""
        with self._work.changed:
            before, self._done = self._done, self._work.pieces.done
            size = self._work.identity.size
        seconds = _INTERVAL + 2 * self._seconds
        return size is not None and size - self._done < (self._done - before) / _INTERVAL * seconds
