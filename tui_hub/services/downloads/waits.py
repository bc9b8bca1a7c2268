"""Downloads whose source stays away: they wait, and are tried again by themselves.

A screen or an agent that is open does so. The pauses grow from half a minute to a quarter of an
hour, a byte that arrives makes them short again, and after a day of nothing the download fails. A
command that a person or a script waits for fails at once instead, since its caller has a plan.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from tui_hub import text
from tui_hub.domain.errors import HubError, NoConnectionError, RateLimitedError
from tui_hub.domain.jobs import Job, JobStatus

WAITS = "waits"
"""In the payload of a job: how often it was tried in vain, and when it is tried again."""
_FIRST = 30.0
_LONGEST = 15 * 60.0
_DAY = 86_400.0
_TRIES = 100
"""About a day of the longest pauses."""


class Wait(msgspec.Struct, frozen=True):
    """When a download is tried again."""

    tries: int
    until: str

    @property
    def seconds(self) -> float:
        """How long until then."""
        until = text.parse_time(self.until)
        return 0.0 if until is None else (until - datetime.now(UTC)).total_seconds()


def is_away(error: HubError) -> bool:
    """Whether an error says that the source may be back later."""
    return isinstance(error, (NoConnectionError, RateLimitedError))


def next_wait(job: Job, error: HubError, *, moved: bool) -> Wait | None:
    """When to try a download again whose source stays away; `None` once that was long enough.

    Args:
        job: the download.
        error: how this try ended.
        moved: whether it brought any bytes.
    """
    before = _wait_of(job)
    tries = 1 if moved or before is None else before.tries + 1
    if tries > _TRIES:
        return None
    seconds = min(_LONGEST, _FIRST * 2.0 ** min(tries - 1, 10))
    if isinstance(error, RateLimitedError):
        seconds = min(_DAY, max(seconds, error.wait))
    return Wait(tries, text.stamp(datetime.now(UTC) + timedelta(seconds=seconds)))


def is_due(job: Job) -> bool:
    """Whether a download that waits may be tried again.

    One without a time may at once, and one that somebody has put in line since.
    """
    wait = None if job.status is JobStatus.PENDING else _wait_of(job)
    # A clock that was set back must not make it wait for ever.
    return wait is None or not 0 < wait.seconds <= _DAY


def _wait_of(job: Job) -> Wait | None:
    try:
        return msgspec.convert(job.payload.get(WAITS), Wait | None)
    except msgspec.ValidationError:
        return None
