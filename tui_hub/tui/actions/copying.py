"""What can be copied of a thing: its id, its addresses, its folder, its hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tui_hub.text import clean
from tui_hub.tui.drawing.links import safe_address

_LONGEST = 4_000
"""Characters that are copied at once; many terminals drop what is much longer."""


@dataclass(frozen=True, slots=True)
class Copyable:
    """One thing to copy, and the letter that takes it."""

    letter: str
    word: str
    value: str


def copyables(told: Iterable[tuple[str, str | None]]) -> list[Copyable]:
    """What there is, each with a letter of its word that is not another's.

    Values come from outside: one with control characters in it would do more than it shows where
    it is pasted, and is left out.
    """
    taken = set("gjkq")  # these move the list and close the question
    found: list[Copyable] = []
    for word, value in told:
        if not value or len(value) > _LONGEST or clean(value, _LONGEST) != value:
            continue
        letters = [one for one in f"{word}abcdefhilmnoprstuvwxyz" if one.isalpha()]
        letter = next((one for one in letters if one not in taken), "")
        taken.add(letter)
        found.append(Copyable(letter, word, value))
    return found


def addresses(links: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """The addresses of a model that are plain ones of the web."""
    return [(clean(name, 9), safe_address(address)) for name, address in links.items()]
