"""What a feed would take in: its rules held against what its queries find."""

from __future__ import annotations

from tui_hub.domain.feeds import Feed
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A model that the rules do not take, and why."""

    model: Model
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A walk over the first pages of a feed that wrote nothing."""

    feed: Feed
    taken: tuple[Model, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    skipped: tuple[str, ...] = ()
    """Why records were no models, one line each."""
    requests: int = 0
    bytes: int = 0
    whole: bool = True
    """Whether that was all that the queries find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the first sync of a very large feed takes."""

    models: int
    requests: int
    seconds: float
    """At least, for a user who is not logged in; half of it for one who is."""
