"""How long to wait after a failure, and when to give up."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse

from tui_hub.domain.errors import RateLimitedError
from tui_hub.domain.frozen import dataclass
from tui_hub.text import duration
from tui_hub.transfer.cancellation import Cancellation
from tui_hub.transfer.sharing import HostPauses
from tui_hub.transfer.trouble import Trouble

PAUSE_CAP = 15 * 60.0
"""The longest pause that a server may ask for, in seconds."""
_FIRST_DELAY = 0.2
_DELAY_FACTOR = 3
_DELAY_CAP = 60.0
_PROGRESS = 64 * 1024
"""Bytes that count as progress: less would let a server hold a transfer up for ever."""
_NEVER_REACHED = 2
"""Retries while the server has not answered once."""
_RATE_LIMIT = re.compile(r"r=(\d{1,9})\s*;\s*t=(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, so that a test can set them."""

    now: Callable[[], float] = time.monotonic
    wait: Callable[[threading.Event, float], bool] = field(
        default=lambda event, seconds: event.wait(seconds)
    )
    """Wait so many seconds, or until the event; whether the event happened."""
    random: Callable[[], float] = random.random


class Patience:
    """The pauses of one transfer, shared by its lanes. Counts failures since the last progress."""

    def __init__(self, retries: int, clock: Clock, hosts: HostPauses | None = None) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._retries = retries
        self._hosts = hosts or HostPauses()
        self._failures = 0
        self._progress = 0
        self._resume_at = 0.0
        self._reached = False
        self.total = 0
        """Failures so far, forgiven ones included."""
        self.message = ""
        """Why the transfer waits; empty while it does not."""

    def progressed(self, count: int) -> None:
        """So many bytes arrived; enough of them make up for every failure."""
        self._reached = True
        with self._lock:
            self._progress += count
            if self._progress >= _PROGRESS:
                self._failures = 0

    def failed(self, trouble: Trouble) -> None:
        """Note a failure and set the pause that follows it.

        Raises:
            UnreachableError: after too many failures without progress.
            RateLimitedError: the same when the server limits, or asks for too long a pause.
        """
        with self._lock:
            self.total += 1
            self._failures += 1
            self._progress = 0
            self._reached = self._reached or trouble.answered
            if trouble.wait is not None and trouble.wait > PAUSE_CAP:
                raise RateLimitedError(
                    f"{trouble.message} and asks to wait {duration(trouble.wait)}",
                    hint="Start the download again after that; it goes on where it stopped.",
                    wait=trouble.wait,
                )
            if self._failures > (self._retries if self._reached else _NEVER_REACHED):
                raise trouble.error()
            self._pause(trouble)

    def note(self, trouble: Trouble) -> None:
        """A failure that others make up for; a pause that the server asked for holds for all."""
        with self._lock:
            self.total += 1
            if trouble.wait is not None and trouble.wait <= PAUSE_CAP:
                self._pause(trouble)

    def wait(self, cancellation: Cancellation) -> None:
        """Wait until the pause is over. Raises `Cancelled`."""
        seconds = self._resume_at - self._clock.now()
        if seconds > 0 and self._clock.wait(cancellation.event, seconds):
            cancellation.check()
        with self._lock:
            self.message = ""

    def wait_for(self, host: str, cancellation: Cancellation) -> None:
        """Wait until a host may be asked, whichever file it asked for a pause. Raises `Cancelled`.

        The pause may grow meanwhile, and then does for all.
        """
        while (seconds := self._hosts.until(host) - self._clock.now()) > 0:
            with self._lock:
                self.message = f"{host} asks for a pause; again in {duration(max(1.0, seconds))}"
            if self._clock.wait(cancellation.event, seconds):
                cancellation.check()
            with self._lock:
                self.message = ""

    def _pause(self, trouble: Trouble) -> None:
        delay = trouble.wait
        if delay is not None:
            self._hosts.pause(trouble.host, self._clock.now() + delay)
        else:
            delay = min(_DELAY_CAP, _FIRST_DELAY * _DELAY_FACTOR ** max(0, self._failures - 1))
            delay *= 0.5 + self._clock.random()
        self._resume_at = max(self._resume_at, self._clock.now() + delay)
        self.message = f"{trouble.message}; again in {duration(max(1.0, delay))}"


def pause_from(response: HTTPResponse) -> float | None:
    """The seconds that a server asks to wait, by `Retry-After` or `RateLimit`; `None` without.

    `RateLimit: "resolvers";r=0;t=55` is what the Hub sends: 55 seconds until requests are left.
    """
    after = (response.getheader("Retry-After") or "").strip()
    if after.isascii() and after.isdigit():
        return float(after[:12])
    if after:
        try:
            moment = parsedate_to_datetime(after)
        except (ValueError, TypeError, OverflowError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    found = _RATE_LIMIT.search(response.getheader("RateLimit") or "")
    return float(found[2]) + 1.0 if found and int(found[1]) == 0 else None
