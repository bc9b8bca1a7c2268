"""What a page of records changes in the catalogue, worked out before a row is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter

from tui_hub.database import catalogue_schema as schema
from tui_hub.database.connection import Row
from tui_hub.database.facets import FacetChanges
from tui_hub.database.merging import is_curated, merged
from tui_hub.database.model_rows import COLUMNS, Stored, storable, stored, values
from tui_hub.database.words import index_text, spoken
from tui_hub.domain.changes import Change, ChangeKind, difference
from tui_hub.domain.feeds import Counts
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.types import ModelType

_NAMES = COLUMNS.split(", ")
_COLUMNS = ("rank", *_NAMES)
_FIRST, _LAST = _NAMES.index("downloads"), _NAMES.index("trending")
"""The counters stand side by side."""


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


_NOTHING = Local()


@dataclass(slots=True)
class Known:
    """What the catalogue holds that a page may touch."""

    by_id: Mapping[str, Row] = field(default_factory=dict)
    """Rows as they were read: most of them are compared and no more."""
    by_upstream: dict[tuple[str, str], Stored] = field(default_factory=dict)
    """Rows under other ids, by source and the source's own key."""
    local: Mapping[str, Local] = field(default_factory=dict)
    arrivals: int = 0
    """How many row numbers were ever given out."""


