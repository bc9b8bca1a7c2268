"""Migrations: functions that change the schema, in order, each recorded by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from tui_hub.domain.errors import RefusedError
from tui_hub.text import now

if TYPE_CHECKING:
    from tui_hub.database.connection import Database, Transaction

Migration = Callable[["Transaction"], Awaitable[None]]


async def migrate(database: Database, migrations: Sequence[Migration]) -> None:
    """Run what was not run yet, all in one transaction.

    Raises:
        RefusedError: the file carries a migration that this program does not know.
    """
    names = [migration.__name__ for migration in migrations]
    if await _applied(database) == names:
        return
    async with database.write() as transaction:
        await transaction.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)"
        )
        applied = {row[0] for row in await transaction.read("SELECT name FROM migrations")}
        unknown = sorted(applied.difference(names))
        if unknown:
            raise RefusedError(
                f"the database {database.path} was made by a newer version of tui-hub "
                f"(it has {unknown[0]!r})",
                hint="Upgrade tui-hub, or use another home with --home.",
            )
        for migration in migrations:
            if migration.__name__ not in applied:
                await migration(transaction)
                await transaction.execute(
                    "INSERT INTO migrations VALUES (?, ?)", (migration.__name__, now())
                )


async def _applied(database: Database) -> list[str]:
    """The migrations that the file carries, without taking the writer's lock."""
    if not await database.read("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'"):
        return []
    return [row[0] for row in await database.read("SELECT name FROM migrations ORDER BY rowid")]
