"""What changes in the catalogue, worked out before a row is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from operator import itemgetter

from tui_hub.database.connection import Row
from tui_hub.database.facets import FacetChanges, facet_set
from tui_hub.database.model_rows import COLUMNS, Stored, values
from tui_hub.database.words import index_text, spoken
from tui_hub.domain.changes import Change, ChangeKind
from tui_hub.domain.feeds import Counts
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.types import ModelType

_COLUMNS = ("rank", *COLUMNS.split(", "))
_FORGET = "delete"

IndexRow = tuple[str | None, int, str, str]
"""What the index is told of a row: to forget it or nothing, its number, its words and its marks."""


@dataclass(frozen=True, slots=True)
class Local:
    """What this box says of a model, whatever its source says."""

    status: ModelStatus | None = None
    type: ModelType | None = None
    favourite: bool = False

    def apply(self, model: Model, listed_type: ModelType) -> Model:
        """The model as this box sees it."""
        status = self.status or ModelStatus.NOT_INSTALLED
        kind = self.type or listed_type
        if (status, kind, self.favourite) == (model.status, model.type, model.favourite):
            return model
        return replace(model, status=status, type=kind, favourite=self.favourite)


@dataclass(slots=True)
class Changes:
    """The rows to write."""

    arrivals: int = 0
    inserted: list[tuple[object, ...]] = field(default_factory=list)
    updated: dict[tuple[str, ...], list[tuple[object, ...]]] = field(default_factory=dict)
    """By the columns that change: the less is written, the fewer indexes have to follow."""
    unindexed: list[IndexRow] = field(default_factory=list)
    """What the search index must forget: it has to be told the exact words it once got."""
    indexed: list[IndexRow] = field(default_factory=list)
    facets: FacetChanges = field(default_factory=FacetChanges)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of an old id and its new one."""
    counts: Counts = field(default_factory=Counts)
    history: list[Change] = field(default_factory=list)
    """What a person is told of it."""

    def insert(self, rank: int, model: Model, row: tuple[object, ...]) -> None:
        """Add a model, whose row holds these values behind its rank."""
        self.inserted.append((rank, *row))
        self.index(rank, model)

    def update(self, old: Stored, new: Stored) -> None:
        """Change a row, as little as need be."""
        self.rewrite(_row(old), _row(new))
        if spoken(old.model) != spoken(new.model):
            self.forget(old)
            self.index(new.rank, new.model)
        elif old.rank != new.rank:
            self.move(old.rank, new.rank, new.model)

    def move(self, before: int, after: int, model: Model) -> None:
        """Find a model of the same words under another row number."""
        facets = facet_set(model)
        text = index_text(model, facets)
        self.unindexed.append((_FORGET, before, *text))
        self.indexed.append((None, after, *text))
        self.facets.lose(before, facets, removed=model.removed)
        self.facets.gain(after, facets, removed=model.removed)

    def rewrite(self, before: Row, after: Row) -> None:
        """Write the columns in which two states of a row, or of its beginning, differ."""
        places = [place for place, value in enumerate(after) if value != before[place]]
        columns = tuple([_COLUMNS[place] for place in places])
        if columns:
            row = (*[after[place] for place in places], before[0])
            self.updated.setdefault(columns, []).append(row)

    def arrange(self) -> None:
        """Put what is written into the order of the rows."""
        self.inserted.sort(key=itemgetter(0))
        self.facets.gained.sort()
        for updates in self.updated.values():
            updates.sort(key=itemgetter(-1))
        self.facets.lost.sort()

    def index_rows(self) -> list[IndexRow]:
        """What the index is told, in the order of the rows; of one row first what to forget.

        It writes all it holds down whenever a row comes before the one it got last.
        """
        return sorted(self.unindexed + self.indexed, key=itemgetter(1))

    def rename(self, old: str, new: str) -> None:
        """Note that a model has another id now."""
        self.renamed.append((old, new))
        self.history.append(Change(model=new, kind=ChangeKind.RENAMED, before=old, after=new))

    def forget(self, old: Stored) -> None:
        """Make a row that goes unfindable."""
        facets = facet_set(old.model)
        self.unindexed.append((_FORGET, old.rank, *index_text(old.model, facets)))
        self.facets.lose(old.rank, facets, removed=old.model.removed)

    def index(self, rank: int, model: Model) -> None:
        """Make a row findable."""
        facets = facet_set(model)
        self.indexed.append((None, rank, *index_text(model, facets)))
        self.facets.gain(rank, facets, removed=model.removed)


def local_changes(old: Stored, local: Local) -> Changes:
    """What changes in a row when this box says something of its model."""
    changes = Changes()
    new = replace(old, model=local.apply(old.model, old.listed_type))
    if new != old:
        changes.update(old, new)
    return changes


def removal(old: Stored, why: str) -> Changes:
    """What changes when a model vanished upstream."""
    changes = Changes()
    changes.update(old, replace(old, model=replace(old.model, removed=True)))
    changes.history.append(
        Change(model=old.model.id, kind=ChangeKind.REMOVED, before=old.model.revision, what=(why,))
    )
    return changes


def moved_away(old: Stored, new_id: str) -> Changes:
    """What changes when a model has another row under another id, even another upstream key."""
    changes = Changes()
    if not old.model.removed:
        changes.update(old, replace(old, model=replace(old.model, removed=True)))
    changes.rename(old.model.id, new_id)
    return changes


def index_changes(rows: Iterable[Stored]) -> Changes:
    """What an empty index has to learn of these rows."""
    changes = Changes()
    for row in rows:
        changes.index(row.rank, row.model)
    return changes


def _row(state: Stored) -> Row:
    return (state.rank, *values(state.model, state.listed_type, curated=state.curated))
