"""Leases: who may do what only one process at a time may do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tui_hub import processes
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
        moment, fence = processes.beat(), None
        try:
            async with self._database.write() as transaction:
                rows = await transaction.read(
                    "SELECT host, pid, started, boot, heartbeat FROM leases WHERE name = ?", (name,)
                )
                if rows and _living(rows[0], alive, ttl) is not None:
                    return None
                granted = await transaction.read(
                    "INSERT INTO leases VALUES (?, 1, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET fence = fence + 1,"
                    " heartbeat = excluded.heartbeat, host = excluded.host, pid = excluded.pid,"
                    " started = excluded.started, boot = excluded.boot RETURNING fence",
                    (name, moment, owner.host, owner.pid, owner.started, owner.boot),
                )
                fence = int(granted[0][0])
        except asyncio.CancelledError:
            if fence is not None:  # it may be granted, to somebody who will not give it back
                await self.release(name, fence)
            raise
        return fence

    async def renew(self, name: str, fence: int) -> bool:
        """Show that the holder lives. `False` once the lease went to another."""
        async with self._database.write() as transaction:
            changed = await transaction.execute(
                "UPDATE leases SET heartbeat = ? WHERE name = ? AND fence = ? AND host IS NOT NULL",
                (processes.beat(), name, fence),
            )
        return changed == 1

    async def holds(self, name: str, fence: int) -> bool:
        """Whether a lease is still held under this number; cheap, for a look before each write."""
        rows = await self._database.read(
            "SELECT 1 FROM leases WHERE name = ? AND fence = ? AND host IS NOT NULL", (name, fence)
        )
        return bool(rows)

    async def release(self, name: str, fence: int) -> None:
        """Give a lease back; without effect once it went to another."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "UPDATE leases SET host = NULL, pid = NULL, started = NULL, boot = NULL"
                " WHERE name = ? AND fence = ?",
                (name, fence),
            )

    async def living(self, name: str, alive: Callable[[Owner], bool], ttl: float) -> Owner | None:
        """Who holds a lease that nobody else may take; the arguments are those of `acquire`."""
        rows = await self._database.read(
            "SELECT host, pid, started, boot, heartbeat FROM leases WHERE name = ?", (name,)
        )
        return _living(rows[0], alive, ttl) if rows else None

    async def held(self) -> dict[str, Owner]:
        """Who holds which lease, dead or alive."""
        rows = await self._database.read(
            "SELECT host, pid, started, boot, name FROM leases WHERE host IS NOT NULL ORDER BY name"
        )
        return {row[4]: owner for row in rows if (owner := _owner(row)) is not None}

    async def holder(self, name: str) -> Owner | None:
        """Who holds a lease, dead or alive."""
        rows = await self._database.read(
            "SELECT host, pid, started, boot FROM leases WHERE name = ?", (name,)
        )
        return _owner(rows[0]) if rows else None


def _owner(row: Row) -> Owner | None:
    host, pid, started, boot = row[:4]
    return None if host is None else Owner(host=host, pid=pid, started=started, boot=boot)


def _living(row: Row, alive: Callable[[Owner], bool], ttl: float) -> Owner | None:
    holder = _owner(row)
    if holder is None or not alive(holder) or processes.silent(holder, row[4], ttl):
        return None
    return holder
