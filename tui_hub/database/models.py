"""The models of the catalogue: merged page by page, searched, counted."""

# ruff: noqa: S608 - what is put into the SQL are this package's own constants

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence

from tui_hub.database import orders, words
from tui_hub.database.changes import (
    Changes,
    Known,
    Local,
    index_changes,
    local_changes,
    moved_away,
    page_changes,
    removal,
)
from tui_hub.database.connection import Database, Transaction
from tui_hub.database.facets import write_facets
from tui_hub.database.history import write_history
from tui_hub.database.model_rows import COLUMNS, model, stored
from tui_hub.database.searching import count_hits, find_page, read_facets
from tui_hub.database.values import plain
from tui_hub.domain.catalogue import Facets, Page, Search
from tui_hub.domain.feeds import Counts
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.types import ModelType
from tui_hub.text import now

_NAMES = COLUMNS.split(", ")
_IDS = "(SELECT value FROM json_each(?))"
_INSERT = f"INSERT INTO models (rank, {COLUMNS}) VALUES ({', '.join('?' * (1 + len(_NAMES)))})"
_UNINDEX = "INSERT INTO search (search, rowid, words, marks) VALUES ('delete', ?, ?, ?)"
_CHUNK = 5000
_MANY = 10_000
"""New models after which merging the search index pays."""
_MERGED = 1000
"""Pages of the index that are merged in one step: some 4 MB."""


