"""The one-line pictures of running work that a terminal shows on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.domain.downloads import FileState
from tui_hub.domain.feeds import FeedState
from tui_hub.domain.jobs import JobStatus

if TYPE_CHECKING:
    from tui_hub.domain.disk_work import WorkPicture
    from tui_hub.domain.downloads import Download
    from tui_hub.domain.feeds import FeedStatus
    from tui_hub.domain.swaps import SwapPicture

_BAR = 12


def download_line(picture: Download) -> str:
    """A running download: how far, how fast, how long still, and which file."""
    name = picture.model.rpartition("/")[2]
    if picture.status is JobStatus.PENDING:
        return f"{name}  waiting"
    fraction = picture.done / picture.bytes_total if picture.bytes_total else 0.0
    parts = [
        name,
        f"{text.bar(fraction, _BAR)}{100 * fraction:4.0f}%",
        f"{text.size(picture.done)} of {text.size(picture.bytes_total)}",
        *_pace(picture),
        _busy(picture),
    ]
    return "  ".join(part for part in parts if part)


def _pace(picture: Download) -> Sequence[str]:
    """How fast the bytes come, or what is done once all are here."""
    from tui_hub.services.downloads.words import closing_words

    if closing := closing_words(picture):
        return (closing,)
    left = f"eta {text.duration(picture.eta)}"
    return (text.speed(picture.speed), left, f"{picture.connections}×")


def _busy(picture: Download) -> str:
    """The file that something happens to, with the reason when it waits."""
    moving = (FileState.DOWNLOADING, FileState.VERIFYING, FileState.RETRYING)
    file = next((file for file in picture.files if file.state in moving), None)
    if file is None:
        return ""
    return f"{file.path} ({file.message})" if file.message else file.path


def sync_line(statuses: Sequence[FeedStatus]) -> str:
    """A running sync: which feed, and what it has brought so far."""
    running = [status for status in statuses if status.state is FeedState.RUNNING]
    if not running:
        return "syncing"
    now = running[0]
    return f"syncing {now.feed}  {text.grouped(now.counts.fetched)} models  {text.size(now.bytes)}"


def swap_line(pictures: Sequence[SwapPicture]) -> str:
    """The change of a slot: which step it is at, and how far and fast the load is."""
    if not pictures:
        return ""
    now = pictures[0]
    parts = [f"{now.type.value}", now.model or now.previous or "", now.step.value]
    if now.total:
        parts += [
            f"{text.bar(now.done / now.total, _BAR)}{100 * now.done / now.total:4.0f}%",
            f"{text.size(now.done)} of {text.size(now.total)}",
            text.speed(now.speed),
        ]
    return "  ".join(part for part in parts if part)


def work_line(picture: WorkPicture) -> str:
    """Long work on the disk: how far, how fast, how long still, and what it is at."""
    parts = [picture.type.value]
    if picture.total:
        fraction = picture.done / picture.total
        parts.append(f"{text.bar(fraction, _BAR)}{100 * fraction:4.0f}%")
        parts.append(f"{text.size(picture.done)} of {text.size(picture.total)}")
    elif picture.done:
        parts.append(text.size(picture.done))
    if picture.speed:
        parts.append(text.speed(picture.speed))
    if picture.eta is not None:
        parts.append(f"eta {text.duration(picture.eta)}")
    return "  ".join((*parts, picture.subject) if picture.subject else parts)
