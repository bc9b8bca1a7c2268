"""What can be copied of a thing: its id, its addresses, its folder, its hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.runtime import TORCH
from tui_hub.text import clean
from tui_hub.tui.drawing.links import safe_address

if TYPE_CHECKING:
    from tui_hub.domain.artifacts import Artifact
    from tui_hub.domain.downloads import Download
    from tui_hub.domain.invocation import Invocation
    from tui_hub.domain.slots import Slot

_LONGEST = 4_000
"""Characters that are copied at once; many terminals drop what is much longer."""
_HASHES = 6
"""Hashes of a download's files that are offered, the largest files first."""
Told = list[tuple[str, str | None] | tuple[str, str | None, str]]
"""What there is to copy, each under a word; some with what they belong to."""


@dataclass(frozen=True, slots=True)
class Copyable:
    """One thing to copy, and the letter that takes it."""

    letter: str
    word: str
    value: str
    of: str = ""
    """What it belongs to, where several are of one kind."""


def copyables(
    told: Iterable[tuple[str, str | None] | tuple[str, str | None, str]],
) -> list[Copyable]:
    """What there is, each with a letter of its word that is not another's.

    Values come from outside: one with control characters in it would do more than it shows where
    it is pasted, and is left out.
    """
    taken = set("gjkq")  # these move the list and close the question
    found: list[Copyable] = []
    for word, value, *of in told:
        if not value or len(value) > _LONGEST or clean(value, _LONGEST) != value:
            continue
        letters = [one for one in f"{word}abcdefhilmnoprstuvwxyz" if one.isalpha()]
        letter = next((one for one in letters if one not in taken), "")
        taken.add(letter)
        found.append(Copyable(letter, word, value, *of))
    return found


def addresses(links: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """The addresses of a model that are plain ones of the web."""
    return [(clean(name, 9), safe_address(address)) for name, address in links.items()]


def of_download(one: Download, links: Mapping[str, str], files: Sequence[Artifact]) -> Told:
    """A download's model with its addresses, its job, where it lies, and what its files hash to."""
    fetched = {file.path for file in one.files}
    known = [file for file in files if file.sha256 and (file.path in fetched or not fetched)]
    known.sort(key=lambda file: file.size or 0, reverse=True)
    return [
        ("id", one.model),
        ("folder", one.path),
        *addresses(links),
        *(("sha256", file.sha256, file.path.rpartition("/")[2]) for file in known[:_HASHES]),
        ("revision", one.revision),
        ("job", one.job),
        ("error", one.error),
    ]


def of_slot(slot: Slot, links: Mapping[str, str], invocation: Invocation) -> Told:
    """A slot's model, where it lies and answers, and the lines by which programs take it."""
    kind = slot.type.value
    shell = f"tui-hub active {kind} --path" if slot.path else f"tui-hub env {kind}"
    takes = f'tui_hub.attach("{kind}")' if slot.runtime == TORCH and slot.held else None
    return [
        ("id", slot.model),
        ("folder", slot.path or None),
        ("server", slot.url if slot.error is None else None),
        ("attach", takes),
        ("shell", invocation.command(shell)),
        ("run", invocation.command(f"tui-hub run {kind} -- ")),
        ("revision", slot.revision),
        *addresses(links),
    ]
