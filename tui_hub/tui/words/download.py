"""How downloads read on the screen: a line for the job, one for each file, one for history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from tui_hub import text
from tui_hub.domain.downloads import Download, FileProgress, FileState
from tui_hub.domain.jobs import JobStatus
from tui_hub.services.downloads.words import closing_words, last_run_words
from tui_hub.services.jobs.service import INTERRUPTED
from tui_hub.tui.command import KeyOf
from tui_hub.tui.commands import CancelDownload, RetryDownload, ShowDownloads
from tui_hub.tui.drawing.draw import Piece, fit, sparkline, spread, width_of
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.words.hints import on_screen

FILES = 8
"""Files of one download that have a line of their own."""

_NAME = 12
"""Cells that a name keeps, whatever else stands on its line."""
_GRAPH = 24
"""Speeds that the small graph of all downloads shows."""
_TIGHT = 64
"""Cells of a line below which only the speed has room beside the name and the variant."""
_LAST_RUN = 116
"""Cells of a line from which on the history tells what the last run brought of a download."""
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


def _status_sign(status: JobStatus, glyphs: Glyphs) -> Piece:
    match status:
        case JobStatus.RUNNING:
            return (glyphs.downloading, "info")
        case JobStatus.PENDING:
            return (glyphs.waiting, "muted")
        case JobStatus.PAUSED:
            return (glyphs.paused, "warn")
        case JobStatus.COMPLETED:
            return (glyphs.installed, "good")
        case JobStatus.FAILED:
            return (glyphs.failed, "bad")
        case JobStatus.CANCELLED:
            return (glyphs.cancelled, "muted")


def name_of(download: Download) -> list[Piece]:
    """The model, its author dimmed."""
    path = download.model.partition(":")[2] or download.model
    author, slash, name = path.rpartition("/")
    return [(author + slash, "muted"), (name, "strong")]


def title_of(download: Download) -> str:
    """The name and the variant, for a note."""
    name = download.model.rpartition("/")[2].rpartition(":")[2]
    return f"{name} {download.variant}" if download.variant else name


def how_it_ended(download: Download, key_of: KeyOf) -> str:
    """What a note says of a download that is done or has failed: the reason and what to do."""
    if download.status is JobStatus.FAILED:
        shows, again = key_of(ShowDownloads), key_of(RetryDownload)
        what_to_do = f"{shows} shows it, {again} tries again."
        if download.hint:
            what_to_do = on_screen(download.hint, key_of)
        reason = short(download.error or "no reason told")
        return f"{title_of(download)} failed: {reason}\n{what_to_do}"
    words = f"{title_of(download)} is here: {text.size(download.bytes_total)}"
    if download.seconds >= 1:
        words += f" in {text.duration(download.seconds)}"
    if download.bytes_deduplicated:
        words += f", {text.size(download.bytes_deduplicated)} saved by sharing"
    return f"{words}\n{download.note}" if download.note else words


def explanation(download: Download, width: int, key_of: KeyOf) -> list[Piece]:
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
    advice = on_screen(download.hint, key_of, here="Downloads") if download.hint else keys
    hint = wrap(advice, room, max_lines=_WHY)
    return [
        *((line, "warn" if waits else "bad") for line in why),
        *((line, "muted") for line in hint),
    ]


def short(error: str) -> str:
    """A message without the origins of the addresses in it, which push the sense out of sight."""
    return _ORIGIN.sub("", error)


def job_line(download: Download, width: int, glyphs: Glyphs) -> list[Piece]:
    """Sign, model, and the figures, as many as there is room for."""
    figures = _figures(download, width, glyphs)
    left = _named(download, [], width - width_of(figures) - 1, glyphs)
    return spread(left, figures, width, ellipsis=glyphs.ellipsis)


def _named(download: Download, end: list[Piece], width: int, glyphs: Glyphs) -> list[Piece]:
    """Sign, name, variant and some words; only the name is cut, down to a few letters."""
    tail: list[Piece] = [(f"  {download.variant}", "info")] if download.variant else []
    tail += end
    room = max(width - width_of(tail) - 2, _NAME)
    name = name_of(download)
    if width_of(name) > room:
        name = fit(name[1:], min(room, width_of(name[1:])), ellipsis=glyphs.ellipsis)
    return [_status_sign(download.status, glyphs), (" ", ""), *name, *tail]


def _figures(download: Download, width: int, glyphs: Glyphs) -> list[Piece]:
    """The figures in columns that stay where they are, whatever the download does."""
    share = download.done / download.bytes_total if download.bytes_total else 0.0
    figures: list[Piece] = [(f"{int(share * 100):3d}%", "strong")]
    if width >= 100:
        amount = f"  {text.size(download.done):>9} of {text.size(download.bytes_total):>9}"
        figures.append((amount, "muted"))
    tail = (12 if width < _TIGHT else 31) + (10 if width >= 76 else 0) + _graph(width)
    moving = download.status is JobStatus.RUNNING
    words = _moving(download, width, glyphs) if moving and download.local else _resting(download)
    if width < 76 and not moving:
        tail = width_of(words)
    return [*figures, ("  ", ""), *fit(words, tail, ellipsis=glyphs.ellipsis)]


def _moving(download: Download, width: int, glyphs: Glyphs) -> list[Piece]:
    if closing := closing_words(download):
        return [(f"{closing:>12}", "info")]
    eta = text.duration(download.eta) if download.eta is not None else "-"
    words: list[Piece] = [(f"{text.speed(download.speed):>12}", "info")]
    if width >= _TIGHT:
        words += [("  eta ", "faint"), (f"{eta:<12}", "")]
    if width >= 76:
        words.append((f"{download.connections:4d} conn ", "muted"))
    if _graph(width):
        words.append((f" {sparkline(download.speeds, _graph(width) - 2, glyphs)}", "partial"))
    return words


def _graph(width: int) -> int:
    """Cells for the speeds of the last half minute, with a gap on both sides."""
    return _GRAPH + 2 if width >= 120 else 12 if width >= 88 else 0


def together(running: Sequence[Download], glyphs: Glyphs) -> list[Piece]:
    """The speed of all downloads that move, with that of the last half minute."""
    if not running:
        return []
    longest = max(len(one.speeds) for one in running)
    sums = [0.0] * longest
    for one in running:
        for at, speed in enumerate(reversed(one.speeds)):
            sums[longest - 1 - at] += speed
    rate = text.speed(sum(one.speed for one in running if not closing_words(one))).rjust(12)
    return [(sparkline(sums, _GRAPH, glyphs), "partial"), (f"{rate} together", "muted")]


def _resting(download: Download) -> list[Piece]:
    elsewhere = "" if download.local else " in another process"
    match download.status:
        case JobStatus.RUNNING:
            return [(f"runs{elsewhere}", "info")]
        case JobStatus.PENDING:
            return [(f"waits{elsewhere or ' in line'}", "muted")]
        case JobStatus.FAILED:
            return [("failed", "bad")]
        case _ if (download.error or "").startswith(INTERRUPTED):
            return [(INTERRUPTED, "warn")]
        case _:
            return [(download.status.value, "warn")]


def history_line(download: Download, width: int, glyphs: Glyphs) -> list[Piece]:
    """One line for a download that ended."""
    end: list[Piece] = []
    if download.status is JobStatus.CANCELLED:
        end = [("  cancelled", "warn")]
    elif download.error:
        end = [(f"  failed: {short(download.error)}", "bad")]
    elif width >= _LAST_RUN and (last := last_run_words(download)):
        end = [(f"  {last}", "faint")]
    right: list[Piece] = [(f"{text.size(download.bytes_transferred):>9}", "muted")]
    if width >= 70:
        saved = (
            f"saved {text.size(download.bytes_deduplicated)}" if download.bytes_deduplicated else ""
        )
        right.append((f"  {saved:<15}", "good"))
    if width >= 100:
        took = f"in {text.duration(download.seconds)}" if download.seconds else ""
        right.append((f"  {took:<15}", "faint"))
    left = _named(download, end, width - width_of(right) - 1, glyphs)
    return spread(left, right, width, ellipsis=glyphs.ellipsis)


def totals(past: Sequence[Download], glyphs: Glyphs) -> str:
    """The history's heading with what it adds up to."""
    done = [one for one in past if one.status is JobStatus.COMPLETED]
    moved = sum(one.bytes_transferred for one in past)
    saved = sum(one.bytes_deduplicated for one in done)
    words = f"History {glyphs.dot} {len(done)} done {glyphs.dot} {text.size(moved)} transferred"
    return f"{words} {glyphs.dot} {text.size(saved)} saved by sharing" if saved else words
