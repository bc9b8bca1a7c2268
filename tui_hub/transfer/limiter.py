"""A limit on bytes a second that several transfers share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_SLICE = 0.2
"""Seconds of one wait, after which a changed limit is noticed."""


class RateLimiter:
    """A bucket that fills at the limit's rate; whoever overdraws it waits until it is paid back."""

    def __init__(self, bytes_per_second: int = 0, part: Callable[[], float] = lambda: 1.0) -> None:
        """Begin with a full bucket.

        Args:
            bytes_per_second: the limit; 0 is none.
            part: what of it is for this process, while another has the rest.
        """
        self.held = False
        """Whether everybody waits, limit or not."""
        self._part = part
        self._lock = threading.Lock()
        self._rate = max(0, bytes_per_second)
        self._tokens = 0.0
        self._filled = time.monotonic()

    @property
    def rate(self) -> int:
        """Bytes a second; 0 is no limit. May be set at any time, from any thread."""
        return self._rate

    @rate.setter
    def rate(self, bytes_per_second: int) -> None:
        with self._lock:
            self._rate = max(0, bytes_per_second)
            self._tokens = 0.0
            self._filled = time.monotonic()

    def portion(self, most: int) -> int:
        """How many bytes to read at once, so that a low limit flows and does not jerk."""
        rate = self._rate
        return most if not rate else max(1, min(most, int(rate * self._part()) // 16))

    def take(self, count: int, stopped: threading.Event) -> None:
        """Account for bytes that were read, and wait while the limit is overdrawn.

        Returns early when `stopped` is set.
        """
        wait = self._draw(count)
        while (wait > 0 or self.held) and not stopped.wait(min(wait or _SLICE, _SLICE)):
            wait = self._draw(0)

    def _draw(self, count: int) -> float:
        """Take from the bucket; the seconds until it is no longer overdrawn."""
        with self._lock:
            if not self._rate:
                return 0.0
            now, rate = time.monotonic(), self._rate * self._part()
            refill = (now - self._filled) * rate
            self._tokens = min(self._tokens + refill, rate / 16) - count
            self._filled = now
            return max(0.0, -self._tokens / rate)
