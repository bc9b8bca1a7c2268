"""Pages of records on their way into the catalogue's rows, and all that is written with them."""

# ruff: noqa: S608 - what is put into the SQL are this package's own constants

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tui_hub.database import orders
from tui_hub.database.changes import Changes, Local, local_changes
from tui_hub.database.connection import Row, Transaction
from tui_hub.database.facets import write_facets
from tui_hub.database.history import write_history
from tui_hub.database.model_rows import COLUMNS, stored
from tui_hub.database.page_changes import Known, page_changes
from tui_hub.database.values import plain
from tui_hub.domain.feeds import Counts
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.types import ModelType
from tui_hub.text import now

_NAMES = COLUMNS.split(", ")
_ASKED = "json_each(?) AS asked CROSS JOIN"
"""The order of the join is fixed: one lookup for each of what is asked for, in its order."""
_ROW = ", ".join(f"models.{name}" for name in ("rank", *_NAMES))
_INSERT = f"INSERT INTO models (rank, {COLUMNS}) VALUES ({', '.join('?' * (1 + len(_NAMES)))})"
_INDEX = "INSERT INTO search (search, rowid, words, marks) VALUES (?, ?, ?, ?)"


async def merge_page(
    transaction: Transaction, models: Sequence[Model], *, announce: bool = False
) -> Counts:
    """Take a page of records in, inside a larger transaction; see `page_changes`."""
    known = await _known(transaction, models)
    changes = await asyncio.to_thread(page_changes, models, known, announce=announce)
    await orders.leave_out(transaction, changes.counts, changes.arrivals)
    await write_changes(transaction, changes)
    if changes.arrivals != known.arrivals:
        await transaction.execute(
            "UPDATE properties SET value = ? WHERE name = 'arrivals'", (changes.arrivals,)
        )
    return changes.counts


async def _known(transaction: Transaction, models: Sequence[Model]) -> Known:
    """Everything in the catalogue that a page may touch."""
    ids, asked = await asyncio.to_thread(_ids, models)
    rows = await transaction.read(
        f"SELECT {_ROW} FROM {_ASKED} models ON models.id = asked.value", (asked,)
    )
    by_id = {row[1]: row for row in rows}
    asked = await asyncio.to_thread(_keys, ids, by_id)
    rows = await transaction.read(
        f"SELECT {_ROW} FROM {_ASKED} models ON models.upstream_id = asked.value", (asked,)
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


def _ids(models: Sequence[Model]) -> tuple[dict[str, Model], str]:
    """The records by their ids, and the ids as one argument, in the order of their index."""
    ids = {plain(model.id): model for model in models}
    return ids, _argument(sorted(ids))


def _keys(ids: Mapping[str, Model], known: Mapping[str, Row]) -> str:
    """The upstream keys of the records that are new by their ids, as one argument."""
    keys = [model.upstream_id for name, model in ids.items() if name not in known]
    return _argument([plain(key) for key in keys if key])


def _argument(texts: Iterable[str]) -> str:
    return msgspec.json.encode(list(texts)).decode()


async def _local(transaction: Transaction, ids: Sequence[str]) -> dict[str, Local]:
    rows = await transaction.read(
        "SELECT local.id, status, local.type, favourite"
        f" FROM {_ASKED} local ON local.id = asked.value",
        (_argument(ids),),
    )
    return {
        row[0]: Local(row[1] and ModelStatus(row[1]), row[2] and ModelType(row[2]), bool(row[3]))
        for row in rows
    }


async def apply_local(transaction: Transaction, model_id: str) -> None:
    """Let a row say what this box says of its model."""
    rows = await transaction.read(f"SELECT rank, {COLUMNS} FROM models WHERE id = ?", (model_id,))
    local = await _local(transaction, [model_id])
    for row in rows:
        await write_changes(transaction, local_changes(stored(row), local.get(model_id, Local())))


async def drop(transaction: Transaction, model_id: str) -> None:
    """Take a model's row away."""
    rows = await transaction.read(f"SELECT rank, {COLUMNS} FROM models WHERE id = ?", (model_id,))
    changes = Changes()
    for row in map(stored, rows):
        changes.forget(row)
        await transaction.execute("DELETE FROM models WHERE rank = ?", (row.rank,))
    await write_changes(transaction, changes)


async def write_changes(transaction: Transaction, changes: Changes) -> None:
    """Write changes, all that there are."""
    await asyncio.to_thread(changes.arrange)
    await transaction.executemany(_INDEX, await asyncio.to_thread(changes.index_rows))
    for columns, updates in changes.updated.items():
        new = ", ".join(f"{column} = ?" for column in columns)
        await transaction.executemany(f"UPDATE models SET {new} WHERE rank = ?", updates)
    await transaction.executemany(_INSERT, changes.inserted)
    await write_facets(transaction, changes.facets)
    await write_history(transaction, changes.history)
    for old, new in changes.renamed:
        await transaction.execute("UPDATE renames SET new = ? WHERE new = ?", (new, old))
        await transaction.execute(
            "INSERT OR REPLACE INTO renames VALUES (?, ?, ?)", (old, new, now())
        )
        await transaction.execute("UPDATE OR REPLACE local SET id = ? WHERE id = ?", (new, old))
