"""What a look over the store or the box found, in lines of toned pieces."""

from __future__ import annotations

from collections.abc import Iterator

from tui_hub import text
from tui_hub.domain.garbage import Garbage, GarbageKind
from tui_hub.domain.scanning import ScannedModel, ScanReport, ScanStatus
from tui_hub.domain.verification import Damage, Missing, Verification
from tui_hub.tui.drawing.draw import Line

_KINDS = {
    GarbageKind.BLOB: "bytes of no model",
    GarbageKind.PARTIAL: "left by what was interrupted",
    GarbageKind.VIEW: "folder of a model that is gone",
    GarbageKind.CACHE: "cache entry of a model that is gone",
    GarbageKind.METADATA: "small files of a model that is gone",
    GarbageKind.SLOT: "link of a slot to nothing",
    GarbageKind.QUARANTINE: "damaged bytes, moved away earlier",
}
_TONES = {
    ScanStatus.FOUND: "info",
    ScanStatus.ADOPTED: "good",
    ScanStatus.INSTALLED: "muted",
    ScanStatus.PARTLY: "warn",
    ScanStatus.LEFT: "warn",
}
_MOST = 500
"""Lines of one kind that are shown."""


def verification_lines(found: Verification) -> Iterator[Line]:
    """What a verification came to: damage first, then what was mended."""
    tone = "good" if found.sound else "bad"
    what = found.model or "The store"
    yield [
        (f"{what}: {text.grouped(found.ok)} of {text.grouped(found.checked)} blobs sound", tone),
        (f", {text.size(found.bytes)} read in {text.duration(found.seconds)}", "muted"),
    ]
    for damage in found.damaged:
        yield [("damaged  ", "bad"), (damage.sha256 or damage.path, ""), (f"  {damage.reason}", "")]
        yield from _held(damage)
        if damage.quarantine:
            yield [("         moved to ", "muted"), (damage.quarantine, "muted")]
    for missing in found.missing:
        yield [("missing  ", "bad"), (missing.sha256, "")]
        yield from _held(missing)
    if found.commands:
        lost: list[Damage | Missing] = [*found.damaged, *found.missing]
        names = ", ".join(sorted({model for one in lost for model in one.models}))
        yield [
            ("Download it again, and only what is lost is fetched: ", "muted"),
            (names, "strong"),
        ]
    for mend in found.mended[:_MOST]:
        word, tone = ("mended   ", "good") if mend.done else ("wrong    ", "warn")
        yield [(word, tone), (mend.path, ""), (f"  {mend.problem}", "muted")]
    for stranger in found.strangers[:_MOST]:
        yield [("strange  ", "warn"), (stranger, ""), ("  is no blob of ours; it stays", "muted")]


def _held(one: Damage | Missing) -> Iterator[Line]:
    for file in one.files:
        yield [(f"         {file.model}  ", "muted"), (file.path, "")]
    for slot in one.active:
        yield [(f"         active as {slot}: load it again once it is downloaded", "warn")]


def scan_lines(report: ScanReport) -> Iterator[Line]:
    """What a scan found, model by model, and what it left out."""
    found = report.found
    words = f"{found} {'model' if found == 1 else 'models'}, {text.size(report.bytes)}"
    yield [
        (words, "strong"),
        (f" in {', '.join(report.places[:3])}" if report.places else "", "muted"),
        (f"; {report.adopted} taken in" if report.adopted else "", "good"),
        (f"; {text.size(report.bytes_saved)} twice on this box" if report.bytes_saved else "", ""),
    ]
    for one in report.models[:_MOST]:
        yield [
            (f"{one.status.value:<10}", _TONES[one.status]),
            (f"{text.size(one.bytes):>10}  ", ""),
            (one.model, "strong"),
            (f"  {_remark(one)}", "muted"),
        ]
    for left in report.left_out[:_MOST]:
        tone = "warn" if left.failed else "faint"
        yield [("left out  ", tone), (left.place, ""), (f"  {left.reason}", "muted")]


def _remark(one: ScannedModel) -> str:
    if one.reason:
        return one.reason
    if one.missing:
        return f"{len(one.missing)} files are missing; a download brings them"
    ways = ", ".join(f"{count} by {way}" for way, count in one.ways)
    return ways or one.place


def garbage_lines(garbage: Garbage) -> Iterator[Line]:
    """What nothing needs, kind by kind."""
    word = "would come free" if garbage.dry_run else "came free"
    yield [(text.size(garbage.bytes), "strong"), (f" {word}", "muted")]
    for kind in GarbageKind:
        pieces = [piece for piece in garbage.pieces if piece.kind is kind]
        if pieces:
            size = text.size(sum(piece.bytes for piece in pieces))
            yield [(f"{len(pieces):>6}  {size:>10}  ", ""), (_KINDS[kind], "muted")]
    if garbage.kept:
        yield [(f"{garbage.kept:>6}  stay for downloads that wait", "muted")]
