"""What a page of records changes in the catalogue, worked out before a row is written.

Nearly every record of a sync says of its model what the row says already, but for counters and the
last commit. Such a one is compared and written as the values of its row, at a third of the cost;
all others become models again, are merged, and are compared word by word. For records that can go
either way both give the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from time import sleep

from tui_hub.database import catalogue_schema as schema
from tui_hub.database.changes import Changes, Local
from tui_hub.database.connection import Row
from tui_hub.database.merging import is_curated, merged
from tui_hub.database.model_rows import COMMIT, COUNTERS, Stored, storable, stored, values
from tui_hub.domain.changes import Change, ChangeKind, difference, new_commit
from tui_hub.domain.feeds import Counts
from tui_hub.domain.models import Model

_NOTHING = Local()
_TURN = 100
"""Records after which another thread may run."""
_COUNTERS = 1 + len(COUNTERS)
_LOOSE = _COUNTERS + len(COMMIT)
"""Where the counters, and all that changes from day to day, end in the values of a row."""


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


def page_changes(models: Iterable[Model], known: Known, *, announce: bool = False) -> Changes:
    """What a page of records changes; a record that comes twice counts as its later one.

    Args:
        models: the records.
        known: what the catalogue holds of them.
        announce: whether models that were not known are news, and not the stock of a new feed.
    """
    changes = Changes(arrivals=known.arrivals)
    created = updated = 0
    records = {model.id: model for model in map(storable, _in_turns(models))}
    for incoming in _in_turns(records.values()):
        row = known.by_id.get(incoming.id)
        if row is None:
            old = _renamed(incoming, known, changes)
            if old is None:
                _create(incoming, known, changes, announce=announce)
                created += 1
            else:
                updated += _merge(incoming, old, known, changes)
            continue
        told = values(incoming, incoming.type, curated=is_curated(incoming))
        if _says_little(row, told, incoming, known):
            updated += _recount(row, told, incoming, changes)
        else:
            updated += _merge(incoming, stored(row), known, changes)
    unchanged = len(records) - created - updated
    changes.counts = Counts(created=created, updated=updated, unchanged=unchanged)
    return changes


def _in_turns(models: Iterable[Model]) -> Iterator[Model]:
    """The records; now and then the screen's thread gets its turn at once, not after 5 ms."""
    for place, model in enumerate(models):
        if place % _TURN == 0:
            sleep(0)
        yield model


def _create(incoming: Model, known: Known, changes: Changes, *, announce: bool) -> None:
    """Take in a model that was not known."""
    local = known.local.get(incoming.id, _NOTHING)
    model = local.apply(incoming, incoming.type)
    rank = _rank(model.downloads, None, changes)
    changes.insert(rank, model, values(model, incoming.type, curated=is_curated(incoming)))
    if announce:
        changes.history.append(
            Change(model=incoming.id, kind=ChangeKind.NEW, after=incoming.revision)
        )


def _renamed(incoming: Model, known: Known, changes: Changes) -> Stored | None:
    """The row that this record had under another id."""
    if incoming.upstream_id is None:
        return None
    old = known.by_upstream.pop((incoming.source, incoming.upstream_id), None)
    if old is not None:
        changes.rename(old.model.id, incoming.id)
    return old


def _merge(incoming: Model, old: Stored, known: Known, changes: Changes) -> bool:
    """Take in a record of a known model; whether it changes anything."""
    listed = old.model
    if listed.type is not old.listed_type:
        listed = replace(listed, type=old.listed_type)
    model = merged(listed, incoming, curated=old.curated)
    local = known.local.get(old.model.id, _NOTHING)
    new = Stored(
        _rank(model.downloads, old.rank, changes),
        local.apply(model, model.type),
        model.type,
        is_curated(incoming) or old.curated,
    )
    if new == old:
        return False
    changes.update(old, new)
    told = difference(old.model, new.model)
    changes.history += [told] if told is not None else []
    return True


def _says_little(row: Row, told: Row, incoming: Model, known: Known) -> bool:
    """Whether a sync's record differs from its row in counters and commit at most."""
    return (
        row[_LOOSE + 1 :] == told[_LOOSE:]
        and incoming.origin == "sync"
        and incoming.id not in known.local
    )


def _recount(row: Row, told: Row, incoming: Model, changes: Changes) -> bool:
    """Take in counters and commit; whether they change anything. What is empty erases nothing."""
    before = row[1 : _LOOSE + 1]
    after = told[:_LOOSE]
    if not all(after[_COUNTERS:]):
        commit = zip(after[_COUNTERS:], before[_COUNTERS:], strict=True)
        after = (*after[:_COUNTERS], *[now or then for now, then in commit])
    if after == before:
        return False
    rank = _rank(incoming.downloads, row[0], changes)
    changes.rewrite(row, (rank, *after))
    if rank != row[0]:
        changes.move(row[0], rank, incoming)
    change = new_commit(incoming.id, row[_LOOSE], after[-1])
    if change is not None:
        changes.history.append(change)
    return True


def _rank(downloads: int, before: int | None, changes: Changes) -> int:
    """The row number: another one only when the model is in another step of downloads."""
    if before is not None and schema.step(downloads) == schema.step_of(before):
        return before
    changes.arrivals += 1
    return schema.rank(downloads, changes.arrivals)
