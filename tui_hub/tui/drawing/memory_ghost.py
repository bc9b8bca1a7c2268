"""A device as a change of a slot would leave it: what stays, what leaves, what comes, and when."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub import text
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.hardware import BoxSample
from tui_hub.domain.runtime import OLLAMA
from tui_hub.domain.slots import Slot
from tui_hub.domain.swaps import ChangePreview
from tui_hub.tui.drawing.draw import Line, Piece, fit, safe, spread, wrap
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.drawing.holders import (
    LEAVES,
    Holder,
    after_change,
    bar_lines,
    before_change,
    gpu_holders,
    host_holders,
    legend,
)
from tui_hub.tui.drawing.towers import labelled_tower, tower, tower_width

_LOWEST, _HIGHEST = 4, 20
"""Lines of a tower."""
_WORDS = 8
"""Lines of the words, with what is left blank around them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ghost:
    """A change that nobody has agreed to yet."""

    comes: str
    leaves: str | None
    preview: ChangePreview | None = None
    """What it would do; `None` while that is being looked at."""
    trouble: str | None = None
    """Why nothing more can be said."""
    users: str = ""
    """What it means for programs that have the weights that leave; empty where there is none."""


@dataclass(frozen=True, slots=True)
class BeforeAndAfter:
    """Who holds a device."""

    now: Sequence[Holder]
    then: Sequence[Holder]


def before_and_after(
    preview: ChangePreview, sample: BoxSample, slots: Sequence[Slot], glyphs: Glyphs
) -> BeforeAndAfter | None:
    """The holders of the device that a change is about; `None` where it is about none."""
    if preview.device is None:
        return None
    index, slot = preview.device.index, preview.slot.value
    if index is None:
        holders = host_holders(sample.host, slots, glyphs)
    else:
        gpu = next((one for one in sample.gpus if one.index == index and one.error is None), None)
        if gpu is None:
            return None
        holders = gpu_holders(gpu, glyphs)
    return BeforeAndAfter(
        before_change(holders, slot, preview.returns, glyphs),
        after_change(holders, slot, preview.takes, preview.returns, glyphs),
    )


def ghost_bars(both: BeforeAndAfter, width: int, glyphs: Glyphs) -> list[Line]:
    """The device now and then as two bars."""
    return [
        [(word, "faint"), *bar_lines(holders, width - len(word), 1, glyphs)[0]]
        for word, holders in (("now  ", both.now), ("then ", both.then))
    ]


def ghost_legend(both: BeforeAndAfter, width: int) -> list[Line]:
    """What the parts of the two bars are."""
    leaves = [one for one in both.now if one.name == LEAVES]
    return list(legend([*leaves, *both.then], width))


def brief_ghost(
    ghost: Ghost, sample: BoxSample, slots: Sequence[Slot], width: int, glyphs: Glyphs
) -> list[Line]:
    """The same as `ghost_lines` in as few lines as can be."""
    preview = ghost.preview
    both = None if preview is None else before_and_after(preview, sample, slots, glyphs)
    bars = [] if both is None else ghost_bars(both, width, glyphs)
    return [*bars, *_names(ghost, width, glyphs), *_verdict(ghost, width)]


def ghost_lines(
    ghost: Ghost,
    sample: BoxSample,
    slots: Sequence[Slot],
    width: int,
    rows: int,
    glyphs: Glyphs,
) -> list[Line]:
    """The device now and then as two towers, what comes and leaves, and how long it should take."""
    preview = ghost.preview
    both = None if preview is None else before_and_after(preview, sample, slots, glyphs)
    words = [*_names(ghost, width, glyphs), (), *_verdict(ghost, width)]
    if both is None or preview is None or preview.device is None:
        return words
    high = min(rows - _WORDS, _HIGHEST)
    if high >= _LOWEST:
        drawn = _towers(both, width, high, glyphs)
    else:
        drawn = [*ghost_bars(both, width, glyphs), *ghost_legend(both, width)]
    return [[(safe(preview.device.name), "strong")], *drawn, (), *words]


def _towers(both: BeforeAndAfter, width: int, high: int, glyphs: Glyphs) -> list[Line]:
    broad = tower_width(width * 2 // 3)
    rest = width - broad - 3
    left = tower(both.now, broad, high, glyphs)
    right = labelled_tower(both.then, rest, high, glyphs)
    head: Line = [
        ("now".center(broad), "faint"),
        ("   ", ""),
        ("then".center(tower_width(rest)), "faint"),
    ]
    middle = high // 2
    return [
        head,
        *(
            [*one, (f" {glyphs.arrow if row == middle else ' '} ", "accent"), *other]
            for row, (one, other) in enumerate(zip(left, right, strict=True))
        ),
    ]


def _names(ghost: Ghost, width: int, glyphs: Glyphs) -> list[Line]:
    """What comes, and what leaves crossed out, with their sizes."""
    preview = ghost.preview
    takes = text.size(preview.takes) if preview is not None and preview.takes else ""
    returns = text.size(preview.returns) if preview is not None and preview.returns else ""
    lines: list[Line] = [
        spread(
            [(f"{glyphs.coming} comes   ", "good"), (safe(ghost.comes), "strong")],
            [(takes, "muted")],
            width,
            ellipsis=glyphs.ellipsis,
        )
    ]
    if ghost.leaves is not None:
        name: list[Piece] = [(f"{glyphs.leaving} leaves  ", "warn"), (safe(ghost.leaves), "gone")]
        lines.append(spread(name, [(returns, "muted")], width, ellipsis=glyphs.ellipsis))
    else:
        lines.append(fit([("  leaves  nothing, the slot is empty", "faint")], width))
    return lines


def _verdict(ghost: Ghost, width: int) -> list[Line]:
    """How long it should take, or why it cannot be done, or that this is not known yet."""
    if ghost.trouble is not None:
        piece: Piece = (ghost.trouble, "bad")
    else:
        piece = ("looking", "faint") if ghost.preview is None else time_words(ghost.preview)
    users: list[Line] = [*wrap([(safe(ghost.users), "warn")], width, 0)] if ghost.users else []
    return [*wrap([piece], width, 0), *users]


def time_words(preview: ChangePreview) -> Piece:
    """How long the load should take, by what was measured here."""
    if preview.problem is not None:
        return (preview.problem, "bad")
    if preview.device is None:
        return (instead(preview), "muted")
    if preview.seconds is None or preview.rate is None:
        return (
            "How long it takes is not known: nothing was loaded there yet.",
            "faint",
        )
    whose = "its last load" if preview.known else "the last loads"
    speed = text.speed(preview.rate)
    return (f"Loads in about {brief_time(preview.seconds)}, at {speed} as {whose}.", "")


def brief_time(seconds: float) -> str:
    """How long something short takes: `12 ms`, `3.4 s`, `2 min 5 s`."""
    if seconds < 1:
        return f"{max(seconds * 1000, 1):.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else text.duration(seconds)


def instead(preview: ChangePreview) -> str:
    """What happens where torch does not load it."""
    if preview.runtime == OLLAMA:
        return "The Ollama daemon loads it; how much memory that takes it tells afterwards."
    if preview.command is not None:
        weights = text.size(preview.weights) if preview.weights else "unknown size"
        return f"The server {preview.command} is started for it; its weights: {weights}."
    return f"Its folder will be published as active/{preview.slot.value}, with no memory used."
