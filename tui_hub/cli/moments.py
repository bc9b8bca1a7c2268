"""Moments as people type them: `2h` ago, a date, or a time in ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def parse_moment(words: str | None) -> str | None:
    """A moment as it is written everywhere; nothing for nothing.

    Raises:
        UsageError: when the words are no moment.
    """
    from tui_hub import text
    from tui_hub.domain.errors import UsageError

    if words is None:
        return None
    ago = _AGO.fullmatch(words.strip())
    try:
        if ago is not None:
            span = timedelta(seconds=int(ago[1]) * _SECONDS[ago[2].lower()])
            return text.stamp(datetime.now(UTC) - span)
        moment = text.parse_time(words.strip())
    except OverflowError:
        moment = None
    if moment is None:
        raise UsageError(
            f"{words[:40]!r} is no time",
            hint="Give 30m, 2h, 7d or 4w, a date (2026-01-31) or a time (2026-01-31T02:00:00Z).",
        )
    return text.stamp(moment)
