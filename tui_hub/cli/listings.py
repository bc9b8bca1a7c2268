"""Listings that several verbs print: files, jobs, turns of feeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.cli.tables import cut, table
from tui_hub.domain.artifacts import ArtifactStatus, Verified
from tui_hub.domain.jobs import JobType
from tui_hub.domain.losses import file_words
from tui_hub.domain.models import ModelStatus

if TYPE_CHECKING:
    from tui_hub.cli.console import Console
    from tui_hub.domain.artifacts import Artifact
    from tui_hub.domain.feeds import FeedStatus
    from tui_hub.domain.jobs import Job, Progress
    from tui_hub.domain.models import Model, Registration

_WHOLE = {JobType.VERIFY: "the store", JobType.SCAN: "this box"}
"""What a job is about that names nothing."""


def file_table(
    console: Console, files: Sequence[Artifact], *, running: bool = False
) -> Iterator[str]:
    """The files of a model; what has not happened to them is told only while they are `running`."""
    unsaid = () if running else (ArtifactStatus.PENDING, Verified.NONE)
    rows = [
        (
            file.path,
            file.kind.value,
            text.size(file.size),
            None if file.status in unsaid else file_words(file),
            None if file.verified in unsaid else file.verified.value,
            (file.blob or file.sha256 or "")[:12],
        )
        for file in files
    ]
    titles = ("FILE", "KIND", ">SIZE", "STATUS", "VERIFIED", "SHA256")
    yield from _with_heading(console, titles, rows)


def is_downloading(model: Model) -> bool:
    """Whether files of a model are on their way."""
    return model.status is ModelStatus.DOWNLOADING


def status_words(status: ModelStatus) -> str:
    """The status of a model as a person says it."""
    return status.value.replace("_", " ")


def next_turn(status: FeedStatus) -> str:
    """When a feed is synced next, and whether that is a retry."""
    when = text.clock(status.next_run) if status.next_run else "due"
    return f"{when}, retry {status.retries}" if status.retries else when


def job_table(console: Console, jobs: Sequence[Job]) -> Iterator[str]:
    """Jobs, one to a line, with what went wrong below."""
    rows = [
        (
            job.id,
            job.type.value,
            job.status.value,
            how_far(job.progress),
            subject(job),
            text.ago(job.created_at),
        )
        for job in jobs
    ]
    titles = ("JOB", "TYPE", "STATUS", ">PROGRESS", "SUBJECT", "CREATED")
    heading, *lines = _with_heading(console, titles, rows, flexible=titles.index("SUBJECT"))
    yield heading
    for job, line in zip(jobs, lines, strict=True):
        yield line
        if job.error:
            reason = f"    {text.clean(job.error)}"
            yield cut(reason, console.width) if console.width is not None else reason


def registration_pairs(entry: Registration | None) -> list[tuple[str, object]]:
    """A repository's registration, as names and values."""
    if entry is None:
        return []
    own_sync = "at turns of its own" if entry.auto_sync else "only when it is named"
    return [
        ("vendor", entry.vendor),
        ("registered as", entry.name),
        ("registration", entry.status.value),
        ("its sync", own_sync),
        ("synced", text.ago(entry.synced_at) if entry.synced_at else None),
        ("sync error", entry.error),
    ]


def how_far(progress: Progress) -> str:
    """Progress in one short word: a percentage, or what is done where no total is known."""
    if progress.total:
        return f"{100 * progress.done // progress.total}%"
    if progress.unit == "bytes":
        return text.size(progress.done)
    return f"{progress.done} {progress.unit}"


def subject(job: Job) -> str:
    """What a job is about, from its payload: a model and perhaps its variant, or feeds."""
    named = job.payload.get("model") or job.payload.get("feeds") or job.payload.get("places") or ""
    if not named and job.type in _WHOLE:
        return _WHOLE[job.type]
    if isinstance(named, list | tuple):
        return ", ".join(str(name) for name in named[:3]) + (", …" if len(named) > 3 else "")
    return " ".join(str(name) for name in (named, job.payload.get("variant")) if name)


def _with_heading(
    console: Console,
    titles: Sequence[str],
    rows: Sequence[Sequence[object]],
    flexible: int = 0,
) -> Iterator[str]:
    heading, *lines = table(titles, rows, width=console.width, flexible=flexible)
    yield console.heading(heading)
    yield from lines
