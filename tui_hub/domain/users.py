"""Users: who owns a record."""

from __future__ import annotations

from tui_hub.domain.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of this home; a sync writes as one of its own for each source."""

    name: str
    role: str
    """`sync` for the system users."""
    source: str
    created_at: str
