"""How the files of a download fare, written down in the database."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub.database.artifacts import ArtifactTable
from tui_hub.domain.artifacts import Artifact, ArtifactStatus


class FileRows:
    """Writes down in the database how the files of a download fare."""

    def __init__(self, table: ArtifactTable, job: str) -> None:
        self._table = table
        self._job = job

    async def waits(self, file: Artifact) -> None:
        """The file has not arrived and nobody fetches it."""
        await self._table.mark([file.id], ArtifactStatus.PENDING)

    async def failed(self, file: Artifact, error: str) -> None:
        """The file could not be had."""
        await self._table.mark([file.id], ArtifactStatus.FAILED, job=self._job, error=error)

    async def completed(self, files: Sequence[Artifact]) -> None:
        """The files are in the store."""
        await self._table.save(*files)
