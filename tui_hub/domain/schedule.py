"""The schedule: when each feed's turn is, and which process sees to it."""

from __future__ import annotations

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.jobs import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When a feed is synced next."""

    next_run: str | None = None
    """`None` where the schedule leaves the feed alone, or runs it as soon as it can."""
    retries: int = 0
    """How many retries of the last turn there were, with the one at `next_run`; 0 at a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Who runs the feeds of a home at their times."""

    holder: Owner | None = None
    """The living process that does it; `None` while nobody does."""
    ours: bool = False
    """Whether that is this process, with these services."""
    off: str | None = None
    """Why this process takes no part in it, in words."""
