"""What a test can make go wrong on the hub, and what the hub saw."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

_KEPT = 20_000


class FaultKind(StrEnum):
    """How an answer goes wrong."""

    STATUS = "status"
    """Another status with a short text, 500 unless told."""
    RATE_LIMITED = "rate_limited"
    """429 with `RateLimit` headers and an HTML page."""
    HTML = "html"
    """200 with a web page, as captive portals and proxies do."""
    TRUNCATE = "truncate"
    """The connection closes in good order before the promised end."""
    RESET = "reset"
    """The connection is reset."""
    CORRUPT = "corrupt"
    """One bit of the body is wrong, at the byte `after`."""
    STALL = "stall"
    """No more bytes until the fault is released or its seconds are over."""
    IGNORE_RANGE = "ignore_range"
    """200 with everything, whatever range was asked."""
    HEADERS = "headers"
    """Other headers on an answer that is right otherwise."""


@dataclass(eq=False)
class Fault:
    """One thing that goes wrong, for the next answers that it matches."""

    kind: FaultKind
    path: str = "*"
    """A shell pattern for the decoded path."""
    times: int = 1
    """How many answers; a negative number is all of them."""
    origin: str | None = None
    """`hub` or `cdn`; `None` is both."""
    method: str | None = None
    status: int = 500
    after: int = 0
    """Bytes of the body that still go out right; 0 strikes before the headers."""
    seconds: float = 600.0
    """How long a stall lasts, or what a 429 asks to wait."""
    headers: Mapping[str, str] = field(default_factory=dict)
    hits: int = 0
    """How often it struck."""
    _released: threading.Event = field(default_factory=threading.Event, repr=False)

    def release(self) -> None:
        """End a stall."""
        self._released.set()

    @property
    def released(self) -> bool:
        """Whether a stall is over."""
        return self._released.is_set()

    def matches(self, origin: str, method: str, path: str) -> bool:
        """Whether it strikes this request."""
        return (
            self.times != 0
            and self.origin in (None, origin)
            and self.method in (None, method)
            and fnmatchcase(path, self.path)
        )


class Faults:
    """The faults of a hub, in the order in which they were added."""

    def __init__(self) -> None:
        self.signature_lifetime = 3600.0
        """Seconds for which the addresses on the second origin are good."""
        self.offline = False
        """Every connection, open or new, is reset."""
        self.signatures_from = 0.0
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Let something go wrong from now on."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Everything is well again; stalls end."""
        with self._lock:
            for fault in self._faults:
                fault.release()
            self._faults.clear()
        self.offline = False

    def expire_signatures(self) -> None:
        """Make every address that the second origin was given until now a bad one."""
        self.signatures_from = time.time()

    def strike(self, origin: str, method: str, path: str) -> Fault | None:
        """The first fault that this request meets, counted."""
        with self._lock:
            for fault in self._faults:
                if fault.matches(origin, method, path):
                    fault.times -= 1
                    fault.hits += 1
                    return fault
        return None


@dataclass(eq=False)
class Seen:
    """One request as it arrived, and what came of it."""

    method: str
    path: str
    """Decoded, without the query."""
    query: str
    headers: Mapping[str, str]
    """By lower-case name."""
    origin: str
    """`hub` or `cdn`."""
    client: tuple[str, int]
    """Address and port of the connection."""
    status: int | None = None
    """`None` until an answer begins."""
    sent: int = 0
    """Bytes of the body that went out."""


class RequestLog:
    """What arrived, oldest first, at most twenty thousand. Safe to read from any thread."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=_KEPT)
        self._changed = threading.Condition()

    def add(self, seen: Seen) -> None:
        """Keep a request and wake those who wait."""
        with self._changed:
            self._seen.append(seen)
            self._changed.notify_all()

    def touch(self) -> None:
        """Wake those who wait, because a request in the log has come further."""
        with self._changed:
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget everything."""
        with self._changed:
            self._seen.clear()

    def __iter__(self) -> Iterator[Seen]:
        with self._changed:
            return iter(list(self._seen))

    def __len__(self) -> int:
        return len(self._seen)

    def select(
        self, path: str = "*", *, method: str | None = None, origin: str | None = None
    ) -> list[Seen]:
        """The requests whose decoded path matches a shell pattern."""
        return [
            seen
            for seen in self
            if fnmatchcase(seen.path, path)
            and method in (None, seen.method)
            and origin in (None, seen.origin)
        ]

    def wait_for(self, condition: Callable[[list[Seen]], bool], timeout: float = 60.0) -> bool:
        """Block until the log fulfils a condition; whether it did within the time.

        The condition is looked at when a request arrives, is answered, is stalled, or ends.
        """
        with self._changed:
            return self._changed.wait_for(lambda: condition(list(self._seen)), timeout)
