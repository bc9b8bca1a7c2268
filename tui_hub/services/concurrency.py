"""Running several coroutines as one, and work that is not always to be cancelled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")


async def run_all(work: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Run all to their end; the first error cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in work:
                group.create_task(coroutine)
    except BaseExceptionGroup as errors:
        first: BaseException = errors
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait until something happened, but no longer than so many seconds; whether it has."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


class PointOfNoReturn:
    """Work that whoever cancels it ends, until it passes a point; from there it goes to its end."""

    def __init__(self) -> None:
        self.passed = False
        """Set by the work itself, once it is done but for the tidying up."""

    async def guard(self, work: Awaitable[_T]) -> _T:
        """Do the work, in a task of its own."""
        task = asyncio.ensure_future(work)
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                if not self.passed:
                    task.cancel()
        return task.result()


async def uninterrupted(work: Awaitable[_T]) -> _T:
    """Wait for work that must be done or not begun; a cancellation comes through after its end."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await to_the_end(asyncio.gather(task, return_exceptions=True))
        raise


async def to_the_end(work: Awaitable[_T]) -> _T:
    """Wait for work that a cancellation must not leave half done."""
    point = PointOfNoReturn()
    point.passed = True
    return await point.guard(work)
