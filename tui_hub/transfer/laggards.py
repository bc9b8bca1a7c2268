"""Finding the lane that is far slower than the others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Generic, TypeVar

_WINDOW = 5.0
"""Seconds over which lanes are compared; doubled each time that one was found."""
_LONGEST = 60.0
_FRACTION = 10
"""A lane this many times slower than the median of the others is better opened afresh."""

_Lane = TypeVar("_Lane")


class Laggards(Generic[_Lane]):
    """Compares what each lane brought in the same time.

    The last lane has nobody beside it; it is compared with what was usual before the others ended.
    """

    def __init__(self) -> None:
        self._window = _WINDOW
        self._since: float | None = None
        self._counted: dict[_Lane, int] = {}
        self._usual = 0.0
        """Bytes a second of a lane, when there were several."""

    def find(self, now: float, received: Mapping[_Lane, int]) -> _Lane | None:
        """The lane that lags behind, if one does.

        Args:
            now: the time.
            received: the bytes that each lane has brought since it began.
        """
        if self._since is not None and now - self._since < self._window:
            return None
        since, counted = self._since, self._counted
        self._since, self._counted = now, dict(received)
        speeds = {
            lane: (count - counted[lane]) / (now - since)
            for lane, count in received.items()
            if since is not None and lane in counted
        }
        if not speeds:
            return None
        slowest = min(speeds, key=lambda lane: speeds[lane])
        others = [speed for lane, speed in speeds.items() if lane != slowest]
        reference = median(others) if others else self._usual
        # Lanes that come to their end, one after the other, make the last figures small.
        self._usual = max(reference, self._usual / 2)
        if speeds[slowest] * _FRACTION >= reference:
            return None
        self._window = min(_LONGEST, self._window * 2)
        return slowest
