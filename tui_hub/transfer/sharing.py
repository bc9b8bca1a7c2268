"""What all transfers share: a number of connections, and the pauses of each host."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tui_hub.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """How much of what transfers share is in use."""

    connections: int = 0
    files: int = 0


class Lanes:
    """Connections that the files in work share.

    Each file may have its fair share, and beyond it whatever the others leave. One connection a
    file may have in any case.
    """

    def __init__(self, total: int) -> None:
        self._lock = threading.Lock()
        self.total = max(1, total)
        self.elsewhere = Use()
        """What another process uses of the same."""
        self._used = 0
        self._files = 0

    @property
    def use(self) -> Use:
        """What this process uses."""
        with self._lock:
            return Use(self._used, self._files)

    @property
    def part(self) -> float:
        """This process's part of the files in work, and so of whatever they share evenly."""
        own = max(1, self._files)
        return own / (own + self.elsewhere.files)

    def join(self) -> None:
        """One more file is in work."""
        with self._lock:
            self._files += 1

    def leave(self) -> None:
        """One file less is."""
        with self._lock:
            self._files -= 1

    def take(self) -> None:
        """One more connection is in use."""
        with self._lock:
            self._used += 1

    def give(self) -> None:
        """One connection less is."""
        with self._lock:
            self._used -= 1

    def most(self, own: int) -> int:
        """How many connections a file that has so many now may have."""
        other = self.elsewhere
        with self._lock:
            share = self.total // max(1, self._files + other.files)
            return max(1, share, own + self.total - self._used - other.connections)


class HostPauses:
    """Until when each host wants to be left alone, on the monotonic clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}
        self.heard: Callable[[str, float], None] | None = None
        """Called with what a host asks for."""

    def pause(self, host: str, until: float) -> None:
        """Ask a host nothing before then, and pass that on."""
        self.learn(host, until)
        if self.heard is not None:
            self.heard(host, until)

    def learn(self, host: str, until: float) -> None:
        """Ask a host nothing before then, as somebody else was told."""
        with self._lock:
            self._until[host] = max(until, self._until.get(host, until))

    def until(self, host: str) -> float:
        """When a host may be asked again; a moment that is over for most."""
        with self._lock:
            return self._until.get(host, 0.0)
