"""The document of a download: the job's figures joined with the files it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui_hub.cli.documents import Document, artifact
from tui_hub.domain.artifacts import Artifact, ArtifactStatus, artifact_id, kind_of
from tui_hub.domain.downloads import FileProgress, FileState
from tui_hub.domain.jobs import JobStatus

if TYPE_CHECKING:
    from tui_hub.domain.downloads import Download, Plan

_STATUS = {
    FileState.WAITING: ArtifactStatus.PENDING,
    FileState.COMPLETED: ArtifactStatus.COMPLETED,
    FileState.FAILED: ArtifactStatus.FAILED,
}


def download(entry: Download, known: Sequence[Artifact], plan: Plan | None = None) -> Document:
    """How a download stands.

    Args:
        entry: the download.
        known: the catalogue's rows of its files.
        plan: what was known before its first byte; a job that is taken up again has none.
    """
    by_path = {file.path: file for file in known}
    return {
        "job": entry.job,
        "status": entry.status.value,
        "model": entry.model,
        "revision": entry.revision,
        "variant": entry.variant,
        "files": [
            _file(progress, by_path.get(progress.path) or _unlisted(entry, progress))
            for progress in entry.files
        ],
        "bytes_total": entry.bytes_total,
        "bytes_transferred": entry.bytes_transferred,
        "bytes_last_run": entry.bytes_last_run,
        "bytes_deduplicated": entry.bytes_deduplicated,
        "seconds": round(entry.seconds, 3),
        "path": finished_path(entry),
        "unsafe": list(plan.unsafe) if plan else [],
        "note": "; ".join(filter(None, (plan.note if plan else None, entry.note))) or None,
    }


def finished_path(entry: Download) -> str | None:
    """The folder that a loader opens; `None` until all of the download is in it."""
    return entry.path if entry.status is JobStatus.COMPLETED else None


def refused(plan: Plan, variant: str | None) -> Document:
    """The document of a download that never became a job."""
    return {**dry_run(plan, variant), "status": "failed", "files": []}


def dry_run(plan: Plan, variant: str | None) -> Document:
    """The same document before the first byte, with the plan."""
    return {
        "job": None,
        "status": "planned",
        "model": plan.model,
        "revision": plan.revision,
        "variant": variant,
        "files": [
            {
                **artifact(file),
                "bytes_transferred": 0,
                "resumed_from": 0,
                "deduplicated": file.blob is not None,
            }
            for file in plan.files
        ],
        "bytes_total": plan.bytes_total,
        "bytes_transferred": 0,
        "bytes_last_run": 0,
        "bytes_deduplicated": plan.bytes_deduplicated,
        "seconds": 0.0,
        "path": None,
        "unsafe": list(plan.unsafe),
        "note": plan.note,
        "plan": figures(plan),
    }


def figures(plan: Plan) -> Document:
    """What a download would transfer and write, against the disk."""
    return {
        "bytes_to_transfer": plan.bytes_to_transfer,
        "bytes_deduplicated": plan.bytes_deduplicated,
        "bytes_resumed": plan.bytes_resumed,
        "bytes_to_write": plan.bytes_to_write,
        "disk_free": plan.disk_free,
        "disk_reserved": plan.disk_reserved,
        "fits": plan.fits,
        "unknown_sizes": plan.unknown_sizes,
    }


def _file(progress: FileProgress, file: Artifact) -> Document:
    return {
        **artifact(file),
        "bytes_transferred": progress.bytes_transferred,
        "resumed_from": progress.resumed_from,
        "deduplicated": progress.deduplicated,
        "message": progress.message or None,
    }


def _unlisted(entry: Download, progress: FileProgress) -> Artifact:
    """A row for a file that the listing no longer knows."""
    revision = entry.revision or ""
    return Artifact(
        id=artifact_id(entry.model, revision, progress.path),
        model=entry.model,
        revision=revision,
        path=progress.path,
        size=progress.size,
        kind=kind_of(progress.path),
        status=_STATUS.get(progress.state, ArtifactStatus.DOWNLOADING),
        job=entry.job,
    )
