"""How much the hub gives: requests per window, bytes per second."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

QUOTAS: Mapping[str, int] = {"api": 3000, "resolvers": 20_000, "pages": 400}
"""Requests per window and kind: what the Hub grants a team (hub-docs, rate limits)."""


@dataclass
class RateLimits:
    """Fixed windows of requests, one for each kind and caller."""

    quotas: Mapping[str, int] = field(default_factory=lambda: dict(QUOTAS))
    window: float = 300.0
    """Seconds."""
    _used: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def take(self, kind: str, caller: str) -> tuple[bool, dict[str, str]]:
        """Count one request: whether it is granted, and the headers that say what is left."""
        now = time.monotonic()
        started, used = self._used.get((kind, caller), (now, 0))
        if now - started >= self.window:
            started, used = now, 0
        quota = self.quotas[kind]
        granted = used < quota
        used = min(used + 1, quota)
        self._used[kind, caller] = (started, used)
        left = math.ceil(started + self.window - now)
        return granted, self.headers(kind, quota - used, left)

    def headers(self, kind: str, left: int, seconds: int) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` as recorded."""
        return {
            "RateLimit": f'"{kind}";r={left};t={seconds}',
            "RateLimit-Policy": (
                f'"fixed window";"{kind}";q={self.quotas[kind]};w={math.ceil(self.window)}'
            ),
        }


@dataclass
class Throttle:
    """Bytes per second for each answer and for all together; 0 is no limit. Changeable live."""

    connection: int = 0
    total: int = 0
    _free_at: float = 0.0

    @property
    def chunk(self) -> int:
        """Bytes to send at once: small enough that a throttled bar moves smoothly."""
        return 64 * 1024 if self.connection or self.total else 1024 * 1024

    def pace(self) -> Pace:
        """The clock of one answer."""
        return Pace(self)

    def book(self, count: int, now: float) -> float:
        """Reserve room for bytes in the total; when they may go."""
        if not self.total:
            return now
        self._free_at = max(self._free_at, now) + count / self.total
        return self._free_at


class Pace:
    """Delays the chunks of one answer to the limits of a throttle."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._free_at = 0.0

    async def wait(self, count: int) -> None:
        """Return when this many bytes may go."""
        now = time.monotonic()
        due = self._throttle.book(count, now)
        if self._throttle.connection:
            self._free_at = max(self._free_at, now) + count / self._throttle.connection
            due = max(due, self._free_at)
        if due - now > 0.002:
            await asyncio.sleep(due - now)
