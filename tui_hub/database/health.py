"""Whether a database file is sound, and whether it can be written."""

from __future__ import annotations

import asyncio

from tui_hub.database import files
from tui_hub.database.connection import Database
from tui_hub.domain.doctor import DatabaseHealth
from tui_hub.text import clean

_MOST_FAULTS = 5


async def examine(database: Database) -> DatabaseHealth:
    """Look through the whole file, which takes a second for some hundred MiB. Cancelling stops it.

    A damaged one that can be made anew is marked for that, as when it is found damaged in use.

    Raises:
        CorruptError: when it is too damaged even for that.
        HubError: when it cannot be read.
    """
    journal = await database.read("PRAGMA journal_mode")
    answers = await database.read(f"PRAGMA quick_check({_MOST_FAULTS})")
    faults = tuple(clean(row[0], 200) for row in answers if row[0] != "ok")
    if faults:
        database.found_damaged()
    size, aside = await asyncio.to_thread(_look, database)
    return DatabaseHealth(
        name=database.path.name,
        bytes=size,
        journal=str(journal[0][0]),
        faults=faults,
        aside=aside,
    )


async def try_to_write(database: Database) -> None:
    """Take the writer's lock and give it back.

    Raises:
        HubError: when another process keeps it, or the file cannot be written.
    """
    async with database.write():
        pass


def _look(database: Database) -> tuple[int, str | None]:
    aside = files.aside_of(database.path)
    return files.size(database.path), str(aside) if aside.exists() else None
