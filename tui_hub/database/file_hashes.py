"""What files of this box hashed to, so that nobody reads a large one twice."""

from __future__ import annotations

import os
from pathlib import Path

from tui_hub.database.connection import Database
from tui_hub.database.values import whole
from tui_hub.domain.frozen import dataclass
from tui_hub.text import now

_KEPT = "-180 days"
"""How long a hash is kept since a scan last came by its file."""


@dataclass(frozen=True, slots=True)
class FileHash:
    """A file as it was when it was hashed; with another size, time or inode it is another file."""

    path: Path
    size: int
    modified: int
    """In nanoseconds, as `stat` tells it."""
    inode: int
    sha256: str
    shared: bool = False
    """Whether its blocks are those of its blob, and take no disk of their own."""


class FileHashTable:
    """Hashes by path. A path is bytes: not every file has a name that is text."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, path: Path, size: int, modified: int, inode: int) -> FileHash | None:
        """What is known of a file, if it is still the one that was hashed."""
        rows = await self._database.read(
            "SELECT sha256, shared FROM file_hashes"
            " WHERE path = ? AND size = ? AND modified = ? AND inode = ?",
            (os.fsencode(path), whole(size), modified, _signed(inode)),
        )
        return FileHash(path, size, modified, inode, rows[0][0], bool(rows[0][1])) if rows else None

    async def put(self, one: FileHash) -> None:
        """Remember a file, and that it is still there."""
        row = (os.fsencode(one.path), whole(one.size), one.modified, _signed(one.inode))
        async with self._database.write() as transaction:
            await transaction.execute(
                "INSERT OR REPLACE INTO file_hashes VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*row, one.sha256, one.shared, now()),
            )

    async def prune(self) -> None:
        """Forget files that no scan has come by for long."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "DELETE FROM file_hashes WHERE datetime(seen_at) < datetime('now', ?)", (_KEPT,)
            )


def _signed(inode: int) -> int:
    """An inode as the database keeps numbers; some file systems use all 64 bits."""
    return inode - 2**64 if inode >= 2**63 else inode
