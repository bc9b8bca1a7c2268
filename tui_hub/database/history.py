"""The feed of changes: what became of the catalogue's models, newest last."""

# ruff: noqa: S608 - what is put into the SQL are this module's own constants

from __future__ import annotations

import asyncio
import builtins
import json
from collections.abc import Sequence

from tui_hub.database.connection import Database, Row, Transaction
from tui_hub.database.model_rows import COLUMNS, model
from tui_hub.database.values import document, optional, plain, words
from tui_hub.domain.changes import Change, ChangeEntry, ChangeKind, ChangeQuery
from tui_hub.text import now

_KEPT = 200_000
"""Changes that are kept; a sync of the whole Hub brings some tens of thousands a day."""
_ALL = ", ".join(f"models.{name}" for name in COLUMNS.split(", "))
_NEED = "coalesce(2 * models.params, models.size)"
"""Bytes of the weights at sixteen bits, or of all files: what stands in the row."""


class ChangeTable:
    """What syncs found to have changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, query: ChangeQuery, limit: int) -> builtins.list[ChangeEntry]:
        """The newest `limit` changes that a query asks for, newest first."""
        where, arguments = _conditions(query)
        rows = await self._database.read(
            f"SELECT number, at, changes.model, kind, before, after, what, {_ALL}"
            " FROM changes LEFT JOIN models ON models.id = changes.model"
            f" WHERE {where} ORDER BY number DESC LIMIT ?",
            (*arguments, limit),
        )
        return [_entry(row) for row in rows]

    async def count(self, query: ChangeQuery) -> int:
        """How many changes a query asks for."""
        where, arguments = _conditions(query)
        about_models = query.installed or query.memory is not None
        join = " LEFT JOIN models ON models.id = changes.model" if about_models else ""
        rows = await self._database.read(
            f"SELECT count(*) FROM changes{join} WHERE {where}",
            arguments,
        )
        return int(rows[0][0])

    async def last(self) -> int:
        """The number of the newest change; 0 where there was none."""
        rows = await self._database.read("SELECT coalesce(max(number), 0) FROM changes")
        return int(rows[0][0])

    async def prune(self) -> None:
        """Forget the oldest changes beyond what is kept."""
        oldest = await self.last() - _KEPT
        if oldest > 0:
            async with self._database.write() as transaction:
                await transaction.execute("DELETE FROM changes WHERE number <= ?", (oldest,))


async def write_history(transaction: Transaction, history: Sequence[Change]) -> None:
    """Add changes to the feed, inside a larger transaction."""
    if history:
        await transaction.executemany(
            "INSERT INTO changes (at, model, kind, before, after, what) VALUES (?, ?, ?, ?, ?, ?)",
            await asyncio.to_thread(_rows, history),
        )


def _rows(history: Sequence[Change]) -> builtins.list[tuple[object, ...]]:
    at = now()
    return [
        (
            change.at or at,
            plain(change.model),
            str(change.kind),
            optional(change.before),
            optional(change.after),
            document(change.what),
        )
        for change in history
    ]


def _conditions(query: ChangeQuery) -> tuple[str, tuple[object, ...]]:
    parts: list[str] = ["number > ?"]
    arguments: list[object] = [query.beyond]
    if query.before is not None:
        parts.append("number < ?")
        arguments.append(query.before)
    if query.models:
        parts.append("changes.model IN (SELECT value FROM json_each(?))")
        arguments.append(json.dumps([plain(model) for model in query.models]))
    if query.since is not None:
        parts.append("at >= ?")
        arguments.append(query.since)
    if query.kinds:
        parts.append(f"kind IN ({', '.join('?' * len(query.kinds))})")
        arguments += query.kinds
    if query.installed:
        parts.append("models.status IN ('installed', 'active')")
    if query.memory is not None:
        parts.append(f"{_NEED} <= ?")
        arguments.append(query.memory)
    return " AND ".join(parts), tuple(arguments)


def _entry(row: Row) -> ChangeEntry:
    number, at, name, kind, before, after, what, *columns = row
    return ChangeEntry(
        number=number,
        change=Change(
            model=name,
            kind=ChangeKind(kind),
            before=before,
            after=after,
            what=words(what),
            at=at,
        ),
        model=model(tuple(columns)) if columns[0] is not None else None,
    )
