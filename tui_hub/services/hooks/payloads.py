"""What hooks are told: one document for each event, made of plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

import msgspec

from tui_hub import text
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.hooks import HookEvent
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.services.sync.reports import read_report

MODELS = 50
"""Ids that a document names at most."""
_LEFT_OUT = ("paths", "result")
"""Parts of a job's payload that may be long, and say little to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCall:
    """One event with its facts, as every hook that wants it is told."""

    id: str
    event: HookEvent
    facts: Mapping[str, object]
    host: str
    program: str
    at: str = field(default_factory=text.now)

    def document(self) -> bytes:
        """The document as JSON; the same bytes at every try."""
        return msgspec.json.encode(
            {
                "event": self.event.value,
                "id": self.id,
                "at": self.at,
                "host": self.host,
                "program": self.program,
                **self.facts,
            }
        )


def of_job(job: Job) -> Iterator[tuple[HookEvent, dict[str, object]]]:
    """The events that the end of a job means, each with its facts."""
    yield HookEvent.JOB_FINISHED, {"job": _job(job)}
    if job.type is JobType.SYNC and job.status is not JobStatus.CANCELLED:
        failure = _failure(job)
        if failure is not None:
            yield HookEvent.SYNC_FAILED, failure
    elif job.type is JobType.ACTIVATE:
        yield HookEvent.ACTIVATION, _activation(job)


def _job(job: Job) -> dict[str, object]:
    """A job under the names of `tui-hub jobs`, without its log."""
    return {
        "id": job.id,
        "type": job.type.value,
        "status": job.status.value,
        "payload": {key: job.payload[key] for key in job.payload if key not in _LEFT_OUT},
        "progress": {
            "done": job.progress.done,
            "total": job.progress.total,
            "unit": job.progress.unit,
        },
        "attempts": job.attempts,
        "error": job.error,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def _failure(job: Job) -> dict[str, object] | None:
    """What failed of a sync; `None` where all went well."""
    report = read_report(job.payload.get("result"))
    status = report.status if report is not None else "failed"
    if status == "completed" and job.status is JobStatus.COMPLETED:
        return None
    failed = [feed for feed in report.feeds if feed.fell_short] if report is not None else []
    return {
        "job": job.id,
        "status": "failed" if status == "completed" else status,
        "error": job.error,
        "feeds": [
            {"feed": feed.feed, "source": feed.source, "status": feed.state, "error": feed.error}
            for feed in failed
        ],
    }


def _activation(job: Job) -> dict[str, object]:
    """How the change of a slot ended, under the names of `tui-hub activate`."""
    told = job.payload.get("result")
    result = told if isinstance(told, Mapping) else {}
    return {
        "job": job.id,
        "slot": job.payload.get("slot"),
        "model": job.payload.get("model"),
        "status": result.get("status", "error"),
        "runtime": result.get("runtime") or job.payload.get("runtime"),
        "device": result.get("device"),
        "path": result.get("path"),
        "url": result.get("url"),
        "seconds": result.get("seconds"),
        "previous": result.get("previous"),
        "error": job.error,
    }
