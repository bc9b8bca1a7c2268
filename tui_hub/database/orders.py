"""The indexes that a listing by likes, size or another column walks.

In a first load of a large catalogue they would cost more than all else, as each row goes to another
place of each of them; so they are left out while it lasts and made at its end, all at once. A
listing by such an order is sorted meanwhile, which takes a second or two where there are millions.
"""

from __future__ import annotations

from tui_hub.database.catalogue_schema import ORDERS
from tui_hub.database.connection import Database, Transaction
from tui_hub.domain.feeds import Counts

_LOAD = 500
"""New models in one page from which on it is part of a load."""
_SETTLED = 200_000
"""Models beside which a load is no longer worth making the indexes anew."""


async def leave_out(transaction: Transaction, counts: Counts, arrivals: int) -> None:
    """Drop the indexes where a page belongs to a first load."""
    if counts.created < _LOAD or arrivals > _SETTLED:
        return
    for name in await _present(transaction):
        await transaction.execute(f"DROP INDEX {name}")


async def make(database: Database) -> None:
    """Make the indexes that are missing, one to a transaction, so that other writers get a turn."""
    present = await _present(database)
    for name, columns in ORDERS.items():
        if name not in present:
            async with database.write() as transaction:
                await transaction.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")


async def _present(reader: Database | Transaction) -> list[str]:
    rows = await reader.read("SELECT name FROM sqlite_schema WHERE type = 'index'")
    return [row[0] for row in rows if row[0] in ORDERS]
