"""What a first load of a large catalogue leaves to its end, to do it once and not row by row.

The indexes that a listing by likes, size or another column walks would cost more than all else, as
each row goes to another place of each of them; they are left out, and made all at once. A listing
by such an order is sorted meanwhile, which takes a second or two where there are millions.

The search index gathers a whole page of words before it writes them, and keeps many of the parts
that come of it, before it merges them. A search has to look into each, and takes some milliseconds
longer.
"""

from __future__ import annotations

from tui_hub.database.catalogue_schema import ORDERS
from tui_hub.database.connection import Database, Transaction
from tui_hub.domain.feeds import Counts

_LOAD = 500
"""New models in one page from which on it is part of a load."""
_SETTLED = 200_000
"""Models beside which a load is no longer worth making the indexes anew."""
_LOADING = {"hashsize": 8 * 2**20, "automerge": 0, "crisismerge": 24}
_LASTING = {"hashsize": 2**20, "automerge": 8, "crisismerge": 16}
"""The bytes of words that the search index gathers, and the parts of one size after which it merges
them: bit by bit, or else all at once. The whole Hub comes in some 500 pages, whose words are so
written three times; a higher number writes them as often, and leaves searches more to look into."""


async def leave_out(transaction: Transaction, counts: Counts, arrivals: int) -> None:
    """Leave to the end what can be, where a page belongs to a first load."""
    if counts.created < _LOAD or arrivals > _SETTLED:
        return
    present = await _present(transaction)
    for name in present:
        await transaction.execute(f"DROP INDEX {name}")
    if present:
        await _arrange_search(transaction, _LOADING)


async def are_left_out(database: Database) -> bool:
    """Whether a load has left something to its end that nobody has done yet."""
    return bool(ORDERS.keys() - await _present(database))


async def make(database: Database) -> None:
    """Make the indexes that are missing, one to a transaction, so that other writers get a turn."""
    missing = ORDERS.keys() - await _present(database)
    if missing:
        async with database.write() as transaction:
            await _arrange_search(transaction, _LASTING)
    for name in sorted(missing):
        async with database.write() as transaction:
            await transaction.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {ORDERS[name]}")


async def _arrange_search(transaction: Transaction, settings: dict[str, int]) -> None:
    for setting, value in settings.items():
        await transaction.execute(
            "INSERT INTO search (search, rank) VALUES (?, ?)", (setting, value)
        )


async def _present(reader: Database | Transaction) -> set[str]:
    rows = await reader.read("SELECT name FROM sqlite_schema WHERE type = 'index'")
    return {row[0] for row in rows} & ORDERS.keys()
