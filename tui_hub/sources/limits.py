"""How long to wait before a server is asked again: rate limits obeyed, failures spaced out."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime

from tui_hub.domain.errors import RateLimitedError
from tui_hub.domain.feeds import Quota
from tui_hub.domain.frozen import dataclass
from tui_hub.text import duration, stamp_of

LONGEST_WAIT = 330.0
"""Seconds; a little more than the Hub's window. Who waits for longer asks again after this."""

_REMAINING = re.compile(r"(?:^|[;,\s])r=([0-9]{1,12})(?![0-9])")
_RESET = re.compile(r"(?:^|[;,\s])t=([0-9]{1,12})(?![0-9])")
_QUOTA = re.compile(r"(?:^|[;,\s])q=([0-9]{1,12})(?![0-9])")
_WHOLE = re.compile(r"[0-9]{1,12}")
_SECONDS = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,9})?")
_LOW = 0.1
"""Below this share of the quota, requests are spread over the time that is left."""

_log = logging.getLogger("tui_hub.sources.waiting")
"""A name of its own, so that a program can show these lines and no others."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, as parameters."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random


def backoff(attempt: int, clock: Clock, *, first: float = 1.0, most: float = 60.0) -> float:
    """Seconds to wait after the failure number `attempt` (from 0): doubling, with jitter."""
    step = float(min(most, first * 2.0 ** min(attempt, 30)))
    return step * (0.5 + clock.random() / 2)


def retry_after(value: str | None, wall: float) -> float | None:
    """The seconds that a `Retry-After` header asks for (RFC 9110 section 10.2.3).

    `None` for what is neither a count of seconds nor a date; a date that has passed is 0.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return max(moment - wall, 0.0)


def answer_time(headers: Mapping[str, str]) -> float | None:
    """The moment of an answer by its `Date`, seconds since the epoch (RFC 9110 section 6.6.1)."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, OverflowError, TypeError, IndexError):
        return None


def answer_moment(headers: Mapping[str, str]) -> str | None:
    """The same as times are written everywhere."""
    moment = answer_time(headers)
    return None if moment is None else stamp_of(moment)


class Gate:
    """Lets requests to one origin through as fast as it allows.

    Reads `RateLimit: "api";r=<left>;t=<seconds to reset>` and `RateLimit-Policy: …;q=<quota>;…`
    (draft-ietf-httpapi-ratelimit-headers, as the Hub sends them), the `RateLimit-Remaining` and
    `RateLimit-Reset` of its older drafts, and `Retry-After`.
    """

    def __init__(self, host: str, clock: Clock) -> None:
        self._host = host
        self._clock = clock
        self._opens = clock.monotonic()
        self._asked = self._opens
        """Until when the server asked to be left alone, however long that is."""
        self._refusals = 0
        self._told = self._opens
        """The end of the pause that was logged last."""

    async def enter(self, patience: float) -> float:
        """Wait for the next turn; the seconds that it took.

        Raises:
            RateLimitedError: when that takes longer than `patience` seconds.
        """
        waited = 0.0
        while (wait := self._opens - self._clock.monotonic()) > 0:
            asked = max(wait, self._asked - self._clock.monotonic())
            if waited + asked > patience:
                raise RateLimitedError(
                    f"{self._host} asks for a pause of {duration(asked)}",
                    hint="Try again later; a token of your own raises the limit.",
                    wait=asked,
                )
            self._tell(wait)
            await self._clock.sleep(wait)
            waited += wait
        return waited

    def observe(self, headers: Mapping[str, str], *, refused: bool) -> None:
        """Take in what an answer says of the limit; `refused` means that it was a 429."""
        wait = self._pace(headers)
        if refused:
            asked = retry_after(headers.get("retry-after"), self._clock.wall())
            wait = max(wait, asked or 0.0) or backoff(self._refusals, self._clock)
            self._refusals += 1
        else:
            self._refusals = 0
        if wait > 0:
            now = self._clock.monotonic()
            self._opens = max(self._opens, now + min(wait, LONGEST_WAIT))
            self._asked = max(self._asked, now + wait)

    def _tell(self, wait: float) -> None:
        """Log a pause once, however many requests wait for its end."""
        if self._opens != self._told:
            self._told = self._opens
            _log.info("%s limits the rate: waiting %d s", self._host, math.ceil(wait))

    def _pace(self, headers: Mapping[str, str]) -> float:
        """Seconds to leave before the next request so that the quota lasts."""
        remaining, reset = _window(headers)
        if remaining is None or reset is None:
            return 0.0
        if remaining == 0:
            return reset + 1.0
        quota = _number(_QUOTA, headers.get("ratelimit-policy", ""))
        return reset / remaining if quota and remaining < quota * _LOW else 0.0


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """What an answer says that the rate limit leaves; see `Gate` for the headers."""
    left, reset = _window(headers)
    if left is None:
        return None
    total = _number(_QUOTA, headers.get("ratelimit-policy", ""))
    return Quota(left=left, total=total, seconds=reset or 0)


def _window(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Requests that are left, and seconds until there are more."""
    limit = headers.get("ratelimit", "")
    if limit:
        return _number(_REMAINING, limit), _number(_RESET, limit)
    return _count(headers, "remaining"), _count(headers, "reset")


def _count(headers: Mapping[str, str], name: str) -> int | None:
    """A header of the older drafts: one number."""
    text = headers.get(f"ratelimit-{name}", "").strip()
    return int(text) if _WHOLE.fullmatch(text) else None


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return int(match[1]) if match else None