class ModelTable:
    """The models that the catalogue lists, and the index that finds them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def merge(self, models: Iterable[Model]) -> Counts:
        """Take in what a source tells; only rows that differ are written."""
        async with self._database.write() as transaction:
            return await merge_page(transaction, tuple(models))

    async def put(self, model: Model) -> None:
        """Take in one record, by the rules of `merge`."""
        await self.merge((model,))

    async def replace(self, model: Model) -> None:
        """Take in one record as though nothing had been known of its model."""
        async with self._database.write() as transaction:
            await _drop(transaction, plain(model.id))
            await merge_page(transaction, (model,))

    async def forget(self, model_id: str) -> None:
        """Drop a model from the catalogue, with what this box said of it."""
        async with self._database.write() as transaction:
            await _drop(transaction, plain(model_id))
            await transaction.execute("DELETE FROM local WHERE id = ?", (plain(model_id),))

    async def get(self, model_id: str) -> Model | None:
        """A model by its id, or by one that it had before it was renamed."""
        rows = await self._database.read(
            f"SELECT {COLUMNS} FROM models WHERE id = coalesce("
            "(SELECT id FROM models WHERE id = ?1 AND removed = 0),"
            " (SELECT new FROM renames WHERE old = ?1), ?1)",
            (plain(model_id),),
        )
        return model(rows[0]) if rows else None

    async def renamed(self, ids: Iterable[str]) -> dict[str, str]:
        """The present ids of those of these models that have another one now."""
        rows = await self._database.read(
            f"SELECT old, new FROM renames WHERE old IN {_IDS}"
            " AND old NOT IN (SELECT id FROM models) AND new IN (SELECT id FROM models)",
            (json.dumps([plain(name) for name in ids]),),
        )
        return dict(rows)

    async def former(self, model_id: str) -> list[str]:
        """The ids that a model had before."""
        rows = await self._database.read(
            "SELECT old FROM renames WHERE new = ? AND old NOT IN (SELECT id FROM models)",
            (plain(model_id),),
        )
        return [row[0] for row in rows]

    async def search(self, search: Search, limit: int = 50, after: str | None = None) -> Page:
        """The next `limit` models of an answer, best first.

        Order by downloads is exact within a page and in steps of a twelfth across pages.

        Args:
            search: the question.
            limit: models to a page.
            after: the page before's `after`; `None` begins.

        Raises:
            UsageError: when `after` is not the key of a page.
        """
        return await find_page(self._database, search, limit, after)

    async def count(self, search: Search, cap: int | None = None) -> int:
        """How many models answer; counting stops at `cap`."""
        return await count_hits(self._database, search, cap)

    async def facets(self, search: Search) -> Facets:
        """How many models of the answer carry each value of each facet, commonest first."""
        return await read_facets(self._database, search)

    async def total(self) -> int:
        """How many models the catalogue lists, without those that vanished upstream."""
        return await count_hits(self._database, Search(), None)

    async def set_local(
        self,
        model_id: str,
        status: ModelStatus | None = None,
        type: ModelType | None = None,  # noqa: A002 - the spec's word
    ) -> None:
        """Say what this box has of a model, or what the user takes it for; `None` says nothing new.

        No sync overwrites it, and it may be said before the catalogue has the model.
        """
        async with self._database.write() as transaction:
            await transaction.execute(
                "INSERT INTO local (id, status, type) VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET status = coalesce(excluded.status, status),"
                " type = coalesce(excluded.type, type)",
                (plain(model_id), status, type),
            )
            await _apply_local(transaction, plain(model_id))

    async def reset_type(self, model_id: str) -> None:
        """Give a model the type of its source again."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "UPDATE local SET type = NULL WHERE id = ?", (plain(model_id),)
            )
            await _apply_local(transaction, plain(model_id))

    async def set_favourites(self, models: Iterable[str]) -> None:
        """Say which models the user starred, and that no others are; known ones or not."""
        given = [plain(model_id) for model_id in models]
        rows = await self._database.read(
            "SELECT coalesce(new, value) FROM json_each(?) LEFT JOIN renames ON old = value",
            (json.dumps(given),),
        )
        wanted = {row[0] for row in rows}
        rows = await self._database.read("SELECT id FROM local WHERE favourite")
        changed = wanted.symmetric_difference(row[0] for row in rows)
        for model_id in sorted(changed):
            async with self._database.write() as transaction:
                await transaction.execute(
                    "INSERT INTO local (id, favourite) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET"
                    " favourite = excluded.favourite",
                    (model_id, model_id in wanted),
                )
                await _apply_local(transaction, model_id)

    async def known(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of these ids that the catalogue has."""
        rows = await self._database.read(
            f"SELECT id FROM models WHERE id IN {_IDS}", (json.dumps([plain(one) for one in ids]),)
        )
        return frozenset(row[0] for row in rows)

    async def mark_removed(self, model_id: str, why: str) -> bool:
        """Mark a model as vanished upstream, in words; `False` where it is marked already."""
        async with self._database.write() as transaction:
            rows = await transaction.read(
                f"SELECT rank, {COLUMNS} FROM models WHERE id = ?", (plain(model_id),)
            )
            old = stored(rows[0]) if rows else None
            if old is None or old.model.removed:
                return False
            await _write(transaction, removal(old, why))
        return True

    async def follow_rename(self, old_id: str, model: Model) -> Counts:
        """Take in the record of a model that is found under another id than the one asked for."""
        async with self._database.write() as transaction:
            counts = await merge_page(transaction, (model,))
            rows = await transaction.read(
                f"SELECT rank, {COLUMNS} FROM models WHERE id = ?", (plain(old_id),)
            )
            for row in rows:
                await _write(transaction, moved_away(stored(row), plain(model.id)))
                await _apply_local(transaction, plain(model.id))
        return counts

    async def rebuild(self) -> None:
        """Make the search index and the facet counts anew from the rows."""
        async with self._database.write() as transaction:
            await transaction.execute("INSERT INTO search (search) VALUES ('delete-all')")
            await transaction.execute("DELETE FROM facet_rows")
            await transaction.execute("DELETE FROM facet_sets")
            last = -1
            while rows := await transaction.read(
                f"SELECT rank, {COLUMNS} FROM models WHERE rank > ? ORDER BY rank LIMIT ?",
                (last, _CHUNK),
            ):
                last = rows[-1][0]
                await _write(transaction, await asyncio.to_thread(_indexing, rows))
            await transaction.execute(
                "UPDATE properties SET value = ? WHERE name = 'words'", (words.VERSION,)
            )

    async def rebuild_if_outdated(self) -> None:
        """Rebuild the index where it holds words as another version of the program makes them."""
        rows = await self._database.read("SELECT value FROM properties WHERE name = 'words'")
        if rows[0][0] != words.VERSION:
            await self.rebuild()

    async def finish(self, created: int) -> None:
        """Put in order what a sync with so many new models has left undone."""
        await orders.make(self._database)
        if created >= _MANY:
            await self.optimize()

    async def optimize(self) -> None:
        """Merge the index's segments, for the shortest searches after a large sync.

        Step by step, each a transaction of its own: other writers get a turn, and each step frees
        what the next one takes.
        """
        pages, merged = -_MERGED, 2
        while merged >= 2:
            async with self._database.write() as transaction:
                before = await transaction.read("SELECT total_changes()")
                await transaction.execute(
                    "INSERT INTO search (search, rank) VALUES ('merge', ?)", (pages,)
                )
                after = await transaction.read("SELECT total_changes()")
            merged, pages = after[0][0] - before[0][0], _MERGED


async def merge_page(
    transaction: Transaction, models: Sequence[Model], *, announce: bool = False
) -> Counts:
    """Take a page of records in, inside a larger transaction; see `page_changes`."""
    known = await _known(transaction, models)
    changes = await asyncio.to_thread(page_changes, models, known, announce=announce)
    await orders.leave_out(transaction, changes.counts, changes.arrivals)
    await _write(transaction, changes)
    if changes.arrivals != known.arrivals:
        await transaction.execute(
            "UPDATE properties SET value = ? WHERE name = 'arrivals'", (changes.arrivals,)
        )
    return changes.counts


async def _known(transaction: Transaction, models: Sequence[Model]) -> Known:
    """Everything in the catalogue that a page may touch."""
    ids = {plain(model.id): model for model in models}
    rows = await transaction.read(
        f"SELECT rank, {COLUMNS} FROM models WHERE id IN {_IDS}", (json.dumps(list(ids)),)
    )
    by_id = {row[1]: row for row in rows}
    keys = [model.upstream_id for name, model in ids.items() if name not in by_id]
    rows = await transaction.read(
        f"SELECT rank, {COLUMNS} FROM models WHERE upstream_id IN {_IDS}",
        (json.dumps([plain(key) for key in keys if key]),),
    )
    moved = [row for row in map(stored, rows) if row.model.id not in ids]
    touched = [*ids, *(row.model.id for row in moved)]
    return Known(
        by_id=by_id,
        by_upstream={(row.model.source, row.model.upstream_id or ""): row for row in moved},
        local=await _local(transaction, touched),
        arrivals=(await transaction.read("SELECT value FROM properties WHERE name = 'arrivals'"))[
            0
        ][0],
    )


async def _local(transaction: Transaction, ids: Sequence[str]) -> dict[str, Local]:
    rows = await transaction.read(
        f"SELECT id, status, type, favourite FROM local WHERE id IN {_IDS}", (json.dumps(ids),)
    )
    return {
        row[0]: Local(row[1] and ModelStatus(row[1]), row[2] and ModelType(row[2]), bool(row[3]))
        for row in rows
    }


async def _apply_local(transaction: Transaction, model_id: str) -> None:
    rows = await transaction.read(f"SELECT rank, {COLUMNS} FROM models WHERE id = ?", (model_id,))
    local = await _local(transaction, [model_id])
    for row in rows:
        await _write(transaction, local_changes(stored(row), local.get(model_id, Local())))


async def _drop(transaction: Transaction, model_id: str) -> None:
    rows = await transaction.read(f"SELECT rank, {COLUMNS} FROM models WHERE id = ?", (model_id,))
    changes = Changes()
    for row in map(stored, rows):
        changes.forget(row)
        await transaction.execute("DELETE FROM models WHERE rank = ?", (row.rank,))
    await _write(transaction, changes)


async def _write(transaction: Transaction, changes: Changes) -> None:
    """Write changes: the index first forgets what it knew of the rows that change."""
    await asyncio.to_thread(changes.arrange)
    await transaction.executemany(_UNINDEX, changes.unindexed)
    for columns, updates in changes.updated.items():
        new = ", ".join(f"{column} = ?" for column in columns)
        await transaction.executemany(f"UPDATE models SET {new} WHERE rank = ?", updates)
    await transaction.executemany(_INSERT, changes.inserted)
    await transaction.executemany(
        "INSERT INTO search (rowid, words, marks) VALUES (?, ?, ?)", changes.indexed
    )
    await write_facets(transaction, changes.facets)
    await write_history(transaction, changes.history)
    for old, new in changes.renamed:
        await transaction.execute("UPDATE renames SET new = ? WHERE new = ?", (new, old))
        await transaction.execute(
            "INSERT OR REPLACE INTO renames VALUES (?, ?, ?)", (old, new, now())
        )
        await transaction.execute("UPDATE OR REPLACE local SET id = ? WHERE id = ?", (new, old))


def _indexing(rows: Sequence[tuple[object, ...]]) -> Changes:
    return index_changes([stored(row) for row in rows])
