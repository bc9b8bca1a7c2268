"""What a page of records changes in the catalogue, worked out before a row is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tui_hub.database import catalogue_schema as schema
from tui_hub.database.facets import FacetChanges
from tui_hub.database.merging import is_curated, merged
from tui_hub.database.model_rows import Stored, storable, values
from tui_hub.database.words import index_text
from tui_hub.domain.feeds import Counts
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.types import ModelType


@dataclass(frozen=True, slots=True)
class Local:
    """What this box says of a model, whatever its source says."""

    status: ModelStatus | None = None
    type: ModelType | None = None

    def apply(self, model: Model, listed_type: ModelType) -> Model:
        """The model as this box sees it."""
        status = self.status or ModelStatus.NOT_INSTALLED
        kind = self.type or listed_type
        if status is model.status and kind is model.type:
            return model
        return replace(model, status=status, type=kind)


_NOTHING = Local()


@dataclass(slots=True)
class Known:
    """What the catalogue holds that a page may touch."""

    by_id: Mapping[str, Stored] = field(default_factory=dict)
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
    updated: list[tuple[object, ...]] = field(default_factory=list)
    counted: list[tuple[object, ...]] = field(default_factory=list)
    """Rows of which only the counters changed, which few indexes hold."""
    unindexed: list[tuple[int, str]] = field(default_factory=list)
    """What the search index must forget: it has to be told the exact words it once got."""
    indexed: list[tuple[int, str]] = field(default_factory=list)
    facets: FacetChanges = field(default_factory=FacetChanges)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of an old id and its new one."""
    counts: Counts = field(default_factory=Counts)

    def insert(self, new: Stored) -> None:
        """Add a row."""
        self.inserted.append((new.rank, *values(new)))
        self.index(new)

    def update(self, old: Stored, new: Stored) -> None:
        """Change a row, as little as need be."""
        if new.rank == old.rank and _only_counters(old, new):
            model = new.model
            self.counted.append((model.downloads, model.likes, model.trending, old.rank))
            return
        self.updated.append((new.rank, *values(new), old.rank))
        before, after = index_text(old.model), index_text(new.model)
        if (old.rank, before) != (new.rank, after):
            self.unindexed.append((old.rank, before))
            self.indexed.append((new.rank, after))
            self.facets.lose(old.rank, old.model)
            self.facets.gain(new.rank, new.model)

    def forget(self, old: Stored) -> None:
        """Make a row that goes unfindable."""
        self.unindexed.append((old.rank, index_text(old.model)))
        self.facets.lose(old.rank, old.model)

    def index(self, new: Stored) -> None:
        """Make a row findable."""
        self.indexed.append((new.rank, index_text(new.model)))
        self.facets.gain(new.rank, new.model)


def page_changes(models: Iterable[Model], known: Known) -> Changes:
    """What a page of records changes; a record that comes twice counts as its later one."""
    changes = Changes(arrivals=known.arrivals)
    created = updated = unchanged = 0
    for incoming in {model.id: model for model in map(storable, models)}.values():
        old = known.by_id.get(incoming.id) or _renamed(incoming, known, changes)
        if old is None:
            changes.insert(_stored(incoming, incoming, None, known, changes))
            created += 1
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
    changes.counts = Counts(created=created, updated=updated, unchanged=unchanged)
    return changes


def local_changes(old: Stored, local: Local) -> Changes:
    """What changes in a row when this box says something of its model."""
    changes = Changes()
    new = replace(old, model=local.apply(old.model, old.listed_type))
    if new != old:
        changes.update(old, new)
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
        changes.renamed.append((old.model.id, incoming.id))
    return old


def _stored(
    model: Model, incoming: Model, old: Stored | None, known: Known, changes: Changes
) -> Stored:
    """A record with its row number and with what this box says of it."""
    local = known.local.get(old.model.id if old else incoming.id, _NOTHING)
    if old is not None and schema.step(model.downloads) == schema.step_of(old.rank):
        rank = old.rank
    else:
        changes.arrivals += 1
        rank = schema.rank(model.downloads, changes.arrivals)
    curated = is_curated(incoming) or (old is not None and old.curated)
    return Stored(rank, local.apply(model, model.type), model.type, curated)


def _only_counters(old: Stored, new: Stored) -> bool:
    model = new.model
    counted = replace(
        old.model, downloads=model.downloads, likes=model.likes, trending=model.trending
    )
    return replace(old, model=counted) == new
