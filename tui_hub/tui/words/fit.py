"""How a fit reads on the screen: each device as a bar of what is there and what comes."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub import text
from tui_hub.domain.fit import DeviceFit, FitReport, Need, Verdict, needs_on
from tui_hub.services.fit.words import verdict_words
from tui_hub.tui.drawing.draw import Line, Piece, fit, safe, spread, stacked_bar, wrap
from tui_hub.tui.drawing.glyphs import Glyphs

VERDICT_TONES = {
    Verdict.FITS: "good",
    Verdict.FITS_AFTER_SWAP: "good",
    Verdict.NEEDS_GPUS: "warn",
    Verdict.OFFLOAD: "warn",
    Verdict.TOO_BIG: "bad",
    Verdict.UNKNOWN: "muted",
}
_BASIS_TONES = {"measured": "good", "header": "info", "estimate": "muted"}
_PART, _SIZE, _BASIS = 14, 10, 9
_WIDE = 90
"""Cells of a line from which on sources are shown whole."""


def fit_lines(report: FitReport, without_gpu: str | None, width: int, glyphs: Glyphs) -> list[Line]:
    """Verdict, workload, devices, parts and warnings, in lines of at most `width` cells.

    Args:
        report: what is known.
        without_gpu: why no GPU is seen; `None` where there is one.
        width: cells of a line.
        glyphs: the signs to draw with.
    """
    tone = VERDICT_TONES[report.judgement.verdict]
    lines: list[Line] = [*wrap([(safe(verdict_words(report)), tone)], width, 2)]
    lines += [_workload(report, width, glyphs), ()]
    for device in _shown(report):
        lines += _device(report, device, width, glyphs)
    if report.present and report.present != report.model.id and _returns(report):
        gone = f"{safe(report.present)} leaves and gives back {text.size(_returns(report))}"
        lines += wrap([(gone, "warn")], width, 2)
    if without_gpu:
        lines += wrap([(safe(without_gpu), "muted")], width, 2)
    lines += [(), *_parts(report, width, glyphs)]
    if report.warnings:
        lines.append(())
    for warning in report.warnings:
        lines += wrap([(f"{glyphs.dot} ", "warn"), (safe(warning), "")], width, 2)
    return lines


def _workload(report: FitReport, width: int, glyphs: Glyphs) -> Line:
    """What it is judged for, and the keys that change it."""
    known, tokens = report.profile.architecture, report.context
    pieces: list[Piece] = [("variant ", "muted"), (safe(report.variant or "none"), "strong")]
    if tokens is not None:
        limit = (
            "" if known is None or known.context is None else f" of {text.grouped(known.context)}"
        )
        pieces += [("   context ", "muted"), (text.grouped(tokens), "strong"), (limit, "muted")]
    pieces += [("   batch ", "muted"), (text.grouped(report.workload.batch), "strong")]
    return fit(pieces, width, ellipsis=glyphs.ellipsis)


def _shown(report: FitReport) -> list[DeviceFit]:
    """The GPUs; the host too where it has to help, alone where there is no GPU."""
    devices = report.judgement.devices
    gpus = [one for one in devices if one.index is not None]
    if not gpus or report.judgement.verdict is Verdict.OFFLOAD:
        return list(devices)
    return gpus


def _returns(report: FitReport) -> int:
    return sum(one.returns for one in report.judgement.devices)


def _device(report: FitReport, device: DeviceFit, width: int, glyphs: Glyphs) -> list[Line]:
    """Name and figures, and the bar below."""
    left: list[Piece] = [(safe(device.name), "strong")]
    free = text.size(device.free + device.returns)
    right: list[Piece] = [(f"{free} of {text.size(device.total)} free", "muted")]
    if device.need is not None:
        words = device.verdict.value.replace("_", " ")
        right = [
            (f"{text.size(device.need)} of {free} free  ", ""),
            (words, VERDICT_TONES[device.verdict]),
        ]
    return [
        spread(left, right, width, ellipsis=glyphs.ellipsis),
        _bar(device, _needs(report, device), width, glyphs),
    ]


def _needs(report: FitReport, device: DeviceFit) -> tuple[Need, ...]:
    """The parts on one device, with its own runtime."""
    parts = [one for one in report.judgement.need if one.part not in ("runtime", "margin")]
    return needs_on(parts, gpu=device.index is not None)


def _bar(device: DeviceFit, needs: Sequence[Need], width: int, glyphs: Glyphs) -> Line:
    """Who is there and stays, what comes, and what is left; what finds no room is drawn as such."""
    stays = max(device.total - device.free - device.returns, 0)
    comes = sum(one.bytes for one in needs)
    left = max(device.total - stays - comes, 0)
    inner = max(width - 2, 1)
    parts = [(float(stays), glyphs.dash, "muted")]
    parts += [(float(one.bytes), *_sign(one, glyphs)) for one in needs]
    parts.append((float(left), glyphs.rest, "rest"))
    whole = max(device.total, stays + comes, 1)
    room = round(device.total / whole * inner)
    drawn: list[Piece] = [(glyphs.edge_left, "faint")]
    at = 0
    for cells, tone in stacked_bar(parts, inner):
        inside = max(min(room - at, len(cells)), 0)
        drawn += [(cells[:inside], tone), (cells[inside:], "bad")]
        at += len(cells)
    return [*drawn, (glyphs.edge_right, "faint")]


def _sign(need: Need, glyphs: Glyphs) -> tuple[str, str]:
    """How a part is drawn: by its sign, and not by its tone alone."""
    if need.part.startswith("weights"):
        return glyphs.full, "bar"
    return {
        "base weights": (glyphs.full, "info"),
        "kv cache": (glyphs.half, "accent"),
        "activations": (glyphs.coming, "good"),
        "runtime": (glyphs.reserved, "muted"),
    }.get(need.part, (glyphs.dot, "muted"))


def _in_room(pieces: list[Piece], width: int, glyphs: Glyphs) -> list[list[Piece]]:
    """A part with its source: on a narrow screen on one line, so that the sum stays in sight."""
    before = 2 + _PART + _SIZE + 2 + _BASIS + 1
    if width < _WIDE:
        return [fit(pieces, width, ellipsis=glyphs.ellipsis)]
    return wrap(pieces, width, before)


def _parts(report: FitReport, width: int, glyphs: Glyphs) -> list[Line]:
    """The parts with sign, size, basis and source, and their sum."""
    needs = report.judgement.need
    if not needs:
        return [[("What it needs is not known.", "muted")]]
    head = f"  {'Part'.ljust(_PART)}{'Size'.rjust(_SIZE)}  {'Basis'.ljust(_BASIS)} From"
    lines: list[Line] = [fit([(head, "head")], width, ellipsis=glyphs.ellipsis)]
    for need in needs:
        sign, tone = _sign(need, glyphs)
        basis = need.basis.value
        pieces = [
            (f"{sign} ", tone),
            (need.part.ljust(_PART), ""),
            (f"{text.size(need.bytes).rjust(_SIZE)}  ", "strong"),
            (f"{basis.ljust(_BASIS)} ", _BASIS_TONES[basis]),
            (safe(need.source), "muted"),
        ]
        lines += _in_room(pieces, width, glyphs)
    together = text.size(report.judgement.bytes).rjust(_SIZE)
    pieces = [(f"  {'together'.ljust(_PART)}", "muted"), (together, "strong")]
    pieces += [("   in the bars ", "muted"), (f"{glyphs.dash} ", "muted"), ("others  ", "muted")]
    pieces += [(f"{glyphs.rest} ", "rest"), ("free", "muted")]
    return [*lines, fit(pieces, width, ellipsis=glyphs.ellipsis)]
