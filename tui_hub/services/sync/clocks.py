"""Time and chance as the schedule sees them, as parameters."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from tui_hub.domain.frozen import dataclass


def _now() -> datetime:
    return datetime.now(UTC)


def _elapsed() -> float:
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


@dataclass(frozen=True, slots=True)
class Clock:
    """The clocks of the box."""

    now: Callable[[], datetime] = _now
    """The wall clock in UTC, which a person or a time server may set at any moment."""
    elapsed: Callable[[], float] = _elapsed
    """Seconds that really pass, also while the box is suspended; nobody can set them."""
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    """Waits by a clock that nobody can set, but which stands still in a suspended box."""
    random: Callable[[], float] = random.random
    """A number from 0 to 1."""
