"""What a download took, in words for people."""

from __future__ import annotations

from tui_hub import text
from tui_hub.domain.downloads import Download, FileState
from tui_hub.domain.jobs import JobStatus


def moved_words(picture: Download) -> str:
    """What came over the network in all runs, and in the last one where that is less."""
    words = f"{text.size(picture.bytes_transferred)} transferred"
    last = last_run_words(picture)
    return f"{words}, {last}" if last else words


def last_run_words(picture: Download) -> str:
    """What the last run brought of all that was transferred; nothing where that is all of it."""
    if picture.bytes_last_run is None:
        return ""
    last = text.size(picture.bytes_last_run)
    if last == text.size(picture.bytes_transferred):
        return ""
    runs = picture.local and picture.status is JobStatus.RUNNING
    return f"{last} of it {'now' if runs else 'in the last run'}"


def closing_words(picture: Download) -> str:
    """What a running download still does when no more bytes come; nothing before that."""
    states = {file.state for file in picture.files}
    if states == {FileState.COMPLETED}:
        return "saving"
    left = states - {FileState.COMPLETED}
    return FileState.VERIFYING.value if left == {FileState.VERIFYING} else ""
