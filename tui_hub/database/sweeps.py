"""What a full walk over a feed has seen, and which models it ought to have seen and did not.

Whatever a listing leaves out is only missing, not removed: each such model is asked for by name
before anything is said of it. Ids are noted as 64-bit digests; of two that have the same one, the
vanished is noticed once the other has vanished too.
"""

# ruff: noqa: S608 - what is put into the SQL are this module's own constants

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import zip_longest

from tui_hub.database import catalogue_schema as schema
from tui_hub.database.connection import Database, Row, Transaction
from tui_hub.database.values import plain
from tui_hub.domain.feeds import Feed, Query, Reach

_CHUNK = 5000


class SweepTable:
    """The full walks that go on, and the models that are yet to be asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, feed: str) -> None:
        """Forget what an earlier walk over a feed has seen."""
        async with self._database.write() as transaction:
            await transaction.execute("DELETE FROM sightings WHERE feed = ?", (plain(feed),))

    async def finish(self, feed: Feed, reaches: Sequence[Reach]) -> None:
        """Note which models a walk to the end should have listed and did not.

        Args:
            feed: what was walked.
            reaches: how far down each of its queries was; those beyond the last one to the end.
        """
        async for rows in self._covered(feed, reaches):
            keys = await asyncio.to_thread(_keys, [row[1] for row in rows])
            seen = await self._database.read(
                "SELECT model FROM sightings WHERE feed = ?"
                " AND model IN (SELECT value FROM json_each(?))",
                (plain(feed.name), json.dumps(keys)),
            )
            known = {row[0] for row in seen}
            missing = [row[1] for row, key in zip(rows, keys, strict=True) if key not in known]
            if not missing:
                continue
            async with self._database.write() as transaction:
                await transaction.executemany(
                    "INSERT OR IGNORE INTO missing (feed, model) VALUES (?, ?)",
                    [(plain(feed.name), name) for name in missing],
                )
        await self.begin(feed.name)

    async def missing(self, feed: str, limit: int) -> list[str]:
        """Models that are to be asked for, `limit` at most, those first that never were."""
        rows = await self._database.read(
            "SELECT model FROM missing WHERE feed = ? ORDER BY tries, model LIMIT ?",
            (plain(feed), limit),
        )
        return [row[0] for row in rows]

    async def tried(self, feed: str, model: str) -> None:
        """A missing model was asked for, and nothing came of it."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "UPDATE missing SET tries = tries + 1 WHERE feed = ? AND model = ?",
                (plain(feed), plain(model)),
            )

    async def settled(self, feed: str, model: str) -> None:
        """A missing model was asked for, and what came of it is written down."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "DELETE FROM missing WHERE feed = ? AND model = ?", (plain(feed), plain(model))
            )

    async def covers_any(self, feed: Feed) -> bool:
        """Whether the catalogue lists a model that the feed's queries ask for."""
        async for rows in self._covered(feed, (), limit=1):
            return bool(rows)
        return False

    async def _covered(
        self, feed: Feed, reaches: Sequence[Reach], limit: int = _CHUNK
    ) -> AsyncIterator[list[Row]]:
        """Rank and id of the models that the queries ask for, in chunks, by popularity."""
        where, arguments = _any_of(feed.queries, reaches)
        last = -1
        while rows := await self._database.read(
            "SELECT rank, id FROM models WHERE rank > ? AND source = ?"
            f" AND origin = 'sync' AND removed = 0 AND {where} ORDER BY rank LIMIT ?",
            (last, feed.source, *arguments, limit),
        ):
            yield rows
            last = rows[-1][0]


async def note_seen(transaction: Transaction, feed: str, ids: Iterable[str]) -> None:
    """Note what a page of a full walk lists, inside a larger transaction."""
    keys = await asyncio.to_thread(_keys, ids)
    await transaction.executemany(
        "INSERT OR IGNORE INTO sightings VALUES (?, ?)", [(plain(feed), key) for key in keys]
    )


def _keys(ids: Iterable[str]) -> list[int]:
    """Digests of ids. One that came back in another case counts as missing, and is looked up."""
    return [
        int.from_bytes(
            hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest(), signed=True
        )
        for name in ids
    ]


def _any_of(queries: Sequence[Query], reaches: Sequence[Reach]) -> tuple[str, tuple[object, ...]]:
    """What the queries of a feed must have listed, as a condition on the rows of models."""
    parts: list[str] = []
    arguments: list[object] = []
    for query, reach in zip_longest(queries, reaches[: len(queries)], fillvalue=None):
        where, more = _condition(query or Query())
        if reach is not None and reach.certain:
            where += " AND rank <= ?"
            more.append(schema.rank(reach.certain, 2**32 - 1))
        parts.append(f"({where})")
        arguments += more
    return f"({' OR '.join(parts) or '1'})", tuple(arguments)


def _condition(query: Query) -> tuple[str, list[object]]:
    parts: list[str] = ["1"]
    arguments: list[object] = []
    for tag in (*query.filter, *((query.library,) if query.library else ())):
        parts.append("instr(tags, ?)")
        arguments.append(json.dumps(plain(tag), ensure_ascii=False))
    if query.pipeline_tag:
        parts.append("task = ?")
        arguments.append(plain(query.pipeline_tag))
    if query.author:
        parts.append("author = ? COLLATE NOCASE")
        arguments.append(plain(query.author))
    if query.search:
        parts.append("instr(lower(substr(id, instr(id, ':') + 1)), lower(?))")
        arguments.append(plain(query.search))
    return " AND ".join(parts), arguments
