"""Who holds the memory of a device, and how that is drawn: by sign and name, not by tone alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tui_hub import text
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.hardware import GpuSample, HostSample
from tui_hub.domain.slots import Slot
from tui_hub.tui.drawing.draw import Piece, safe, width_of
from tui_hub.tui.drawing.glyphs import Glyphs

OTHERS, FREE, DRIVER, LEAVES = "others", "free", "driver", "leaves"
_SLOT_TONES = ("bar", "good", "accent")
"""Slots that stand side by side are told apart by tone, and by their names."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A part of a device's memory."""

    name: str
    bytes: int
    sign: str
    tone: str


def gpu_holders(gpu: GpuSample, glyphs: Glyphs) -> list[Holder]:
    """Our slots, everybody else, what is free, and what the driver keeps for itself."""
    held: dict[str, int] = {}
    for one in gpu.processes:
        if one.slot is not None:
            held[one.slot] = held.get(one.slot, 0) + (one.memory or 0)
    return [
        *_slots(held, glyphs),
        Holder(OTHERS, gpu.others, glyphs.half, "partial"),
        Holder(FREE, gpu.memory_free, glyphs.rest, "rest"),
        Holder(DRIVER, gpu.memory_reserved, glyphs.reserved, "faint"),
    ]


def host_holders(host: HostSample, slots: Sequence[Slot], glyphs: Glyphs) -> list[Holder]:
    """Our slots in the memory of the host, everybody else, and what is free."""
    held = {one.type.value: one.memory.used_after or 0 for one in slots if on_host(one)}
    others = max(host.memory_used - sum(held.values()), 0)
    return [
        *_slots(held, glyphs),
        Holder(OTHERS, others, glyphs.half, "partial"),
        Holder(FREE, max(host.memory_total - host.memory_used, 0), glyphs.rest, "rest"),
    ]


def on_host(slot: Slot) -> bool:
    """Whether a slot's weights are in the memory of the host."""
    return slot.held and (slot.device or "").startswith("cpu")


def before_change(
    holders: Sequence[Holder], slot: str, returns: int, glyphs: Glyphs
) -> list[Holder]:
    """The holders as they are, with the slot's present model marked as leaving.

    Args:
        holders: as they are now.
        slot: the slot in question.
        returns: bytes that its model gives back to this device.
        glyphs: the signs to draw with.
    """
    told = sum(one.bytes for one in holders if one.name == slot)
    # What the driver does not tell to be the slot's stands among the others.
    hidden = max(returns - told, 0)
    before: list[Holder] = []
    for one in holders:
        if one.name == slot:
            continue
        if one.name == OTHERS:
            hidden = min(hidden, one.bytes)
            if told + hidden:
                before.append(Holder(LEAVES, told + hidden, glyphs.leaving, "warn"))
            before.append(replace(one, bytes=one.bytes - hidden))
        else:
            before.append(one)
    return before


def after_change(
    holders: Sequence[Holder], slot: str, comes: int, returns: int, glyphs: Glyphs
) -> list[Holder]:
    """The holders as they will be once a slot has another model.

    Args:
        holders: as they are now.
        slot: the slot in question, whose present model leaves.
        comes: bytes that the new one takes.
        returns: bytes that the old one gives back to this device.
        glyphs: the signs to draw with.
    """
    stay = [one for one in holders if one.name != slot]
    left = returns - sum(one.bytes for one in holders if one.name == slot)
    new = Holder(slot, comes, glyphs.coming, "good")
    after = []
    for one in stay:
        size = one.bytes
        if one.name == FREE:
            size = max(size + returns - comes, 0)
        elif one.name == OTHERS:
            after.append(new)
            # What the driver does not tell to be the slot's stands among the others.
            size = max(size - max(left, 0), 0)
        after.append(replace(one, bytes=size))
    return after


def shares(holders: Sequence[Holder], cells: int) -> list[int]:
    """Cells of each holder, together `cells`: by size, and one at least for whatever is there."""
    whole = sum(one.bytes for one in holders) or 1
    exact = [one.bytes * cells / whole for one in holders]
    given = [max(int(share), 1 if share > 0 else 0) for share in exact]
    if not any(given):
        return [cells if one.name == FREE else 0 for one in holders]
    while sum(given) > cells:
        # The largest gives way; where all have one cell, the smallest holder goes.
        most = max(given)
        at = min(
            (place for place, count in enumerate(given) if count == most),
            key=lambda place: exact[place] - given[place],
        )
        given[at] -= 1
    while sum(given) < cells:
        at = max(range(len(given)), key=lambda place: exact[place] - given[place])
        given[at] += 1
    return given


def seen(holders: Sequence[Holder], cells: int) -> list[Holder]:
    """All but the driver's own where that is less than half a cell: it would look like more."""
    half = sum(one.bytes for one in holders) / max(cells, 1) / 2
    return [one for one in holders if one.name != DRIVER or one.bytes >= half]


def bar_lines(
    holders: Sequence[Holder], width: int, rows: int, glyphs: Glyphs
) -> list[list[Piece]]:
    """A bar of `rows` lines of exactly `width` cells, with the names in its middle line."""
    inner = max(width - 2, 1)
    shown = seen(holders, inner)
    cells = zip(shown, shares(shown, inner), strict=True)
    parts: list[Piece] = [(one.sign * count, one.tone) for one, count in cells]
    middle: list[Piece] = []
    for one, (drawn, tone) in zip(shown, parts, strict=True):
        middle += _named(one.name, drawn, tone)
    edges = (glyphs.edge_left, "faint"), (glyphs.edge_right, "faint")
    return [
        [edges[0], *(middle if rows > 1 and row == rows // 2 else parts), edges[1]]
        for row in range(rows)
    ]


def legend(holders: Sequence[Holder], width: int) -> list[list[Piece]]:
    """Sign, name and size of each holder, in as many lines as it takes; nothing of what is zero."""
    lines: list[list[Piece]] = [[]]
    for one in holders:
        if one.bytes <= 0 and one.name != FREE:
            continue
        group: list[Piece] = [
            (f"{one.sign} ", one.tone),
            (safe(one.name), "" if one.tone in _SLOT_TONES else "muted"),
            (f" {text.size(one.bytes).rjust(9)}", "muted"),
        ]
        if lines[-1] and width_of(lines[-1]) + width_of(group) + 2 > width:
            lines.append([])
        lines[-1] += [("  ", ""), *group] if lines[-1] else group
    return lines


def _slots(held: dict[str, int], glyphs: Glyphs) -> list[Holder]:
    return [
        Holder(name, size, glyphs.full, _SLOT_TONES[number % len(_SLOT_TONES)])
        for number, (name, size) in enumerate(sorted(held.items()))
    ]


def _named(name: str, drawn: str, tone: str) -> list[Piece]:
    """A part of the bar with its name in the middle, where it is wide enough for that."""
    words = f" {safe(name)} "
    room = len(drawn) - width_of([(words, "")])
    if room < 2:
        return [(drawn, tone)]
    left = room // 2
    return [(drawn[:left], tone), (words, "muted"), (drawn[left + len(words) :], tone)]
