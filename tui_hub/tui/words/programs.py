"""The programs that have the weights of a slot, in words."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub import text
from tui_hub.domain.runtime import Program

_NAMED = 3
"""Programs that are named; of more the number is told."""


def users(programs: Sequence[Program] | None) -> str:
    """How many they are, and which; empty where there is none."""
    if programs is None:
        return "not known: its process does not answer"
    return f"{counted(programs)}: {_named(programs)}" if programs else ""


def counted(programs: Sequence[Program]) -> str:
    """How many they are."""
    return "1 program" if len(programs) == 1 else f"{len(programs)} programs"


def becomes_of(programs: Sequence[Program] | None) -> str:
    """What taking the weights out of memory means for them; empty where there is none."""
    if programs is None:
        return "Whether programs use it is not known: its process does not answer."
    if not programs:
        return ""
    use, asked, keep = "use", "They are", "keep what they have"
    if len(programs) == 1:
        use, asked, keep = "uses", "It is", "keeps what it has"
    who = f"{counted(programs)} {use} it: {_named(programs)}."
    return f"{who} {asked} asked to let go, and {keep} of the memory until then."


def _named(programs: Sequence[Program]) -> str:
    names = [text.clean(str(one), 120) for one in programs[:_NAMED]]
    more = len(programs) - len(names)
    return ", ".join([*names, f"and {more} more"] if more else names)
