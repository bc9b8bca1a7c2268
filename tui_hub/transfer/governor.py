"""How many connections to use: more while they bring more, fewer when they do not."""

from __future__ import annotations

import os

WINDOW = 0.4
"""Seconds over which speed is measured, where so little comes that it jerks."""
_SHORT_WINDOW = 0.1
_PLENTY = 16 * 1024**2
"""Bytes that tell the speed after the short window already."""
_GAIN = 1.10
"""By how much more connections must raise the speed to be kept."""
_PATIENCE = 1.2
"""Seconds that new connections have to show it."""
_MEMORY = 2.0
"""Seconds after which a speed that was shown once counts half: it outlasts a flush of the disk."""
_LOSS = 0.9
"""What fewer connections must bring of the speed that more of them had, to be kept."""
_COLLAPSE = 0.6
"""What is so little of it that there is nothing to wait for."""
_RETRIAL = 3.0
"""Seconds until the next try with fewer after one that was slower; doubled each time."""
_FAST = 150 * 1024**2
"""Bytes a second that one connection does not bring while it waits for round trips."""
_FULL = 400 * 1024**2
"""Bytes a second at which a connection keeps a processor busy, whoever waits for whom."""
_PROBE = 15.0
"""Seconds until the next try after one that brought nothing; doubled each time."""
_SELDOM = 240.0
"""The most that either becomes."""
_RECOVERY = 2.0
"""Seconds without trouble after which a lost connection is tried again."""


_STEP, _LEAP = 2, 4
"""By how much connections are multiplied; the more while each brings nearly what the first did."""
_SHARE = 0.7
"""What is nearly."""


class Governor:
    """Adds connections while the speed rises with them, and goes back when it does not.

    Where bytes wait for the connections, and not these for bytes, it is this box that is slow: then
    it adds none to fast ones, and tries whether as many as there are processors do as well.
    """

    def __init__(self, most: int, processors: int | None = None) -> None:
        """For a file that may have so many, on a box with so many processors, by default this."""
        self._most = max(1, most)
        self._served = max(1, (processors or _processors()) - 1)
        """Connections that the processors can serve at once beside the hash."""
        self._allowed = self._most
        self.target = 1
        self._kept = 1
        """The last number that paid off."""
        self._kept_speed = 0.0
        """The best that they showed lately; a disk that holds writes up says nothing of a link."""
        self._factor = _LEAP
        self._changed = 0.0
        """When connections were added or given up last."""
        self._since: float | None = None
        self._counted = 0
        self._probe_at = 0.0
        self._probe = _PROBE
        self._fewer_at = 0.0
        self._fewer = _RETRIAL

    def limit(self, allowed: int) -> None:
        """How many the other files leave for this one."""
        self._allowed = max(1, min(self._most, allowed))
        self.target, self._kept = min(self.target, self._allowed), min(self._kept, self._allowed)

    def observe(
        self, now: float, transferred: int, *, lanes: int = 1, crowded: bool = False
    ) -> None:
        """Take in how many bytes have come so far; may change `target`.

        Args:
            now: seconds on any clock.
            transferred: bytes.
            lanes: connections in use; those that are given up bring their pieces in first.
            crowded: whether bytes wait for the connections.
        """
        if self._since is None or transferred < self._counted or lanes > self.target:
            self._since, self._counted = now, transferred
            return
        came = transferred - self._counted
        soon = came >= _PLENTY or (came > 0 and not self._kept_speed)
        if now - self._since < (_SHORT_WINDOW if soon else WINDOW):
            return
        seconds = now - self._since
        speed = came / seconds
        self._since, self._counted = now, transferred
        if self.target > self._kept:
            self._judge_more(now, speed)
        elif self.target < self._kept:
            self._judge_fewer(now, speed)
        else:
            steady = self._kept_speed * _LOSS <= speed <= self._kept_speed * _GAIN and speed > 0
            self._kept_speed = max(speed, self._kept_speed * 0.5 ** (seconds / _MEMORY))
            too_many = crowded and self.target > self._served
            slow = self._kept_speed < (_FAST if crowded else _FULL) * self.target
            if too_many and steady and now >= self._fewer_at:
                self.target, self._changed = max(self._served, self.target // 2), now
            elif slow and now >= self._probe_at:
                self._grow(now, speed)

    def trouble(self, now: float) -> None:
        """A connection failed: do with one less for a while."""
        self.target = self._kept = max(1, self.target - 1)
        self._probe_at = now + _RECOVERY
        self._probe = _PROBE
        self._since = None

    def _judge_more(self, now: float, speed: float) -> None:
        """Keep what was added if it paid off."""
        if speed >= self._kept_speed * _GAIN:
            linear = self._kept_speed * self.target / self._kept
            self._factor = _LEAP if speed >= linear * _SHARE else _STEP
            self._kept, self._kept_speed = self.target, speed
            self._probe = _PROBE
            self._grow(now, speed)
        elif now - self._changed >= _PATIENCE:
            self.target, self._factor = self._kept, _STEP
            self._probe_at = now + self._probe
            self._probe = min(self._probe * 2, _SELDOM)

    def _judge_fewer(self, now: float, speed: float) -> None:
        """Give up for good what was given up, if the speed did not fall."""
        if speed >= self._kept_speed * _LOSS:
            self._kept, self._kept_speed, self._factor = self.target, speed, _STEP
            self._probe_at = now + self._probe
        elif speed < self._kept_speed * _COLLAPSE or now - self._changed >= _PATIENCE:
            self.target = self._kept
            self._fewer_at = now + self._fewer
            self._fewer = min(self._fewer * 2, _SELDOM)

    def _grow(self, now: float, speed: float) -> None:
        if speed > 0:
            self.target = min(self._allowed, self._kept * self._factor)
            self._changed = now


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
