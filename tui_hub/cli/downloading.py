"""A download followed to its end, and what is said of it then."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.cli import download_documents
from tui_hub.cli.console import Answer
from tui_hub.cli.exit_codes import PARTLY
from tui_hub.cli.failures import failure
from tui_hub.cli.progress import download_line
from tui_hub.domain.downloads import FileState
from tui_hub.domain.errors import NoSpaceError
from tui_hub.domain.jobs import JobStatus

if TYPE_CHECKING:
    from tui_hub.cli.console import Console
    from tui_hub.domain.downloads import Download, Plan
    from tui_hub.domain.errors import HubError
    from tui_hub.domain.jobs import Job
    from tui_hub.services import Services

_WAITS = "An agent or an open screen tries again from time to time; `tui-hub jobs` shows it."
_KEPT = "What has arrived is kept; the same command goes on from there."
_ELSEWHERE = "Another process goes on with it; `tui-hub jobs --cancel {}` would stop it."
_GIVEN_UP = "Its unfinished files are gone; the same command starts them afresh."
_HINT_IS_ENOUGH = ("corrupt", "gated", "unauthorized", "not_found", NoSpaceError.code)
"""Errors after which the bytes that are here are of no use, or there are none to come."""
_NAMED = 5
"""Refused files that one line names."""


async def follow_download(
    services: Services, console: Console, job: Job, plan: Plan | None = None
) -> Answer:
    """Follow a download of this process to its end; when cancelled, pause it and say so.

    Only Ctrl-C is a person who wants it to stop. A terminal that was closed is none: the agent or
    the next screen goes on.
    """
    try:
        async for picture in services.downloads.follow(job.id):
            console.progress(download_line(picture))
    except asyncio.CancelledError as stop:
        console.progress("")
        if services.jobs.runs_elsewhere(await services.jobs.get(job.id)):
            return Answer(
                download_documents.download(await services.downloads.require(job.id), (), plan),
                error=failure("interrupted", "no longer followed", _ELSEWHERE.format(job.id)),
            )
        await services.downloads.pause(job.id)
        picture = await services.downloads.wait(job.id)
        if stop.args != (signal.SIGINT,):
            await services.downloads.mark_interrupted(job.id)
    picture = replace(picture, model=str(job.payload["model"]))
    details = await services.repositories.details(picture.model, revision=picture.revision)
    if picture.note:
        console.note(picture.note)
    error, code = outcome(picture)
    return Answer(
        download_documents.download(picture, details.files, plan),
        lines=_summary(picture),
        brief=_folder(picture),
        error=error,
        code=code,
    )


def tell_plan(console: Console, plan: Plan) -> None:
    """Say what a person should know before the first byte."""
    if plan.unsafe:
        names = ", ".join(plan.unsafe[:_NAMED]) + (", …" if len(plan.unsafe) > _NAMED else "")
        some = (
            "1 file is left out, its name is refused"
            if len(plan.unsafe) == 1
            else f"{len(plan.unsafe)} files left out, their names are refused"
        )
        console.note(f"{some}: {names}")
    if plan.note:
        console.note(plan.note)


def outcome(picture: Download) -> tuple[HubError | None, int | None]:
    """The error of a download that did not complete, and the exit code where that is special."""
    if picture.status is JobStatus.COMPLETED:
        return None, None
    if picture.status is JobStatus.CANCELLED:
        return failure("interrupted", "cancelled", _GIVEN_UP), None
    if picture.status is JobStatus.PAUSED and picture.error_code is not None:
        return failure(picture.error_code, picture.error or picture.error_code, _WAITS), None
    if picture.status is JobStatus.PAUSED:
        return failure("interrupted", "interrupted", _KEPT), None
    states = [file.state for file in picture.files]
    full = picture.error_code == NoSpaceError.code
    partly = FileState.COMPLETED in states and FileState.FAILED in states and not full
    message = picture.error or f"{picture.model} could not be downloaded"
    error = failure(picture.error_code or "failed", message, failed_hint(picture))
    return error, PARTLY if partly else None


def failed_hint(picture: Download) -> str | None:
    """What to do about a failed download; that bytes are kept is said only where some are."""
    kept = picture.done > 0 and picture.error_code not in _HINT_IS_ENOUGH
    return " ".join(part for part in (picture.hint, _KEPT if kept else None) if part) or None


def _summary(picture: Download) -> list[str]:
    from tui_hub.services.downloads.words import moved_words

    line = (
        f"{picture.model}: {picture.status.value}, {len(picture.files)} files, "
        f"{text.size(picture.bytes_total)} ({moved_words(picture)}) "
        f"in {text.duration(picture.seconds)}"
    )
    return [text.clean(line), *_folder(picture)]


def _folder(picture: Download) -> list[str]:
    """The folder that a loader opens, once all of the download is in it."""
    path = download_documents.finished_path(picture)
    return [] if path is None else [text.clean(path, len(path))]
