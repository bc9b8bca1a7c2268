"""Feeds: where each one's sync stands."""

# ruff: noqa: S608 - what is put into the SQL are this module's own constants

from __future__ import annotations

import builtins
from dataclasses import asdict

from tui_hub.database.connection import Database, Row, Transaction
from tui_hub.database.values import document, finite, mapping, optional, plain, whole
from tui_hub.domain.feeds import Counts, FeedState, FeedStatus

_COLUMNS = (
    "feed, state, last_sync, last_success, next_run, retries, error, counts, "
    "requests, bytes, seconds, cursor, watermark"
)
_NAMES = _COLUMNS.split(", ")


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
        """Write the state of a feed."""
        async with self._database.write() as transaction:
            await put_feed(transaction, status)


async def put_feed(transaction: Transaction, status: FeedStatus) -> None:
    """Write the state of a feed inside a larger transaction."""
    await transaction.execute(
        f"INSERT OR REPLACE INTO feeds ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})",
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
        ),
    )


def _status(row: Row) -> FeedStatus:
    values = dict(zip(_NAMES, row, strict=True))
    values["state"] = FeedState(values["state"])
    values["counts"] = Counts(**mapping(values["counts"]))
    return FeedStatus(**values)
