"""A thread for calls into a driver, for which neither the loop nor the program's end waits."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")


class DriverThread:
    """Runs functions one after the other, always on the same thread, begun with the first one.

    A pool of threads would be joined when the program ends, and a driver that hangs would hold it
    up for ever.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    async def run(self, function: Callable[[], _T]) -> _T:
        """Call the function on the thread; who stops waiting in time is not served any more."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        future: Future[_T] = Future()
        self._calls.put((future, function))
        return await asyncio.wrap_future(future)

    async def close(self, last: Callable[[], object], patience: float) -> None:
        """End the thread after a last call, waiting for that no longer than `patience` seconds."""
        if self._thread is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self.run(last)
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function = call
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except Exception as error:  # whatever it is, it belongs to who asked
                    future.set_exception(error)
            del call, future, function
