"""How many connections to use: more while they bring more, fewer when they do not. Pure."""

from __future__ import annotations

WINDOW = 0.4
"""Seconds over which speed is measured, where so little comes that it jerks."""
_SHORT_WINDOW = 0.1
_PLENTY = 16 * 1024**2
"""Bytes that tell the speed after the short window already."""
_GAIN = 1.10
"""By how much more connections must raise the speed to be kept."""
_PATIENCE = 1.2
"""Seconds that new connections have to show it."""
_FAST = 400 * 1024**2
"""Bytes a second at which one connection is held up by this box, not by the network."""
_PROBE = 15.0
"""Seconds until the next try after one that brought nothing; doubled each time."""
_RECOVERY = 2.0
"""Seconds without trouble after which a lost connection is tried again."""


_STEP, _LEAP = 2, 4
"""By how much connections are multiplied; the more while each brings nearly what the first did."""
_SHARE = 0.7
"""What is nearly."""


class Governor:
    """Adds connections while the speed rises with them, and goes back when it does not."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._allowed = self._most
        self.target = 1
        self._kept = 1
        """The last number that paid off."""
        self._kept_speed = 0.0
        self._factor = _LEAP
        self._grown = 0.0
        """When connections were added last."""
        self._since: float | None = None
        self._counted = 0
        self._probe_at = 0.0
        self._probe = _PROBE

    def limit(self, allowed: int) -> None:
        """How many the other files leave for this one."""
        self._allowed = max(1, min(self._most, allowed))
        self.target, self._kept = min(self.target, self._allowed), min(self._kept, self._allowed)

    def observe(self, now: float, transferred: int) -> None:
        """Take in how many bytes have come so far; may change `target`."""
        if self._since is None or transferred < self._counted:
            self._since, self._counted = now, transferred
            return
        came = transferred - self._counted
        soon = came >= _PLENTY or (came > 0 and not self._kept_speed)
        if now - self._since < (_SHORT_WINDOW if soon else WINDOW):
            return
        speed = came / (now - self._since)
        self._since, self._counted = now, transferred
        if self.target > self._kept:
            self._judge(now, speed)
        else:
            self._kept_speed = speed
            if now >= self._probe_at:
                self._grow(now, speed)

    def trouble(self, now: float) -> None:
        """A connection failed: do with one less for a while."""
        self.target = self._kept = max(1, self.target - 1)
        self._probe_at = now + _RECOVERY
        self._probe = _PROBE
        self._since = None

    def _judge(self, now: float, speed: float) -> None:
        """Keep what was added if it paid off."""
        if speed >= self._kept_speed * _GAIN:
            linear = self._kept_speed * self.target / self._kept
            self._factor = _LEAP if speed >= linear * _SHARE else _STEP
            self._kept, self._kept_speed = self.target, speed
            self._probe = _PROBE
            self._grow(now, speed)
        elif now - self._grown >= _PATIENCE:
            self.target, self._factor = self._kept, _STEP
            self._probe_at = now + self._probe
            self._probe *= 2

    def _grow(self, now: float, speed: float) -> None:
        if speed > 0 and speed / self.target < _FAST:
            self.target = min(self._allowed, self._kept * self._factor)
            self._grown = now
