"""Pictures of downloads that do not run here: in line, paused, ended, or run by another process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tui_hub.domain.artifacts import Artifact, ArtifactStatus
from tui_hub.domain.downloads import Download, FileProgress, FileState
from tui_hub.domain.jobs import Job, JobStatus

Ranges = tuple[tuple[int, int], ...]

_STATES = {
    ArtifactStatus.COMPLETED: FileState.COMPLETED,
    ArtifactStatus.FAILED: FileState.FAILED,
    ArtifactStatus.DOWNLOADING: FileState.DOWNLOADING,
}


class Figures(msgspec.Struct, frozen=True):
    """What a download has cost and saved so far, as its job remembers it."""

    bytes_transferred: int = 0
    bytes_last_run: int | None = None
    bytes_deduplicated: int = 0
    seconds: float = 0.0
    retries: int = 0
    error_code: str | None = None
    hint: str | None = None


def figures(picture: Download) -> dict[str, object]:
    """The figures of a download with those of its earlier attempts, for its job to remember."""
    together = Figures(
        bytes_transferred=picture.bytes_transferred,
        bytes_last_run=picture.bytes_last_run,
        bytes_deduplicated=picture.bytes_deduplicated,
        seconds=round(picture.seconds, 3),
        retries=picture.retries,
        error_code=picture.error_code,
        hint=picture.hint,
    )
    built: dict[str, object] = msgspec.to_builtins(together)
    return built


def remembered(job: Job) -> Figures:
    """The figures that a job remembers of its attempts so far."""
    try:
        return msgspec.convert(job.payload.get("result") or {}, Figures)
    except msgspec.ValidationError:
        return Figures()


def waiting(
    job: Job, files: Sequence[Artifact], here: Mapping[str, Ranges], *, local: bool
) -> Download:
    """The picture of a download as its rows tell it.

    Args:
        job: its job.
        files: its files.
        here: the ranges of unfinished files that have arrived, by path.
        local: whether no other process runs it.
    """
    payload = job.payload
    known = remembered(job)
    shown = tuple(_file(file, ranges_of(file, here), job.status, local=local) for file in files)
    return Download(
        job=job.id,
        model=str(payload.get("model", "")),
        revision=text_of(payload.get("revision")),
        variant=text_of(payload.get("variant")),
        status=job.status,
        files=shown,
        bytes_total=job.progress.total or sum(file.size or 0 for file in files),
        done=max(job.progress.done, sum(file.done for file in shown)),
        bytes_transferred=known.bytes_transferred,
        bytes_last_run=known.bytes_last_run,
        bytes_deduplicated=known.bytes_deduplicated,
        retries=known.retries,
        seconds=known.seconds,
        note=text_of(payload.get("note")),
        error=job.error,
        error_code=known.error_code if job.error else None,
        hint=known.hint if job.error else None,
        local=local,
    )


def ranges_of(file: Artifact, partials: Mapping[str, Ranges]) -> Ranges:
    """What is here of a file, by its row and the ranges of unfinished files."""
    if file.status is ArtifactStatus.COMPLETED:
        return ((0, file.size),) if file.size else ()
    return partials.get(file.path, ())


def _file(file: Artifact, here: Ranges, status: JobStatus, *, local: bool) -> FileProgress:
    state = _STATES.get(file.status, FileState.WAITING)
    if status is JobStatus.PAUSED and state is not FileState.COMPLETED:
        state = FileState.PAUSED
    elif state is FileState.DOWNLOADING and local:
        state = FileState.WAITING
    return FileProgress(
        path=file.path,
        size=file.size,
        state=state,
        done=sum(end - start for start, end in here),
        ranges=here,
        message=file.error or "",
    )


def text_of(value: object) -> str | None:
    """A value of a job's payload, if it is text."""
    return value if isinstance(value, str) else None
