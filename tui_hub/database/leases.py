"""Leases: who may do what only one process at a time may do."""

from __future__ import annotations

import time
from collections.abc import Callable

from tui_hub.database.connection import Database, Row
from tui_hub.domain.jobs import Owner


class LeaseTable:
    """Leases by name. Each grant carries a fence number larger than every one before it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(
        self, name: str, owner: Owner, alive: Callable[[Owner], bool], ttl: float
    ) -> int | None:
        """Take a lease that is free, or whose holder is dead or silent.

        Args:
            name: what the lease is for.
            owner: who takes it.
            alive: whether a holder's process still runs.
            ttl: seconds without `renew` after which even a living holder loses it.

        Returns:
            The fence number, or `None` while another holds it.
        """
        moment = time.time()
        async with self._database.write() as transaction:
            rows = await transaction.read(
                "SELECT host, pid, started, boot, heartbeat FROM leases WHERE name = ?", (name,)
            )
            holder = _owner(rows[0]) if rows else None
            if holder is not None and moment - rows[0][4] <= ttl and alive(holder):
                return None
            granted = await transaction.read(
                "INSERT INTO leases VALUES (?, 1, ?, ?, ?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET fence = fence + 1,"
                " heartbeat = excluded.heartbeat, host = excluded.host, pid = excluded.pid,"
                " started = excluded.started, boot = excluded.boot RETURNING fence",
                (name, moment, owner.host, owner.pid, owner.started, owner.boot),
            )
        return int(granted[0][0])

    async def renew(self, name: str, fence: int) -> bool:
        """Show that the holder lives. `False` once the lease went to another."""
        async with self._database.write() as transaction:
            changed = await transaction.execute(
                "UPDATE leases SET heartbeat = ? WHERE name = ? AND fence = ? AND host IS NOT NULL",
                (time.time(), name, fence),
            )
        return changed == 1

    async def release(self, name: str, fence: int) -> None:
        """Give a lease back; without effect once it went to another."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "UPDATE leases SET host = NULL, pid = NULL, started = NULL, boot = NULL"
                " WHERE name = ? AND fence = ?",
                (name, fence),
            )

    async def holder(self, name: str) -> Owner | None:
        """Who holds a lease, dead or alive."""
        rows = await self._database.read(
            "SELECT host, pid, started, boot FROM leases WHERE name = ?", (name,)
        )
        return _owner(rows[0]) if rows else None


def _owner(row: Row) -> Owner | None:
    host, pid, started, boot = row[:4]
    return None if host is None else Owner(host=host, pid=pid, started=started, boot=boot)
