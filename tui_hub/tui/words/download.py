"""How downloads read on the screen: a line for the job, one for each file, one for history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from tui_hub import text
from tui_hub.domain.downloads import Download, FileProgress, FileState
from tui_hub.domain.jobs import JobStatus
from tui_hub.tui.command import KeyOf
from tui_hub.tui.commands import CancelDownload, RetryDownload, ShowDownloads
from tui_hub.tui.drawing.draw import Piece
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.words.hints import Advise

FILES = 8
"""Files of one download that have a line of their own."""

_WHY = 3
"""Lines at most for the reason of a failure, and as many for what to do."""
_ORIGIN = re.compile(r"\bhttps?://[^/\s]+/(?=\S)")

MOVING = (FileState.DOWNLOADING, FileState.VERIFYING, FileState.RETRYING, FileState.RESOLVING)
"""States of a file that something is being done for."""


def fold(download: Download) -> tuple[tuple[FileProgress, ...], str]:
    """The files worth a line, and what to say of the others."""
    files = download.files
    if len(files) <= FILES:
        return files, ""
    order = dict.fromkeys(MOVING, 0) | {FileState.FAILED: 1, FileState.PAUSED: 2}
    ranked = sorted(files, key=lambda file: (order.get(file.state, 3), -(file.size or 0)))
    chosen = {file.path for file in ranked[: FILES - 1]}
    rest = [file for file in files if file.path not in chosen]
    done = sum(file.state is FileState.COMPLETED for file in rest)
    words = [f"{done} done"] if done else []
    if len(rest) > done:
        words.append(f"{len(rest) - done} waiting")
    together = sum(file.size or 0 for file in rest)
    return (
        tuple(file for file in files if file.path in chosen),
        f"and {len(rest)} more files: {', '.join(words)}, {text.size(together)}",
    )


def title_of(download: Download) -> str:
    """The name and the variant, for a note."""
    name = download.model.rpartition("/")[2].rpartition(":")[2]
    return f"{name} {download.variant}" if download.variant else name


def how_it_ended(download: Download, key_of: KeyOf, advise: Advise) -> str:
    """What a note says of a download that is done or has failed: the reason and what to do."""
    if download.status is JobStatus.FAILED:
        shows, again = key_of(ShowDownloads), key_of(RetryDownload)
        what_to_do = advise(download.hint, "") or f"{shows} shows it, {again} tries again."
        reason = short(download.error or "no reason told")
        return f"{title_of(download)} failed: {reason}\n{what_to_do}"
    words = f"{title_of(download)} is here: {text.size(download.bytes_total)}"
    if download.seconds >= 1:
        words += f" in {text.duration(download.seconds)}"
    if download.bytes_deduplicated:
        words += f", {text.size(download.bytes_deduplicated)} saved by sharing"
    return f"{words}\n{download.note}" if download.note else words


def explanation(download: Download, width: int, key_of: KeyOf, advise: Advise) -> list[Piece]:
    """Why a download failed or waits, and what to do, in lines of at most `width` cells."""
    waits = download.status is JobStatus.PAUSED and download.error_code is not None
    if download.status is not JobStatus.FAILED and not waits:
        return []
    room = max(width, 20)
    why = wrap(short(download.error or "no reason told"), room, max_lines=_WHY)
    again, ends = key_of(RetryDownload), key_of(CancelDownload)
    keys = f"{again} tries again, {ends} puts it aside."
    if waits:
        keys = f"{again} tries it at once, {ends} cancels it."
    hint = wrap(advise(download.hint, "Downloads") or keys, room, max_lines=_WHY)
    return [
        *((line, "warn" if waits else "bad") for line in why),
        *((line, "muted") for line in hint),
    ]


def short(error: str) -> str:
    """A message without the origins of the addresses in it, which push the sense out of sight."""
    return _ORIGIN.sub("", error)


def totals(past: Sequence[Download], glyphs: Glyphs) -> str:
    """The history's heading with what it adds up to."""
    done = [one for one in past if one.status is JobStatus.COMPLETED]
    moved = sum(one.bytes_transferred for one in past)
    saved = sum(one.bytes_deduplicated for one in done)
    words = f"History {glyphs.dot} {len(done)} done {glyphs.dot} {text.size(moved)} transferred"
    return f"{words} {glyphs.dot} {text.size(saved)} saved by sharing" if saved else words
