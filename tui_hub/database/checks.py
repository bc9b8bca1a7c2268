"""When each blob was hashed last, and how far each run over the store came."""

from __future__ import annotations

from collections.abc import Iterable

from tui_hub.database.connection import Database
from tui_hub.database.values import plain
from tui_hub.domain.verification import Check, Verifying
from tui_hub.text import now


class CheckTable:
    """The checks of blobs, by hash, and the runs that did them, by scope."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, scope: str, since: str) -> Verifying:
        """Go on with the last run of a scope where it was cut short, or begin a new one.

        Args:
            scope: what is looked at.
            since: a run that began before this moment is not gone on with.
        """
        async with self._database.write() as transaction:
            rows = await transaction.read(
                "SELECT number, started_at, found FROM verifications"
                " WHERE scope = ? AND finished_at IS NULL AND started_at >= ?",
                (plain(scope), since),
            )
            if rows:
                number, started_at, found = rows[0]
                return Verifying(scope, number, started_at, found)
            ((last,),) = await transaction.read(
                "SELECT max(coalesce((SELECT max(number) FROM verifications), 0),"
                " coalesce((SELECT max(number) FROM checks), 0))"
            )
            begun = Verifying(scope, last + 1, now(), "")
            await transaction.execute(
                "INSERT OR REPLACE INTO verifications VALUES (?, ?, ?, NULL, ?)",
                (plain(scope), begun.number, begun.started_at, begun.found),
            )
        return begun

    async def note(self, run: Verifying, checks: Iterable[Check]) -> None:
        """Write down which blobs a run found sound, and what it found besides."""
        async with self._database.write() as transaction:
            await transaction.executemany(
                "INSERT OR REPLACE INTO checks VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (one.sha256, run.number, one.at, one.size, one.modified, one.inode)
                    for one in checks
                ],
            )
            await transaction.execute(
                "UPDATE verifications SET found = ? WHERE scope = ? AND number = ?",
                (plain(run.found), plain(run.scope), run.number),
            )

    async def finish(self, run: Verifying) -> None:
        """Say that a run came to its end: the next one of its scope begins anew."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "UPDATE verifications SET finished_at = ?, found = '' WHERE scope = ?"
                " AND number = ?",
                (now(), plain(run.scope), run.number),
            )

    async def of_run(self, number: int) -> dict[str, Check]:
        """The blobs that a run found sound so far, by hash."""
        return await self._fetch("WHERE number = ?", (number,))

    async def all(self) -> dict[str, Check]:
        """The last check of each blob, by hash."""
        return await self._fetch("", ())

    async def keep(self, hashes: Iterable[str]) -> None:
        """Forget the checks of all blobs but these."""
        wanted = set(hashes)
        gone = [(sha256,) for sha256 in await self.all() if sha256 not in wanted]
        if gone:
            async with self._database.write() as transaction:
                await transaction.executemany("DELETE FROM checks WHERE sha256 = ?", gone)

    async def _fetch(self, where: str, arguments: tuple[object, ...]) -> dict[str, Check]:
        rows = await self._database.read(
            f"SELECT sha256, checked_at, size, modified, inode FROM checks {where}",  # noqa: S608
            arguments,
        )
        return {
            row[0]: Check(sha256=row[0], at=row[1], size=row[2], modified=row[3], inode=row[4])
            for row in rows
        }
