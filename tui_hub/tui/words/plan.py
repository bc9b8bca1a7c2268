"""How the plan of a download reads on the screen: the figures, the disk, and the verdict."""

from __future__ import annotations

from textual.content import Content

from tui_hub import text
from tui_hub.domain.downloads import Plan
from tui_hub.domain.fit import FitReport, Verdict
from tui_hub.services.fit.words import verdict_words
from tui_hub.tui.drawing.draw import safe
from tui_hub.tui.drawing.glyphs import Glyphs

_MUTED = "$foreground 62%"
_VERDICTS = {
    Verdict.FITS: "$success",
    Verdict.FITS_AFTER_SWAP: "$success",
    Verdict.NEEDS_GPUS: "$warning",
    Verdict.OFFLOAD: "$warning",
    Verdict.TOO_BIG: "$error",
    Verdict.UNKNOWN: _MUTED,
}


def fit_text(report: FitReport, *, named: bool) -> Content:
    """The verdict in words, with the variant that it is about where the choice names none."""
    about = "" if named or report.variant is None else f"{safe(report.variant)} "
    words = about + safe(verdict_words(report))
    return Content.styled(words, _VERDICTS[report.judgement.verdict])


def plan_text(plan: Plan, fit: Content, glyphs: Glyphs, width: int, height: int) -> Content:
    """The figures of a plan and the verdict of a fit, with the disk as a bar of `width` cells.

    Where `height` lines are too few, the lines that tell least are left out.
    """
    disk_after, bar = _disk_after(plan), _disk_bar(plan, glyphs, max(width, 10))
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
        (6, _figure("disk free now", text.size(plan.disk_free))),
    ]
    if plan.disk_reserved:
        lines.append((2, _figure("promised", text.size(plan.disk_reserved), _MUTED)))
    lines += [(9, disk_after), (1, bar), (0, Content()), (8, fit)]
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
    return Content.assemble((word.ljust(18), _MUTED), (value.rjust(11), style))


def _notes(plan: Plan) -> list[str]:
    """What a person should know before starting."""
    notes = [safe(plan.note)] if plan.note else []
    if plan.unknown_sizes:
        notes.append(f"{plan.unknown_sizes} files do not tell their size")
    if plan.unsafe:
        notes.append(f"{len(plan.unsafe)} files are left out: their names are refused")
    return notes


def _disk_after(plan: Plan) -> Content:
    if plan.fits:
        after = plan.disk_free - plan.disk_reserved - plan.bytes_to_write
        return _figure("free afterwards", text.size(after))
    short = text.size(plan.bytes_to_write - plan.disk_usable)
    return Content.styled(f"{short} too little: make room first", "$error")


def _disk_bar(plan: Plan, glyphs: Glyphs, width: int) -> Content:
    free = max(plan.disk_free, 1)
    reserved = min(round(plan.disk_reserved / free * width), width)
    wanted = min(round(plan.bytes_to_write / free * width), width - reserved)
    return Content.assemble(
        (glyphs.half * reserved, _MUTED),
        (glyphs.full * wanted, "$primary" if plan.fits else "$error"),
        (glyphs.rest * (width - reserved - wanted), "$foreground 16%"),
    )
