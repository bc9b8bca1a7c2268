"""How the plan of a download reads on the screen: the figures, the disk, and the verdict."""

from __future__ import annotations

from textual.content import Content

from tui_hub import text
from tui_hub.domain.downloads import Download, Plan
from tui_hub.domain.fit import FitReport, Verdict
from tui_hub.domain.jobs import JobStatus
from tui_hub.services.fit.words import verdict_words
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.drawing.glyphs import Glyphs

_MUTED = "$foreground 62%"
_REST = "$foreground 30%"
_WORD = 18
"""Cells of the words before the figures."""
_FIGURE = 20
"""Cells of two figures with an arrow between them."""
_VERDICTS = {
    Verdict.FITS: "$success",
    Verdict.FITS_AFTER_SWAP: "$success",
    Verdict.NEEDS_GPUS: "$warning",
    Verdict.OFFLOAD: "$warning",
    Verdict.TOO_BIG: "$error",
    Verdict.UNKNOWN: _MUTED,
}
_STANDS = {
    JobStatus.RUNNING: "it is being downloaded",
    JobStatus.PENDING: "it waits in line",
    JobStatus.PAUSED: "it is paused",
}
_WARNED = (Verdict.NEEDS_GPUS, Verdict.OFFLOAD, Verdict.TOO_BIG)


def fit_text(report: FitReport, *, named: bool) -> Content:
    """The verdict in words, with the variant that it is about where the choice names none."""
    about = "" if named or report.variant is None else f"{safe(report.variant)} "
    words = about + safe(verdict_words(report))
    return Content.styled(words, _VERDICTS[report.judgement.verdict])


def is_harmless(plan: Plan, report: FitReport | None) -> bool:
    """Whether a plan has nothing in it that a person should weigh before it starts."""
    warned = report is not None and report.judgement.verdict in _WARNED
    return plan.fits and not _notes(plan) and not warned


def on_its_way_text(download: Download) -> Content:
    """Where the download stands that brings the choice already."""
    total = max(download.bytes_total, 1)
    lines = [
        Content.styled(f"on its way already: {_STANDS[download.status]}", "$primary"),
        Content(),
        _figure("here", f"{text.size(download.done)} ({100 * download.done // total}%)"),
        _figure("together", text.size(download.bytes_total)),
    ]
    return Content("\n").join(lines)


def plan_text(plan: Plan, fit: Content, glyphs: Glyphs, width: int, height: int) -> Content:
    """The figures of a plan and the verdict of a fit, with the disk as a bar of `width` cells.

    Where `height` lines are too few, the lines that tell least are left out.
    """
    lines = [
        (3, _figure("files", str(len(plan.files)))),
        (4, _figure("together", text.size(plan.bytes_total))),
    ]
    if plan.bytes_deduplicated:
        lines.append((5, _figure("here already", text.size(plan.bytes_deduplicated), "$success")))
    if plan.bytes_resumed:
        lines.append((5, _figure("left from before", text.size(plan.bytes_resumed), "$success")))
    wanted = text.size(plan.bytes_to_transfer)
    lines += [
        (9, _figure("to transfer", wanted, "bold $primary")),
        (0, Content()),
        (9, _disk(plan, glyphs)),
    ]
    if plan.disk_reserved:
        # What other downloads have still to write is free by the figures of the disk, and is not.
        lines.append((6, _figure("promised of it", text.size(plan.disk_reserved), "$warning")))
    lines += [(2, _disk_bar(plan, glyphs, max(width, 10))), (1, _legend(plan, glyphs))]
    lines += [(0, Content()), (8, fit)]
    notes = [(7, Content.styled(words, "$warning")) for words in _notes(plan)]
    lines += [(0, Content()), *notes] if notes else []
    return Content("\n").join(_fitting(lines, width, height))


def _fitting(lines: list[tuple[int, Content]], width: int, height: int) -> list[Content]:
    """The lines that fit when those that tell least are left out first."""
    kept = list(lines)

    def tall() -> int:
        return sum(line.get_height({}, max(width, 1)) if line else 1 for _, line in kept)

    while len(kept) > 2 and tall() > height > 0:
        kept.remove(min(kept, key=lambda line: line[0]))
    return [line for _, line in kept]


def _figure(word: str, value: str, style: str = "") -> Content:
    return Content.assemble((word.ljust(_WORD), _MUTED), (value.rjust(11), style))


def _notes(plan: Plan) -> list[str]:
    """What a person should know before starting."""
    notes = [safe(plan.note)] if plan.note else []
    if plan.unknown_sizes:
        notes.append(f"{plan.unknown_sizes} files do not tell their size")
    if plan.unsafe:
        notes.append(f"{len(plan.unsafe)} files are left out: their names are refused")
    return notes


def _disk(plan: Plan, glyphs: Glyphs) -> Content:
    """What the disk has free before and after; too little says by how much."""
    before = text.size(plan.disk_free)
    if plan.fits:
        after = text.size(plan.disk_free - plan.bytes_to_write)
        both = f"{before} {glyphs.arrow} {after}".rjust(_FIGURE)
        return Content.assemble(("disk free".ljust(_WORD + 11 - _FIGURE), _MUTED), both)
    short = text.size(plan.bytes_to_write - plan.disk_usable)
    return Content.styled(f"{before} free, {short} too little: make room first", "$error")


def _disk_bar(plan: Plan, glyphs: Glyphs, width: int) -> Content:
    """The free disk: what this takes, what running downloads were promised, what is left."""
    wanted, reserved = _cells(plan, width)
    return Content.assemble(
        (glyphs.full * wanted, _tone(plan)),
        (glyphs.half * reserved, "$warning"),
        (glyphs.rest * (width - reserved - wanted), _REST),
    )


def _cells(plan: Plan, width: int) -> tuple[int, int]:
    """Cells for this download and for what others were promised; whatever is there has one."""
    free = max(plan.disk_free, 1)
    reserved = min(max(round(plan.disk_reserved / free * width), plan.disk_reserved > 0), width)
    wanted = min(max(round(plan.bytes_to_write / free * width), plan.bytes_to_write > 0), width)
    return min(wanted, width - reserved), reserved


def _legend(plan: Plan, glyphs: Glyphs) -> Content:
    """What the signs of the bar stand for."""
    parts = [(glyphs.full, _tone(plan)), (" this", _MUTED)]
    if plan.disk_reserved:
        parts += [(f"  {glyphs.half}", "$warning"), (" running jobs", _MUTED)]
    return Content.assemble(*parts, (f"  {glyphs.rest}", _REST), (" stays free", _MUTED))


def _tone(plan: Plan) -> str:
    return "$primary" if plan.fits else "$error"
