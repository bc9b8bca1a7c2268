"""Notes of views that are about to change, so that what a killed process left half done is found.

A note lies in `temp/` from before the first step until after the last one. What the views should be
then, the receipt says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from tui_hub.blobs.files import storage_errors, unique, write_atomic
from tui_hub.blobs.store import BlobStore
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.jobs import Owner
from tui_hub.processes import alive, this_process

_ENDING = ".views"
_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where a view of a model may lie."""

    type: str
    name: str
    author: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a model's views that goes on, or was cut short."""

    model: str
    owner: Owner
    places: tuple[Place, ...]
    """Where its views were, and where they are to be."""


def announce(store: BlobStore, model: str, places: Iterable[Place]) -> Path:
    """Note that the views of a model are about to change; gives the note for `settle`."""
    note = store.temp / unique("change", _ENDING)
    change = Change(model, this_process(), tuple(dict.fromkeys(places)))
    with storage_errors(store.root):
        write_atomic(store.temp, note, msgspec.json.encode(change))
    return note


def cut_short(store: BlobStore) -> list[tuple[Path, Change]]:
    """The notes that dead processes left, with what they say."""
    return [(path, change) for path, change in _notes(store) if not alive(change.owner)]


def under_change(store: BlobStore) -> set[str]:
    """The models whose views some process is at, or left half done."""
    return {change.model for _, change in _notes(store)}


def settle(store: BlobStore, note: Path) -> None:
    """Take a note away, once the views are what they should be."""
    with storage_errors(store.root):
        note.unlink(missing_ok=True)


def _notes(store: BlobStore) -> Iterator[tuple[Path, Change]]:
    for path in sorted(store.temp.glob(f"*{_ENDING}")):
        try:
            with path.open("rb") as file:
                yield path, msgspec.json.decode(file.read(_LIMIT), type=Change)
        except (OSError, msgspec.DecodeError):
            continue
