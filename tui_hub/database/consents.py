"""Which files a person agreed to have loaded, weights only."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from tui_hub.database.connection import Database
from tui_hub.database.values import plain
from tui_hub.domain.consents import Consent


class ConsentTable:
    """Consents by the hash of the file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, sha256s: Collection[str]) -> list[Consent]:
        """What was agreed to of some files."""
        rows = await self._database.read(
            "SELECT sha256, path, model, by_user, at FROM consents"
            " WHERE sha256 IN (SELECT value FROM json_each(?)) ORDER BY path, sha256",
            (json.dumps(sorted(sha256s)),),
        )
        return [
            Consent(sha256=sha256, path=path, model=model, by=by, at=at)
            for sha256, path, model, by, at in rows
        ]

    async def add(self, consents: Sequence[Consent]) -> None:
        """Write down what somebody agreed to; who agreed first stays."""
        async with self._database.write() as transaction:
            for one in consents:
                await transaction.execute(
                    "INSERT OR IGNORE INTO consents (sha256, path, model, by_user, at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (one.sha256, plain(one.path), plain(one.model), plain(one.by), one.at),
                )

    async def withdraw(self, sha256s: Collection[str]) -> None:
        """Ask again before some files are loaded."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "DELETE FROM consents WHERE sha256 IN (SELECT value FROM json_each(?))",
                (json.dumps(sorted(sha256s)),),
            )
