"""The documents of the sync: its reports, and the feeds with what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from tui_hub.cli.documents import Document, model
from tui_hub.domain.feeds import FeedStatus

if TYPE_CHECKING:
    from tui_hub.domain.changes import ChangeEntry
    from tui_hub.domain.feed_trials import Trial
    from tui_hub.domain.feeds import Counts, Feed, FeedReport, SyncReport
    from tui_hub.domain.schedule import Schedule
    from tui_hub.services.sync.timetable import Timetable


def counts(entry: Counts) -> Document:
    """What one sync of a feed did."""
    return asdict(entry)


def sync(report: SyncReport) -> Document:
    """How a whole sync went."""
    return {"status": report.status, "feeds": [_feed_report(entry) for entry in report.feeds]}


def _feed_report(entry: FeedReport) -> Document:
    return {
        "feed": entry.feed,
        "source": entry.source,
        "status": entry.state.value,
        "mode": entry.mode.value,
        **counts(entry.counts),
        "requests": entry.requests,
        "bytes": entry.bytes,
        "seconds": round(entry.seconds, 3),
        "error": entry.error,
        "hint": entry.hint,
    }


def scheduler(state: Schedule, timetable: Timetable, statuses: Sequence[FeedStatus]) -> Document:
    """Who runs the feeds at their times, and when those are."""
    return {
        "running": state.holder is not None,
        "holder": state.holder and {"host": state.holder.host, "pid": state.holder.pid},
        "off": state.off,
        "jobs": [
            {
                "id": status.feed,
                "name": f"sync {status.feed}",
                "schedule": timetable.expression(status.feed),
                "next_run": status.next_run,
                "retries": status.retries,
            }
            for status in statuses
            if timetable.has(status.feed)
        ],
    }


def registered_jobs(turns: Mapping[str, str | None]) -> list[Document]:
    """The turns of registered repositories, as jobs of the scheduler."""
    return [
        {
            "id": model,
            "name": f"sync {model}",
            "schedule": "registered",
            "next_run": next_run,
            "retries": 0,
        }
        for model, next_run in turns.items()
    ]


def feeds(
    entries: Sequence[Feed], statuses: Mapping[str, FeedStatus], timetable: Timetable
) -> Document:
    """Every feed with what is known of it."""
    return {
        "feeds": [
            feed(entry, statuses.get(entry.name), timetable.expression(entry.name))
            for entry in entries
        ]
    }


def changes(entries: Sequence[ChangeEntry], limit: int) -> Document:
    """What syncs found to have changed; `before` is the key of the next page."""
    return {
        "changes": [
            {
                "at": entry.change.at,
                "model": entry.change.model,
                "change": entry.change.kind.value,
                "from": entry.change.before,
                "to": entry.change.after,
                "what": list(entry.change.what),
            }
            for entry in entries
        ],
        "before": entries[-1].number if len(entries) == limit else None,
    }


def feed(entry: Feed, status: FeedStatus | None, schedule: str) -> Document:
    """One feed: what it asks for, and what is known of it."""
    known = status or FeedStatus(feed=entry.name)
    return {
        "feed": entry.name,
        "source": entry.source,
        "enabled": entry.enabled,
        "schedule": schedule,
        "queries": [_lists(asdict(query)) for query in entry.queries],
        "limit": entry.limit,
        "rules": _lists(asdict(entry.rules)),
        "status": known.state.value,
        "last_sync": known.last_sync,
        "last_success": known.last_success,
        "next_run": known.next_run,
        "retries": known.retries,
        "error": known.error,
        "counts": counts(known.counts),
        "requests": known.requests,
        "bytes": known.bytes,
        "seconds": round(known.seconds, 3),
        "mode": known.walk.mode.value,
        "last_full": known.walk.full,
        "watermark": known.watermark,
        "quota": None if known.quota is None else asdict(known.quota),
    }


def _lists(document: Document) -> Document:
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in document.items()
    }


def trial(result: Trial) -> Document:
    """What a feed would take in and leave out."""
    return {
        "taken": len(result.taken),
        "models": [model(entry) for entry in result.taken],
        "left_out": [
            {"model": one.model.id, "reasons": list(one.reasons)} for one in result.left_out
        ],
        "skipped": list(result.skipped),
        "complete": result.whole,
        "requests": result.requests,
        "bytes": result.bytes,
    }