@dataclass(slots=True)
class Changes:
    """The rows to write."""

    arrivals: int = 0
    inserted: list[tuple[object, ...]] = field(default_factory=list)
    updated: dict[tuple[str, ...], list[tuple[object, ...]]] = field(default_factory=dict)
    """By the columns that change: the less is written, the fewer indexes have to follow."""
    unindexed: list[tuple[int, str, str]] = field(default_factory=list)
    """What the search index must forget: it has to be told the exact words it once got."""
    indexed: list[tuple[int, str, str]] = field(default_factory=list)
    facets: FacetChanges = field(default_factory=FacetChanges)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of an old id and its new one."""
    counts: Counts = field(default_factory=Counts)
    history: list[Change] = field(default_factory=list)
    """What a person is told of it."""

    def insert(self, new: Stored) -> None:
        """Add a row."""
        self.inserted.append((new.rank, *values(new)))
        self.index(new)

    def update(self, old: Stored, new: Stored) -> None:
        """Change a row, as little as need be."""
        self.rewrite((old.rank, *values(old)), (new.rank, *values(new)))
        if spoken(old.model) != spoken(new.model):
            self.unindexed.append((old.rank, *index_text(old.model)))
            self.indexed.append((new.rank, *index_text(new.model)))
            self.facets.lose(old.rank, old.model)
            self.facets.gain(new.rank, new.model)
        elif old.rank != new.rank:
            self.move(old.rank, new.rank, new.model)

    def move(self, before: int, after: int, model: Model) -> None:
        """Find a model of the same words under another row number."""
        text = index_text(model)
        self.unindexed.append((before, *text))
        self.indexed.append((after, *text))
        self.facets.lose(before, model)
        self.facets.gain(after, model)

    def rewrite(self, before: Row, after: Row) -> None:
        """Write the columns in which two states of a row differ."""
        places = [place for place, value in enumerate(after) if value != before[place]]
        columns = tuple(_COLUMNS[place] for place in places)
        row = (*(after[place] for place in places), before[0])
        if columns:
            self.updated.setdefault(columns, []).append(row)

    def arrange(self) -> None:
        """Put what is written into the order of the rows.

        The search index writes all it holds down whenever a row comes before the one it got last.
        """
        self.inserted.sort(key=itemgetter(0))
        self.unindexed.sort()
        self.indexed.sort()
        self.facets.gained.sort()
        for updates in self.updated.values():
            updates.sort(key=itemgetter(-1))
        self.facets.lost.sort()

    def rename(self, old: str, new: str) -> None:
        """Note that a model has another id now."""
        self.renamed.append((old, new))
        self.history.append(Change(model=new, kind=ChangeKind.RENAMED, before=old, after=new))

    def forget(self, old: Stored) -> None:
        """Make a row that goes unfindable."""
        self.unindexed.append((old.rank, *index_text(old.model)))
        self.facets.lose(old.rank, old.model)

    def index(self, new: Stored) -> None:
        """Make a row findable."""
        self.indexed.append((new.rank, *index_text(new.model)))
        self.facets.gain(new.rank, new.model)


def page_changes(models: Iterable[Model], known: Known, *, announce: bool = False) -> Changes:
    """What a page of records changes; a record that comes twice counts as its later one.

    Args:
        models: the records.
        known: what the catalogue holds of them.
        announce: whether models that were not known are news, and not the stock of a new feed.
    """
    changes = Changes(arrivals=known.arrivals)
    created = updated = unchanged = 0
    for incoming in {model.id: model for model in map(storable, models)}.values():
        row = known.by_id.get(incoming.id)
        changed = None if row is None else _recount(row, incoming, known, changes)
        if changed is not None:
            updated += changed
            unchanged += not changed
            continue
        old = _renamed(incoming, known, changes) if row is None else stored(row)
        if old is None:
            changes.insert(_stored(incoming, incoming, None, known, changes))
            created += 1
            if announce:
                changes.history.append(
                    Change(model=incoming.id, kind=ChangeKind.NEW, after=incoming.revision)
                )
            continue
        listed = old.model
        if listed.type is not old.listed_type:
            listed = replace(listed, type=old.listed_type)
        new = _stored(merged(listed, incoming, curated=old.curated), incoming, old, known, changes)
        if new == old:
            unchanged += 1
        else:
            changes.update(old, new)
            updated += 1
            told = difference(old.model, new.model)
            changes.history += [told] if told is not None else []
    changes.counts = Counts(created=created, updated=updated, unchanged=unchanged)
    return changes


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
        changes.index(row)
    return changes


def _renamed(incoming: Model, known: Known, changes: Changes) -> Stored | None:
    """The row that this record had under another id."""
    if incoming.upstream_id is None:
        return None
    old = known.by_upstream.pop((incoming.source, incoming.upstream_id), None)
    if old is not None:
        changes.rename(old.model.id, incoming.id)
    return old


def _stored(
    model: Model, incoming: Model, old: Stored | None, known: Known, changes: Changes
) -> Stored:
    """A record with its row number and with what this box says of it."""
    local = known.local.get(old.model.id if old else incoming.id, _NOTHING)
    rank = _rank(model, old.rank if old else None, changes)
    curated = is_curated(incoming) or (old is not None and old.curated)
    return Stored(rank, local.apply(model, model.type), model.type, curated)


def _rank(model: Model, before: int | None, changes: Changes) -> int:
    """The row number: another one only when the model is in another step of downloads."""
    if before is not None and schema.step(model.downloads) == schema.step_of(before):
        return before
    changes.arrivals += 1
    return schema.rank(model.downloads, changes.arrivals)


def _recount(row: Row, incoming: Model, known: Known, changes: Changes) -> bool | None:
    """Take in a record that says what its row says, but for the counters: as nearly all do.

    Returns:
        Whether anything changed; `None` for a record that has to be merged.
    """
    told = values(Stored(row[0], incoming, incoming.type, is_curated(incoming)))
    same = row[1 : _FIRST + 1] == told[:_FIRST] and row[_LAST + 2 :] == told[_LAST + 1 :]
    if not same or incoming.id in known.local:
        return None
    rank = _rank(incoming, row[0], changes)
    if rank == row[0] and row[_FIRST + 1 : _LAST + 2] == told[_FIRST : _LAST + 1]:
        return False
    changes.rewrite(row, (rank, *told))
    if rank != row[0]:
        changes.move(row[0], rank, incoming)
    return True
