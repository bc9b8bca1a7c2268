"""Short ways to write a finding down."""

from __future__ import annotations

from tui_hub.domain.doctor import Finding, FindingStatus
from tui_hub.domain.errors import HubError


def ok(check: str, message: str, mend: str | None = None) -> Finding:
    """Nothing is wrong; `mend` says how to have more of it."""
    return Finding(check=check, status=FindingStatus.OK, message=message, mend=mend)


def warning(check: str, message: str, mend: str | None = None) -> Finding:
    """The program works, but not as well as it could."""
    return Finding(check=check, status=FindingStatus.WARNING, message=message, mend=mend)


def error(check: str, message: str, mend: str | None = None) -> Finding:
    """Something cannot work until it is mended."""
    return Finding(check=check, status=FindingStatus.ERROR, message=message, mend=mend)


def failure(check: str, failed: HubError) -> Finding:
    """Something failed, and says itself what to do."""
    return error(check, failed.message, failed.hint)
