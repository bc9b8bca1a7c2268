"""The line of one download: that of its job while it goes on, and that of the history."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub import text
from tui_hub.domain.downloads import Download
from tui_hub.domain.jobs import JobStatus
from tui_hub.services.downloads.words import closing_words, last_run_words
from tui_hub.services.jobs.service import INTERRUPTED
from tui_hub.tui.drawing.draw import Piece, fit, sparkline, spread, width_of
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.words.download import short

_NAME = 12
"""Cells that a name keeps, whatever else stands on its line."""
_GRAPH = 24
"""Speeds that the small graph of all downloads shows."""
_TIGHT = 64
"""Cells of a line below which only the speed has room beside the name and the variant."""
_LAST_RUN = 116
"""Cells of a line from which on the history tells what the last run brought of a download."""
_REASON = 24
"""Cells that the reason of a failure has for itself before the author of the model."""


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


def job_line(download: Download, width: int, glyphs: Glyphs, *, bare: bool = False) -> list[Piece]:
    """Sign, model, and the figures, as many as there is room for.

    Args:
        download: the download.
        width: cells.
        glyphs: the signs to draw with.
        bare: leave the author out, as the names of a list are drawn alike.
    """
    figures = _figures(download, width, glyphs)
    left = _named(download, [], width - width_of(figures) - 1, glyphs, bare)
    return spread(left, figures, width, ellipsis=glyphs.ellipsis)


def has_room_for_author(download: Download, width: int, glyphs: Glyphs, *, past: bool) -> bool:
    """Whether the line of a download, or of one that ended, holds the whole name of its model."""
    end, right = _history(download, width) if past else ([], _figures(download, width, glyphs))
    room = _room_for_name(width - width_of(right) - 1, _tail(download, end))
    return width_of(name_of(download)) <= room


def _tail(download: Download, end: list[Piece]) -> list[Piece]:
    return [*([(f"  {download.variant}", "info")] if download.variant else []), *end]


def _room_for_name(width: int, tail: list[Piece]) -> int:
    taken = sum(
        min(width_of([piece]), _REASON) if piece[1] == "bad" else width_of([piece])
        for piece in tail
    )
    return max(width - taken - 2, _NAME)


def _named(
    download: Download, end: list[Piece], width: int, glyphs: Glyphs, bare: bool
) -> list[Piece]:
    """Sign, name, variant and some words; only the name is cut, down to a few letters."""
    tail = _tail(download, end)
    room = _room_for_name(width, tail)
    name = name_of(download)[1 if bare else 0 :]
    if width_of(name) > room:
        name = fit(name, room, ellipsis=glyphs.ellipsis)
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


def history_line(
    download: Download, width: int, glyphs: Glyphs, *, bare: bool = False
) -> list[Piece]:
    """One line for a download that ended; its arguments are those of `job_line`."""
    end, right = _history(download, width)
    left = _named(download, end, width - width_of(right) - 1, glyphs, bare)
    return spread(left, right, width, ellipsis=glyphs.ellipsis)


def _history(download: Download, width: int) -> tuple[list[Piece], list[Piece]]:
    """The words behind the name of a download that ended, and its figures."""
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
    return end, right


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
