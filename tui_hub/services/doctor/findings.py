"""Short ways to write a finding down, whatever its words came from."""

from __future__ import annotations

from tui_hub.domain.doctor import Finding, FindingStatus
from tui_hub.domain.errors import HubError
from tui_hub.text import clean

_LONGEST = 1000


def ok(check: str, message: str, mend: str | None = None) -> Finding:
    """Nothing is wrong; `mend` says how to have more of it."""
    return _finding(check, FindingStatus.OK, message, mend)


def warning(check: str, message: str, mend: str | None = None) -> Finding:
    """The program works, but not as well as it could."""
    return _finding(check, FindingStatus.WARNING, message, mend)


def error(check: str, message: str, mend: str | None = None) -> Finding:
    """Something cannot work until it is mended."""
    return _finding(check, FindingStatus.ERROR, message, mend)


def failure(check: str, failed: HubError) -> Finding:
    """Something failed, and says itself what to do."""
    return error(check, failed.message, failed.hint)


def _finding(check: str, status: FindingStatus, message: str, mend: str | None) -> Finding:
    return Finding(
        check=check,
        status=status,
        message=clean(message, _LONGEST),
        mend=None if mend is None else clean(mend, _LONGEST),
    )
