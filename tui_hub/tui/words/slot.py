"""A slot in words: what stands there, how its change goes on, and why one failed."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from tui_hub import text
from tui_hub.domain.invocation import Invocation
from tui_hub.domain.loads import Load
from tui_hub.domain.runtime import Program
from tui_hub.domain.slots import Slot
from tui_hub.domain.swaps import SwapPicture
from tui_hub.domain.types import ModelType
from tui_hub.tui.command import KeyOf
from tui_hub.tui.commands import FillSlot, ReloadSlot, ShowBrowse
from tui_hub.tui.drawing.draw import Line, Piece, bar, fit, safe, width_of
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.drawing.memory_ghost import brief_time
from tui_hub.tui.live import SwapFailure
from tui_hub.tui.words.programs import users

_WORD = 10
"""Cells of the words before the values."""
_BAR = 40
"""Cells of a bar at most."""
_SPACIOUS = 8
"""Lines from which on every step that is done has a line of its own."""


def empty_lines(kind: ModelType, key_of: KeyOf) -> list[Line]:
    """What to do about an empty slot."""
    return [
        [
            (f"No model stands for {kind.value}. ", "muted"),
            (key_of(FillSlot), "key"),
            (" fills it from what is installed, ", "muted"),
            (key_of(ShowBrowse), "key"),
            (" finds more.", "muted"),
        ]
    ]


def slot_lines(
    slot: Slot,
    last: Load | None,
    programs: Sequence[Program] | None,
    width: int,
    glyphs: Glyphs,
    key_of: KeyOf,
    invocation: Invocation,
) -> list[Line]:
    """What stands in a slot, who uses it, how programs find it, and its figures."""
    kind = slot.type.value
    trouble: list[Line] = []
    if slot.error is not None:
        words = f"{glyphs.failed} not in memory: {slot.error}"
        trouble = [[(line, "bad")] for line in wrap(safe(words), max(width, 1))]
        again = (key_of(ReloadSlot), "key")
        trouble.append([("  ", ""), again, (" loads it again from its files.", "muted")])
    shell = f"tui-hub active {kind} --path" if slot.path else f"tui-hub env {kind}"
    pairs = [
        ("model", f"{slot.model}  {slot.variant or ''}".rstrip()),
        ("held", _held(slot)),
        ("used by", users(programs)),
        ("memory", _figures(slot, last, glyphs)),
        ("path", slot.path),
        ("url", slot.url if slot.error is None else None),
        ("shell", invocation.command(shell)),
        ("with it", invocation.command(f"tui-hub run {kind} -- COMMAND")),
        ("revision", slot.revision),
    ]
    lines: list[Line] = [
        [(word.ljust(_WORD), "faint"), (safe(value), "")] for word, value in pairs if value
    ]
    return [*trouble, *lines]


def _held(slot: Slot) -> str:
    if slot.error is not None:
        files = "its files are published, " if slot.path else ""
        return f"by nothing; {files}{text.ago(slot.since)}"
    if not slot.held:
        return f"as files alone ({slot.runtime}), published {text.ago(slot.since)}"
    process = "" if slot.pid is None else f", process {slot.pid}"
    return f"by {slot.chosen_by} on {slot.device}{process}, {text.ago(slot.since)}"


def _figures(slot: Slot, last: Load | None, glyphs: Glyphs) -> str:
    memory = slot.memory
    figures = [
        ("holds", memory.used_after if slot.error is None else None),
        ("needed", memory.needed),
        ("peak", memory.peak),
    ]
    words = [f"{word} {text.size(size)}" for word, size in figures if size is not None]
    if last is not None and slot.pid is not None:
        words.append(f"load {brief_time(last.seconds)}")
    return f" {glyphs.dot} ".join(words)


def swap_lines(picture: SwapPicture, width: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """A change that is under way: who comes and who leaves, what is done, and the present step."""
    present = [(f"{glyphs.syncing} ", "info"), *_step(picture, width - 2, glyphs)]
    heads = _who(picture, width)
    if len(heads) + len(picture.passed) + 1 <= rows and rows >= _SPACIOUS:
        done: list[Line] = [_done(words, glyphs) for words in picture.passed]
    else:
        done = [_last_done(picture.passed, width, glyphs)] if picture.passed else []
    return [*heads, *done, present]


def _who(picture: SwapPicture, width: int) -> list[Line]:
    """In one line, or in two where that is too narrow."""
    comes: Line = [("comes   ", "faint"), (safe(picture.model or ""), "strong")]
    leaves: Line = [("leaves  ", "faint"), (safe(picture.previous or ""), "muted")]
    if picture.previous == picture.model:
        return [[("again   ", "faint"), (safe(picture.model or ""), "strong")]]
    if picture.model is None or picture.previous is None:
        return [comes if picture.model else leaves]
    both = [*leaves, ("   ", ""), *comes]
    return [both] if width_of(both) <= width else [leaves, comes]


def _step(picture: SwapPicture, width: int, glyphs: Glyphs) -> list[Piece]:
    """The present step, with a bar where its end is known."""
    words = picture.step.value
    where: list[Piece] = [] if picture.local else [("  in another process", "faint")]
    if not picture.total:
        return [(words, "info"), *where]
    fraction = min(picture.done / picture.total, 1.0)
    figures = f" {fraction:4.0%}  {text.share(picture.done, picture.total)}"
    figures += f"  {text.speed(picture.speed).rjust(11)}" if picture.local else where[0][0]
    cells = max(min(width - len(words) - 3 - len(figures), _BAR), 4)
    return [
        (f"{words} ", "info"),
        (glyphs.edge_left, "faint"),
        *bar(fraction, cells, glyphs),
        (glyphs.edge_right, "faint"),
        (figures, "muted"),
    ]


def _done(words: str, glyphs: Glyphs) -> Line:
    return [(f"{glyphs.installed} ", "good"), (safe(words), "muted")]


def _last_done(passed: Sequence[str], width: int, glyphs: Glyphs) -> Line:
    """As many of the last steps as one line takes; a sign in front where some are left out."""
    line: list[Piece] = []
    for number, words in enumerate(reversed(passed)):
        part = list(_done(words, glyphs))
        longer = [*part, ("  ", ""), *line] if line else part
        room = width - (2 if number + 1 < len(passed) else 0)
        if line and width_of(longer) > room:
            return [(f"{glyphs.ellipsis} ", "faint"), *line]
        line = longer
    return fit(line, width, ellipsis=glyphs.ellipsis)


def failure_lines(failure: SwapFailure, width: int, glyphs: Glyphs) -> list[Line]:
    """Why a change failed, what to do about it, and what stands in the slot now."""
    room = max(width - 2, 1)
    what = f"{failure.model} did not come: {failure.error}"
    parts = [(glyphs.failed, "bad", what), (" ", "muted", failure.hint or ""),
             (glyphs.installed, "good", failure.outcome)]  # fmt: skip
    lines: list[Line] = []
    for sign, tone, words in parts:
        for number, line in enumerate(wrap(safe(words), room)):
            lines.append(
                [(f"{' ' if number else sign} ", tone), (line, "" if tone == "good" else tone)]
            )
    return lines
