"""Feeds: where each one's sync stands."""

# ruff: noqa: S608 - what is put into the SQL are this module's own constants

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import msgspec

from tui_hub.database.connection import Database, Row, Transaction
from tui_hub.database.values import document, finite, mapping, optional, plain, whole
from tui_hub.domain.feeds import Counts, FeedState, FeedStatus, Quota, WalkState
from tui_hub.domain.schedule import Turn

_COLUMNS = (
    "feed, state, last_sync, last_success, next_run, retries, error, counts, "
    "requests, bytes, seconds, cursor, watermark, walk, quota"
)
_NAMES = _COLUMNS.split(", ")
_TURN = ("next_run", "retries")
_OWN = ", ".join(f"{name} = excluded.{name}" for name in _NAMES if name not in _TURN)
"""What a sync writes of its feed. The turn is the schedule's, so that neither undoes the other."""


class FeedTable:
    """The state of every feed that was ever synced or scheduled."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, feed: str) -> FeedStatus:
        """The state of a feed; a feed that is not known was never synced."""
        rows = await self._database.read(
            f"SELECT {_COLUMNS} FROM feeds WHERE feed = ?", (plain(feed),)
        )
        return _status(rows[0]) if rows else FeedStatus(feed=feed)

    async def list(self) -> builtins.list[FeedStatus]:
        """All known feeds, by name."""
        rows = await self._database.read(f"SELECT {_COLUMNS} FROM feeds ORDER BY feed")
        return [_status(row) for row in rows]

    async def put(self, status: FeedStatus) -> None:
        """Write the state of a feed; the turn of one that is known stays as it is."""
        async with self._database.write() as transaction:
            await put_feed(transaction, status)

    async def plan(self, feeds: Sequence[str], turn: Callable[[FeedStatus], Turn]) -> None:
        """Set the turns of feeds, each by what is known of it; nobody writes in between."""
        async with self._database.write() as transaction:
            rows = await transaction.read(f"SELECT {_COLUMNS} FROM feeds")
            known = {status.feed: status for status in map(_status, rows)}
            for feed in feeds:
                before = known.get(feed, FeedStatus(feed=feed))
                planned = turn(before)
                after = replace(before, next_run=planned.next_run, retries=planned.retries)
                if feed not in known:
                    await put_feed(transaction, after)
                elif after != before:
                    await transaction.execute(
                        "UPDATE feeds SET next_run = ?, retries = ? WHERE feed = ?",
                        (after.next_run, whole(after.retries), plain(feed)),
                    )


async def put_feed(transaction: Transaction, status: FeedStatus) -> None:
    """Write the state of a feed inside a larger transaction, as `FeedTable.put` does."""
    await transaction.execute(
        f"INSERT INTO feeds ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"
        f" ON CONFLICT (feed) DO UPDATE SET {_OWN}",
        (
            plain(status.feed),
            status.state,
            status.last_sync,
            status.last_success,
            status.next_run,
            whole(status.retries),
            optional(status.error),
            document(asdict(status.counts)),
            whole(status.requests),
            whole(status.bytes),
            finite(status.seconds),
            optional(status.cursor),
            optional(status.watermark),
            document(asdict(status.walk)),
            None if status.quota is None else document(asdict(status.quota)),
        ),
    )


def _status(row: Row) -> FeedStatus:
    values = dict(zip(_NAMES, row, strict=True))
    values["state"] = FeedState(values["state"])
    values["counts"] = Counts(**mapping(values["counts"]))
    values["walk"] = msgspec.convert(mapping(values["walk"]), WalkState)
    if values["quota"] is not None:
        values["quota"] = Quota(**mapping(values["quota"]))
    return FeedStatus(**values)
