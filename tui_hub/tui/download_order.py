"""In which order downloads are listed: each keeps its row, however it stands by then."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub.domain.downloads import Download
from tui_hub.domain.jobs import JobStatus

_RANKS = (JobStatus.RUNNING, JobStatus.PENDING, JobStatus.PAUSED, JobStatus.FAILED)
"""Where one comes in: what moves first, what failed last."""


def waits(one: Download) -> bool:
    """Whether it waits in the line of this process, where it may be moved."""
    return one.status is JobStatus.PENDING and one.local


def in_their_places(before: Sequence[str], now: Sequence[Download]) -> list[Download]:
    """Downloads in the order in which they were listed before, with new ones by how they stand.

    Only those that wait in line may change places, among themselves.

    Args:
        before: the jobs as they were listed.
        now: the downloads that have not ended, in the order of the line.
    """
    known = {one.job: one for one in now}
    rows = [known[job] for job in before if job in known]
    for one in now:
        if one.job not in before:
            rank = _RANKS.index(one.status)
            ahead = [row for row, other in enumerate(rows) if _RANKS.index(other.status) <= rank]
            rows.insert(ahead[-1] + 1 if ahead else 0, one)
    line = filter(waits, now)
    return [next(line) if waits(one) else one for one in rows]
