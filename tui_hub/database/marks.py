"""Numbers that last: up to where a person has read something, and what is counted for ever."""

from __future__ import annotations

from tui_hub.database.connection import Database
from tui_hub.database.values import plain, whole


class MarkTable:
    """Numbers by name; a name that was never set has none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> int | None:
        """The number under a name."""
        rows = await self._database.read("SELECT value FROM marks WHERE name = ?", (plain(name),))
        return int(rows[0][0]) if rows else None

    async def add(self, name: str, amount: int) -> None:
        """Let the number under a name grow; one that was never set begins at nothing."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "INSERT INTO marks VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                (plain(name), whole(amount)),
            )

    async def put(self, name: str, value: int) -> None:
        """Set the number under a name."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "INSERT OR REPLACE INTO marks VALUES (?, ?)", (plain(name), whole(value))
            )
