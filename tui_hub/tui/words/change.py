"""The question before an activation: what leaves and comes, and the memory as it will be after."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui_hub import text
from tui_hub.domain.fit import DeviceFit, FitReport, Verdict
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.hardware import BoxSample
from tui_hub.domain.models import Model
from tui_hub.domain.runtime import TORCH, Program
from tui_hub.domain.slots import Slot
from tui_hub.domain.swaps import ChangePreview
from tui_hub.tui.drawing.draw import Piece, safe
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.drawing.memory_ghost import (
    before_and_after,
    brief_time,
    ghost_bars,
    ghost_legend,
    instead,
)
from tui_hub.tui.words.programs import becomes_of

_MUTED = "$foreground 62%"
_FAINT = "$foreground 40%"
_TONES = {
    "bar": "$primary",
    "good": "$success",
    "accent": "$accent",
    "partial": "$primary 70%",
    "rest": "$foreground 14%",
    "faint": "$foreground 38%",
    "muted": _MUTED,
    "warn": "$warning",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a change by now; everything may still come."""

    model: Model
    slot: Slot | None
    variant: str | None
    preview: ChangePreview | None = None
    report: FitReport | None = None
    programs: Sequence[Program] | None = ()
    """Who has the weights that leave; `None` where that cannot be known."""
    trouble: str | None = None
    """Why nothing more can be said."""

    @property
    def room(self) -> DeviceFit | None:
        """What was found of the device that it would be loaded into."""
        if self.preview is None or self.preview.device is None or self.report is None:
            return None
        index = self.preview.device.index
        devices = self.report.judgement.devices
        return next((one for one in devices if one.index == index), None)

    @property
    def stands_against(self) -> bool:
        """Whether something is known by which it would rather be left."""
        problem = self.preview is not None and self.preview.problem is not None
        short = self.room is not None and self.room.verdict is Verdict.TOO_BIG
        return problem or short or self.trouble is not None


def change_text(
    known: Known, sample: BoxSample | None, slots: Sequence[Slot], glyphs: Glyphs, width: int
) -> Content:
    """All that a person should see before they agree, in lines that stand from the start."""
    model, slot = known.model, known.slot
    lines = [
        _line("slot", (model.type.value, "bold")),
        _line("comes", (safe(model.id), "$success"), (f"  {safe(known.variant or '')}", "")),
        _line("leaves", *_leaves(slot, known.preview)),
        _line("runtime", *_runtime(known)),
    ]
    if words := becomes_of(known.programs):
        lines.insert(3, Content.styled(safe(words), "$warning"))
    preview = known.preview
    if known.trouble is not None:
        lines.append(_line("refused", (safe(known.trouble), "$error")))
    elif preview is not None and preview.runtime != TORCH:
        words = instead(preview)
        lines.append(Content.styled(words, _MUTED))
    else:
        lines += [_line("memory", *_memory(preview)), _line("loading", *_took(preview))]
        lines += [Content(), *_ghost(preview, sample, slots, glyphs, width)]
        if preview is None or preview.device is not None:
            lines += [Content(), _verdict(known)]
    return Content("\n").join(lines)


def _line(word: str, *parts: tuple[str, str]) -> Content:
    return Content.assemble((word.ljust(9), _MUTED), *parts)


def _leaves(slot: Slot | None, preview: ChangePreview | None) -> list[tuple[str, str]]:
    if slot is None:
        return [("nothing, the slot is empty", "")]
    name = "  ".join(filter(None, (safe(slot.model), safe(slot.variant or ""))))
    gives = f", gives back {text.size(preview.returns)}" if preview and preview.returns else ""
    return [(name, "strike $warning"), (gives, _MUTED)]


def _runtime(known: Known) -> list[tuple[str, str]]:
    preview = known.preview
    if preview is None:
        return [("", "") if known.trouble else ("looking", _FAINT)]
    if preview.runtime != TORCH:
        note = f": {safe(preview.note)}" if preview.note else ""
        return [(preview.command or preview.runtime, "bold"), (note, _MUTED)]
    if preview.pickle:
        return [("torch", "bold"), (", weights only: pickle files need your consent", "$warning")]
    where = f" on {safe(preview.device.name)}" if preview.device else ""
    return [("torch", "bold"), (f"{where}: its weights are safetensors", _MUTED)]


def _memory(preview: ChangePreview | None) -> list[tuple[str, str]]:
    if preview is None:
        return [("looking", _FAINT)]
    if preview.problem is not None:
        return [(safe(preview.problem), "$error")]
    runtime = preview.takes - preview.weights
    words = f": weights {text.size(preview.weights)}, torch itself {text.size(runtime)}"
    return [(text.size(preview.takes), "bold"), (words, _MUTED)]


def _took(preview: ChangePreview | None) -> list[tuple[str, str]]:
    if preview is None:
        return [("", "")]
    if preview.seconds is None or preview.rate is None:
        return [("it was not loaded here before", _FAINT)]
    whose = "its last load" if preview.known else "other models"
    words = f", at {text.speed(preview.rate)} as {whose} here"
    peak = preview.last.peak if preview.last is not None and preview.known else None
    most = "" if peak is None else f", {text.size(peak)} at most"
    return [(f"about {brief_time(preview.seconds)}", "bold"), (words + most, _MUTED)]


def _ghost(
    preview: ChangePreview | None,
    sample: BoxSample | None,
    slots: Sequence[Slot],
    glyphs: Glyphs,
    width: int,
) -> list[Content]:
    """The device now and then: what leaves crossed out, what comes hatched."""
    both = None
    if preview is not None and sample is not None:
        both = before_and_after(preview, sample, slots, glyphs)
    if both is None:
        return [Content(), Content(), Content()]
    lines = [*ghost_bars(both, width, glyphs), *ghost_legend(both, width)]
    return [_content(line) for line in lines]


def _content(line: Sequence[Piece]) -> Content:
    return Content.assemble(*((words, _TONES.get(tone, "")) for words, tone in line))


def _verdict(known: Known) -> Content:
    """Whether there is room to work in too, on the device that it would be loaded into."""
    if known.report is None:
        return Content.styled("looking whether there is room to work in", _FAINT)
    there = known.room
    if there is None or there.need is None:
        return Content.styled("not known whether there is room to work in", _MUTED)
    back = f" and {text.size(there.returns)} that come back" if there.returns else ""
    words = f"{text.size(there.need)} of {text.size(there.free)} free{back}"
    if there.verdict is Verdict.TOO_BIG:
        short = text.size(there.short - there.returns)
        words = f"Too little room to work in: it needs {words}; {short} are missing."
        return Content.styled(words, "$error")
    return Content.styled(f"Fits: to work it needs {words}.", "$success")
