"""The document of a scan, and its lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from tui_hub import text
from tui_hub.cli.tables import table
from tui_hub.domain.scanning import ScanMode, ScanStatus

if TYPE_CHECKING:
    from tui_hub.cli.console import Console
    from tui_hub.cli.documents import Document
    from tui_hub.domain.scanning import ScannedModel, ScanReport

_SHOWN = 20
"""Things that were left out, of which people get to see so many."""
_NOISE = 1024**2
"""Bytes that are not worth a word: copies of configurations."""


def scan(report: ScanReport, *, adopt: bool, mode: ScanMode) -> Document:
    """What a scan found and took in."""
    return {
        "found": report.found,
        "adopted": report.adopted,
        "duplicates": report.duplicates,
        "bytes": report.bytes,
        "bytes_saved": report.bytes_saved,
        "models": [_model(one) for one in report.models],
        "left_out": [asdict(one) for one in report.left_out],
        "places": list(report.places),
        "referenced_bytes": report.referenced_bytes,
        "adopt": adopt,
        "mode": mode.value,
        "job": report.job,
    }


def _model(one: ScannedModel) -> Document:
    return {
        **asdict(one),
        "type": one.type.value,
        "status": one.status.value,
        "ways": dict(one.ways),
        "missing": list(one.missing),
    }


def scan_lines(console: Console, report: ScanReport, *, adopt: bool) -> Iterator[str]:
    """The models as a table with where each lies, what was left out and why, and the sum."""
    if report.models:
        rows = [
            (one.model, one.status.value, text.size(one.bytes), one.layout, _remark(one))
            for one in report.models
        ]
        titles = ("MODEL", "STATUS", ">SIZE", "LAYOUT", "")
        heading, *lines = table(titles, rows, width=console.width, flexible=len(titles) - 1)
        yield console.heading(heading)
        for model, line in zip(report.models, lines, strict=True):
            yield line
            yield f"    {model.place}"  # uncut: its end is what tells two of them apart
        yield ""
    for one in report.left_out[:_SHOWN]:
        yield f"left out: {one.place}: {one.reason}"
    if len(report.left_out) > _SHOWN:
        yield f"left out: {len(report.left_out) - _SHOWN} more; --json lists them"
    yield _sum(report, adopt=adopt)


def _remark(one: ScannedModel) -> str:
    """The one thing to know beside the figures."""
    if one.reason:
        return one.reason
    if one.status is ScanStatus.PARTLY:
        files = "1 file is" if len(one.missing) == 1 else f"{len(one.missing)} files are"
        return f"{files} missing; `tui-hub download {one.model}` brings the rest"
    if one.ways:
        return ", ".join(f"{count} by {way}" for way, count in one.ways)
    return f"{text.size(one.bytes_saved)} twice on this box" if one.bytes_saved > _NOISE else ""


def _sum(report: ScanReport, *, adopt: bool) -> str:
    found = report.found
    line = f"{found} {'model' if found == 1 else 'models'}, {text.size(report.bytes)}"
    if adopt:
        line += f"; {report.adopted} adopted"
    if report.bytes_saved > _NOISE:
        files = "1 file is" if report.duplicates == 1 else f"{report.duplicates} files are"
        line += f"; {files} here twice, which takes {text.size(report.bytes_saved)}"
    return line


def stays(report: ScanReport) -> str | None:
    """What a person must know of files that were not copied; `None` where all were."""
    if not report.referenced_bytes:
        return None
    return (
        f"{text.size(report.referenced_bytes)} stay where they lie, and take no disk here. What is "
        "changed or deleted there is missing here too; --mode copy takes it in."
    )
