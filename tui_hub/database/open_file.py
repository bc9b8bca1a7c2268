"""What can be done with either database as a whole."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from tui_hub.database import health
from tui_hub.database.connection import Database
from tui_hub.domain.doctor import DatabaseHealth


class OpenFile:
    """One open database, whatever its tables. Close it, or use it as a context manager."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._database.path

    async def health(self) -> DatabaseHealth:
        """Look through the whole file; see `health.examine`."""
        return await health.examine(self._database)

    async def try_to_write(self) -> None:
        """See that it can be written; see `health.try_to_write`."""
        await health.try_to_write(self._database)

    async def close(self) -> None:
        """Close every connection, also when cancelled meanwhile."""
        await self._database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
