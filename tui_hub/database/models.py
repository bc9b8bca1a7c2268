"""The models of the catalogue: merged page by page, searched, counted."""

# ruff: noqa: S608 - what is put into the SQL are this package's own constants

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence

from tui_hub.database import orders, words
from tui_hub.database.changes import Changes, index_changes, moved_away, removal
from tui_hub.database.connection import Database
from tui_hub.database.counting import count_hits, read_facets
from tui_hub.database.jumps import find_key
from tui_hub.database.model_rows import COLUMNS, model, stored
from tui_hub.database.pages import apply_local, drop, merge_page, write_changes
from tui_hub.database.searching import find_page
from tui_hub.database.values import plain
from tui_hub.domain.catalogue import Facets, Page, Search
from tui_hub.domain.feeds import Counts
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.types import ModelType

_IDS = "(SELECT value FROM json_each(?))"
_CHUNK = 5000
_MANY = 10_000
"""New models after which merging the search index pays."""
_GROUP = 200
"""Models that are changed one by one in one transaction."""
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
            await drop(transaction, plain(model.id))
            await merge_page(transaction, (model,))

    async def forget(self, model_id: str) -> None:
        """Drop a model from the catalogue, with what this box said of it."""
        async with self._database.write() as transaction:
            await drop(transaction, plain(model_id))
            await transaction.execute("DELETE FROM local WHERE id = ?", (plain(model_id),))

    async def get(self, model_id: str) -> Model | None:
        """A model by its id, or by one that it had before it was renamed."""
        rows = await self._database.read(
            f"SELECT {COLUMNS} FROM models WHERE id = coalesce("
            "(SELECT id FROM models WHERE id = ? AND removed = 0),"
            " (SELECT new FROM renames WHERE old = ?), ?)",
            (plain(model_id),) * 3,
        )
        return model(rows[0]) if rows else None

    async def renamed(self, ids: Iterable[str]) -> dict[str, str]:
        """The present ids of those of these models that have another one now."""
        rows = await self._database.read(
            f"SELECT old, new FROM renames WHERE old IN {_IDS}"
            " AND old NOT IN (SELECT id FROM models WHERE removed = 0)"
            " AND new IN (SELECT id FROM models)",
            (json.dumps([plain(name) for name in ids]),),
        )
        return dict(rows)

    async def former(self, model_id: str) -> list[str]:
        """The ids that a model had before."""
        rows = await self._database.read(
            "SELECT old FROM renames WHERE new = ?"
            " AND old NOT IN (SELECT id FROM models WHERE removed = 0)",
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

    async def key_at(self, search: Search, row: int) -> str | None:
        """The `after` of the page that begins with a row, counted from 0; `row` is at least 1.

        Rows before it are passed over one by one. `None` where the answer ends before it.
        """
        return await find_key(self._database, search, row)

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
            await apply_local(transaction, plain(model_id))

    async def reset_type(self, model_id: str) -> None:
        """Give a model the type of its source again."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "UPDATE local SET type = NULL WHERE id = ?", (plain(model_id),)
            )
            await apply_local(transaction, plain(model_id))

    async def set_favourites(self, models: Iterable[str]) -> None:
        """Say which models the user starred, and that no others are; known ones or not."""
        given = [plain(model_id) for model_id in models]
        rows = await self._database.read(
            "SELECT coalesce((SELECT id FROM models WHERE id = value AND removed = 0), new, value)"
            " FROM json_each(?) LEFT JOIN renames ON old = value",
            (json.dumps(given),),
        )
        wanted = {row[0] for row in rows}
        rows = await self._database.read("SELECT id FROM local WHERE favourite")
        changed = wanted.symmetric_difference(row[0] for row in rows)
        for group in _batched(sorted(changed)):
            async with self._database.write() as transaction:
                for model_id in group:
                    await transaction.execute(
                        "INSERT INTO local (id, favourite) VALUES (?, ?)"
                        " ON CONFLICT (id) DO UPDATE SET favourite = excluded.favourite",
                        (model_id, model_id in wanted),
                    )
                    await apply_local(transaction, model_id)

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
            await write_changes(transaction, removal(old, why))
        return True

    async def follow_rename(self, old_id: str, model: Model) -> Counts:
        """Take in the record of a model that is found under another id than the one asked for."""
        async with self._database.write() as transaction:
            counts = await merge_page(transaction, (model,))
            rows = await transaction.read(
                f"SELECT rank, {COLUMNS} FROM models WHERE id = ?", (plain(old_id),)
            )
            for row in rows:
                await write_changes(transaction, moved_away(stored(row), plain(model.id)))
                await apply_local(transaction, plain(model.id))
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
                await write_changes(transaction, await asyncio.to_thread(_indexing, rows))
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
        if created >= _MANY or await orders.are_left_out(self._database):
            await self.optimize()
        await orders.make(self._database)

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


def _batched(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Ids in groups, each small enough that other writers get their turn in between."""
    return (ids[start : start + _GROUP] for start in range(0, len(ids), _GROUP))


def _indexing(rows: Sequence[tuple[object, ...]]) -> Changes:
    return index_changes([stored(row) for row in rows])
