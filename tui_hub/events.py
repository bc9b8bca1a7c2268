"""What can happen in the background, and the bus that carries it.

An event says only which thing changed; whoever cares asks a service for its present state. While
events wait to be read, later ones with the same key replace earlier ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Hashable
from types import TracebackType

from tui_hub.domain.frozen import dataclass

INTERVAL = 0.1
"""Seconds between two batches to one reader: at most ten a second."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed."""

    @property
    def key(self) -> Hashable:
        """Events with equal keys replace one another while they wait."""
        return self


@dataclass(frozen=True, slots=True)
class CatalogueChanged(Event):
    """Models were added, changed or removed."""


@dataclass(frozen=True, slots=True)
class ChangesSeen(Event):
    """A person has read the feed of changes."""


@dataclass(frozen=True, slots=True)
class FeedChanged(Event):
    """A feed started, went on, or ended its sync."""

    feed: str


@dataclass(frozen=True, slots=True)
class FeedsChanged(Event):
    """The settings name other feeds or other times than before, or can no longer be read."""


@dataclass(frozen=True, slots=True)
class ScheduleChanged(Event):
    """This process began to run the feeds at their times, or ended it."""


@dataclass(frozen=True, slots=True)
class DownloadChanged(Event):
    """A download moved."""

    job: str


@dataclass(frozen=True, slots=True)
class JobChanged(Event):
    """A job was made, moved on, or ended."""

    job: str


@dataclass(frozen=True, slots=True)
class ModelChanged(Event):
    """What this box has of a model changed: its files, its status, a user's notes."""

    model: str


@dataclass(frozen=True, slots=True)
class SlotChanged(Event):
    """A slot got another model, or none."""

    type: str


@dataclass(frozen=True, slots=True)
class SwapMoved(Event):
    """The change of a slot came a step further, or ended."""

    type: str


@dataclass(frozen=True, slots=True)
class StorageChanged(Event):
    """The store grew or shrank."""


@dataclass(frozen=True, slots=True)
class QuotaExceeded(Event):
    """The store holds more than the settings would have it."""

    used: int
    quota: int

    @property
    def key(self) -> Hashable:
        """One such event is enough."""
        return type(self).__name__


@dataclass(frozen=True, slots=True)
class WorkMoved(Event):
    """Long work on the disk of this process began, went on, or ended."""

    job: str


@dataclass(frozen=True, slots=True)
class HardwareSampled(Event):
    """There are new readings of memory and disk."""


class Subscription:
    """What one reader has not read yet: the latest event of each key, oldest first."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._waiting: dict[Hashable, Event] = {}
        self._ready = asyncio.Event()

    def offer(self, event: Event) -> None:
        """Put an event in line."""
        self._waiting.pop(event.key, None)
        self._waiting[event.key] = event
        self._ready.set()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bus.unsubscribe(self)

    async def wait(self, seconds: float) -> None:
        """Wait until something happened, but no longer than `seconds`; forgets what it was."""
        with contextlib.suppress(TimeoutError):
            # `wait_for` would swallow a cancellation that comes in the turn of the event.
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        self._ready.clear()
        self._waiting.clear()
        await asyncio.sleep(INTERVAL)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            await self._ready.wait()
            self._ready.clear()
            waiting, self._waiting = self._waiting, {}
            for event in waiting.values():
                yield event
            await asyncio.sleep(INTERVAL)


class EventBus:
    """Carries events from services to whoever listens. Knows nothing of either."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def subscribe(self) -> Subscription:
        """Start listening; use it as a context manager, and iterate over it."""
        subscription = Subscription(self)
        self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop listening. Doing so twice is no error."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def publish(self, event: Event) -> None:
        """Tell all listeners; callable from any thread, and cheap when nobody listens."""
        if threading.get_ident() == self._thread:
            self._deliver(event)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver, event)

    def _deliver(self, event: Event) -> None:
        for subscription in self._subscriptions:
            subscription.offer(event)
