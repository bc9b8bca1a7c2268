"""Sync reports as plain values, so that one process can hand its result to another."""

from __future__ import annotations

from typing import Any

import msgspec

from tui_hub.domain.feeds import SyncReport


def write_report(report: SyncReport) -> dict[str, Any]:
    """A report as it is kept in the payload of its job."""
    written: dict[str, Any] = msgspec.to_builtins(report)
    return written


def read_report(value: object) -> SyncReport | None:
    """A report from a job's payload; `None` when there is none, or it is of another version."""
    try:
        return msgspec.convert(value, SyncReport)
    except msgspec.ValidationError:
        return None
