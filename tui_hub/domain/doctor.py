"""What an examination of a box and a home brings to light."""

from __future__ import annotations

from enum import StrEnum

from tui_hub.domain.frozen import dataclass


class FindingStatus(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """The program works, but not as well as it could, or a part of it rests."""
    ERROR = "error"
    """Something cannot work until it is mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """One word for what was looked at: `network`, `torch`, `store` …"""
    status: FindingStatus
    message: str
    mend: str | None = None
    """What to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHealth:
    """A database file as it was found."""

    name: str
    """The name of the file."""
    bytes: int
    """Size of the file with its journal."""
    journal: str
    """The journal mode, as SQLite names it."""
    faults: tuple[str, ...] = ()
    """What SQLite finds wrong with the file, in its words."""
    aside: str | None = None
    """The file of a damaged database that was put aside, where there is one."""
