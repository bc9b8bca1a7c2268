"""Long work on the disk: a thread of its own that gives way to all others, and ends when asked."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from tui_hub import processes
from tui_hub.domain.disk_work import WorkPicture
from tui_hub.domain.errors import InterruptedJobError
from tui_hub.domain.jobs import Job
from tui_hub.transfer import RateLimiter

_P = ParamSpec("_P")
_T = TypeVar("_T")
_WINDOW = 3.0
"""Seconds over which the speed is measured."""


class DiskWork:
    """What the work of one job stands on: its thread, its figures, and whether it must end."""

    def __init__(self, job: Job, rate: int) -> None:
        self.job = job
        self.total: int | None = None
        """Bytes that there are to do, where they are known."""
        self.subject = ""
        """What it is at right now."""
        self._done = 0
        self._limiter = RateLimiter(rate)
        self._stopped = threading.Event()
        self._samples: deque[tuple[float, int]] = deque()
        self._thread = ThreadPoolExecutor(
            1, thread_name_prefix=job.type.value, initializer=processes.give_way
        )

    async def on_thread(
        self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Run file work on the thread, call after call in order.

        A cancellation lets the function end at its next `advance` and is raised then, so that
        nothing is at work on the disk any more.
        """
        future = asyncio.wrap_future(self._thread.submit(lambda: function(*args, **kwargs)))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._stopped.set()
            await asyncio.gather(future, return_exceptions=True)
            raise

    def advance(self, count: int) -> None:
        """Count bytes that were read, and wait where that was faster than it should be.

        To be called from the thread, for every piece of a file and at every other file.

        Raises:
            InterruptedJobError: when the work is to end.
        """
        if count > 0:
            self._done += count
            self._limiter.take(count, self._stopped)
        if self._stopped.is_set():
            raise InterruptedJobError("the work on the disk was stopped")

    def skip(self, count: int) -> None:
        """Count bytes that need no reading, since earlier work did them."""
        self._done += count
        self._samples.clear()

    def picture(self) -> WorkPicture:
        """How the work stands."""
        now, done = time.monotonic(), self._done
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()
        then, before = self._samples[0]
        return WorkPicture(
            job=self.job.id,
            type=self.job.type,
            subject=self.subject,
            done=done,
            total=self.total,
            speed=(done - before) / (now - then) if now > then else 0.0,
        )

    async def close(self) -> None:
        """Give the thread back."""
        self._stopped.set()
        await asyncio.to_thread(self._thread.shutdown, True)
