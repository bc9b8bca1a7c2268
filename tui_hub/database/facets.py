"""Facets: what a model counts as, and the counts of whole answers.

Models share few combinations of facets, so these are numbered sets with a count each.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from tui_hub.database.connection import Transaction
from tui_hub.domain.catalogue import FacetCount, Facets, Search, size_class
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.stored_need import classes_within, need_class

FacetSet = tuple[str, str, str, str, str, str, str, str, str, str, str]
NAMES = (
    "type",
    "source",
    "task",
    "library",
    "license",
    "size",
    "need",
    "installed",
    "gated",
    "deprecated",
    "favourite",
)
"""The facets, in the order of a set's values; an empty value is none."""

_INSTALLED = (ModelStatus.INSTALLED, ModelStatus.ACTIVE)


def facet_set(model: Model) -> FacetSet:
    """What a model counts as."""
    return (
        str(model.type),
        model.source,
        model.task or "",
        model.library or "",
        model.license or "",
        size_class(model.size),
        need_class(model),
        "yes" if model.status in _INSTALLED else "no",
        "yes" if model.gated else "no",
        "yes" if model.deprecated else "no",
        "yes" if model.favourite else "no",
    )


def encode(facets: FacetSet) -> str:
    """A set as its row holds it."""
    return json.dumps(facets)


decode = msgspec.json.Decoder(FacetSet).decode
"""The set of a row."""


def is_wanted(facets: FacetSet, search: Search) -> bool:
    """Whether a question takes in the models of a set."""
    kind, source, task, library, license_, size, need, *flags = facets
    asked = (search.installed, search.gated, search.deprecated, search.favourite)
    return (
        (not search.types or kind in search.types)
        and (not search.sources or source in search.sources)
        and (not search.tasks or task in search.tasks)
        and (not search.libraries or library in search.libraries)
        and (not search.licenses or license_ in search.licenses)
        and (not search.sizes or size in search.sizes)
        and (search.memory is None or need in classes_within(search.memory))
        and all(
            wanted is None or wanted == (flag == "yes")
            for wanted, flag in zip(asked, flags, strict=True)
        )
    )


def count_facets(counts: Iterable[tuple[FacetSet, int]], *, exact: bool) -> Facets:
    """The count of each value of each facet, from the counts or estimates of sets."""
    values: Counter[tuple[str, str]] = Counter()
    total = 0
    for facets, number in counts:
        total += number
        for facet in zip(NAMES, facets, strict=True):
            values[facet] += number
    ordered = sorted(values.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    return Facets(
        total=total,
        counts=tuple(
            FacetCount(facet=facet, value=value, count=number, exact=exact)
            for (facet, value), number in ordered
            if value and number
        ),
    )


@dataclass(slots=True)
class FacetChanges:
    """Rows that get a set of facets or lose it."""

    gained: list[tuple[int, FacetSet]] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    listed: Counter[FacetSet] = field(default_factory=Counter)
    removed: Counter[FacetSet] = field(default_factory=Counter)

    def gain(self, rank: int, facets: FacetSet, *, removed: bool) -> None:
        """A row is new, or has changed into this."""
        self.gained.append((rank, facets))
        (self.removed if removed else self.listed)[facets] += 1

    def lose(self, rank: int, facets: FacetSet, *, removed: bool) -> None:
        """A row goes, or changes from this."""
        self.lost.append(rank)
        (self.removed if removed else self.listed)[facets] -= 1


async def write_facets(transaction: Transaction, changes: FacetChanges) -> None:
    """Write what changed, sets and rows."""
    sets = {facets: encode(facets) for facets in {*changes.listed, *changes.removed}}
    await transaction.executemany(
        "INSERT INTO facet_sets (facets, listed, removed) VALUES (?, ?, ?)"
        " ON CONFLICT (facets) DO UPDATE SET"
        " listed = listed + excluded.listed, removed = removed + excluded.removed",
        [(text, changes.listed[facets], changes.removed[facets]) for facets, text in sets.items()],
    )
    numbers = await _numbers(transaction, sets)
    await transaction.executemany(
        "DELETE FROM facet_rows WHERE rank = ?", [(rank,) for rank in changes.lost]
    )
    await transaction.executemany(
        "INSERT INTO facet_rows VALUES (?, ?)",
        [(rank, numbers[facets]) for rank, facets in changes.gained],
    )


async def _numbers(transaction: Transaction, sets: Mapping[FacetSet, str]) -> dict[FacetSet, int]:
    rows = await transaction.read(
        "SELECT facets, number FROM facet_sets WHERE facets IN (SELECT value FROM json_each(?))",
        (json.dumps(list(sets.values())),),
    )
    numbers: dict[str, int] = dict(rows)
    return {facets: numbers[text] for facets, text in sets.items()}
