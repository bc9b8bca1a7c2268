"""The two databases of the home."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tui_hub.database import CatalogueDatabase, HubDatabase
from tui_hub.domain.doctor import DatabaseHealth, Finding
from tui_hub.services.doctor.findings import error, ok, warning
from tui_hub.text import size

SECONDS = 60.0
_CHECK = "database"
_PATIENCE = 40.0
"""Seconds for the look through a file; a catalogue of the whole Hub takes some."""
_LOCKED = 3.0


async def look(database: HubDatabase | CatalogueDatabase) -> AsyncIterator[Finding]:
    """Whether a database is sound and can be written."""
    name = database.path.name
    try:
        async with asyncio.timeout(_LOCKED):
            await database.try_to_write()
    except TimeoutError:
        yield error(
            _CHECK,
            f"{name}: another process has kept it locked for {_LOCKED:.0f} s",
            "Wait for it, or end it: `processes` in `tui-hub doctor` names those of this home.",
        )
        return
    try:
        async with asyncio.timeout(_PATIENCE):
            health = await database.health()
    except TimeoutError:
        yield warning(
            _CHECK,
            f"{name} was not looked through to its end within {_PATIENCE:.0f} s",
            "It is large, or its disk is slow; nothing wrong was found until then.",
        )
        return
    durable = isinstance(database, HubDatabase)
    if health.faults:
        yield _damaged(health, durable)
    elif health.journal == "wal":
        yield ok(_CHECK, f"{name} is sound: {size(health.bytes)}, journal wal")
    else:
        yield warning(
            _CHECK,
            f"{name} is sound, but its file system cannot keep a WAL: with journal "
            f"{health.journal} reading and writing wait for each other",
            "A home on a local disk is quicker (TUI_HUB_HOME); the store may stay where it is "
            "(MODEL_STORE_PATH).",
        )
    if health.aside is not None:
        yield warning(
            _CHECK,
            f"a damaged {name} was put aside as {health.aside}",
            "`tui-hub sync` fills the new one; then that file can be deleted.",
        )


def _damaged(health: DatabaseHealth, durable: bool) -> Finding:
    said = f"{health.name} is damaged: {health.faults[0]}"
    if durable:
        return error(
            _CHECK,
            said,
            "Restore it from a backup, or move it away; what is installed is then read from the "
            "store again.",
        )
    return error(
        _CHECK, said, "The next start puts it aside and begins anew; `tui-hub sync` fills it."
    )
