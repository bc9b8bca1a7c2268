"""Artifacts: the files of each revision of a model, and what this box has of them."""

# ruff: noqa: S608 - what is put into the SQL are this module's own constants

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from tui_hub.database import revisions
from tui_hub.database.connection import Database, Row, Transaction
from tui_hub.database.values import optional, optional_whole, plain
from tui_hub.domain.artifacts import Artifact, ArtifactKind, ArtifactStatus, Verified
from tui_hub.domain.revisions import Revision, RevisionFacts

_COLUMNS = (
    "id, model, revision, path, size, sha256, git_sha1, md5, kind, "
    "status, verified, blob, etag, job, error"
)
_NAMES = _COLUMNS.split(", ")
_INSERT = f"INSERT INTO artifacts ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"
_REPLACE = (
    _INSERT
    + " ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])
)
_SAME = " AND ".join(
    f"(artifacts.{name} IS excluded.{name} OR excluded.{name} IS NULL)"
    for name in ("size", "sha256", "git_sha1", "md5")
)
_LIST = (
    _INSERT
    + " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind"
    + "".join(
        f", {name} = coalesce(excluded.{name}, {name})"
        for name in ("size", "sha256", "git_sha1", "md5")
    )
    + "".join(
        f", {name} = CASE WHEN {_SAME} THEN {name} ELSE excluded.{name} END"
        for name in ("status", "verified", "blob", "etag", "job", "error")
    )
)
"""Takes a listed file in; what this box has of it stays while nothing says it is another file."""


class ArtifactTable:
    """The files of models, by model and revision."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace_listing(
        self,
        model: str,
        revision: str,
        artifacts: Sequence[Artifact],
        facts: RevisionFacts | None = None,
        *,
        newest: bool = True,
    ) -> None:
        """Make these the files of a revision.

        Files that stay and are the same keep what this box has of them. A newest revision that was
        never seen before is compared with the one that was the newest until now.

        Args:
            model: the model's id.
            revision: the commit.
            artifacts: all its files.
            facts: what else its source says of it.
            newest: whether it is what the source has as the newest.
        """
        name, commit = plain(model), plain(revision)
        async with self._database.write() as transaction:
            if newest:
                await self._note_newest(transaction, name, commit, artifacts, facts)
            else:
                await revisions.note_other(transaction, name, commit, facts)
            known = await transaction.read(
                "SELECT id FROM artifacts WHERE model = ? AND revision = ?", (name, commit)
            )
            listed = {artifact.id for artifact in artifacts}
            await transaction.executemany(
                "DELETE FROM artifacts WHERE id = ?", [row for row in known if row[0] not in listed]
            )
            await transaction.executemany(_LIST, [_values(artifact) for artifact in artifacts])

    async def of(self, model: str, revision: str | None = None) -> list[Artifact]:
        """The files of a revision, by path; of the newest listed one where none is named."""
        name = plain(model)
        if revision is None:
            newest = await self._database.read(
                "SELECT revision FROM revisions WHERE model = ? ORDER BY listed DESC LIMIT 1",
                (name,),
            )
            if not newest:
                return []
            revision = newest[0][0]
        return await self._fetch(
            "WHERE model = ? AND revision = ? ORDER BY path", (name, plain(revision))
        )

    async def all_of(self, model: str) -> list[Artifact]:
        """The files of all revisions of a model."""
        return await self._fetch("WHERE model = ? ORDER BY revision, path", (plain(model),))

    async def get(self, artifact: str) -> Artifact | None:
        """One file by its id."""
        found = await self._fetch("WHERE id = ?", (plain(artifact),))
        return found[0] if found else None

    async def save(self, *artifacts: Artifact) -> None:
        """Write these files whole, all of them or none."""
        async with self._database.write() as transaction:
            await write_artifacts(transaction, artifacts)

    async def mark(
        self,
        ids: Iterable[str],
        status: ArtifactStatus,
        *,
        job: str | None = None,
        error: str | None = None,
    ) -> None:
        """Say how far these files are; one that is complete stays so, whatever was known of it."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "UPDATE artifacts SET status = ?, job = ?, error = ?"
                " WHERE status <> ? AND id IN (SELECT value FROM json_each(?))",
                (
                    status,
                    optional(job),
                    optional(error),
                    ArtifactStatus.COMPLETED,
                    json.dumps([plain(name) for name in ids]),
                ),
            )

    async def with_sha256(self, sha256: str, limit: int = 50) -> list[Artifact]:
        """The files that have this hash by the word of their source, of the newest listing first.

        Those of models that are installed go before all others.
        """
        return await self._fetch(
            "LEFT JOIN revisions USING (model, revision) LEFT JOIN installs USING (model, revision)"
            " WHERE artifacts.sha256 = ?"
            " ORDER BY installs.type IS NULL, revisions.listed DESC, artifacts.model,"
            " artifacts.path LIMIT ?",
            (sha256, limit),
        )

    async def holders(self, sha256: str) -> list[str]:
        """The models that hold this blob."""
        rows = await self._database.read(
            "SELECT DISTINCT model FROM artifacts WHERE blob = ? ORDER BY model", (sha256,)
        )
        return [row[0] for row in rows]

    async def holding(self, hashes: Iterable[str] | None = None) -> list[Artifact]:
        """The files that are here, of all models: those of some blobs, or all."""
        if hashes is None:
            return await self._fetch("WHERE blob IS NOT NULL ORDER BY model, revision, path")
        return await self._fetch(
            "WHERE blob IN (SELECT value FROM json_each(?)) ORDER BY model, revision, path",
            (json.dumps(list(hashes)),),
        )

    async def lost(self, hashes: Iterable[str], errors: Iterable[str]) -> list[Artifact]:
        """The files that were here, turned out to be damaged or missing, and were not had since.

        Args:
            hashes: of blobs that were damaged.
            errors: what is said of such files.
        """
        return await self._fetch(
            # In the words of their index, which no parameter would meet.
            "WHERE status = 'failed' AND blob IS NULL AND sha256 IS NOT NULL"
            " AND (sha256 IN (SELECT value FROM json_each(?))"
            " OR error IN (SELECT value FROM json_each(?))) ORDER BY model, revision, path",
            (json.dumps(list(hashes)), json.dumps(list(errors))),
        )

    async def revisions(self, model: str) -> list[Revision]:
        """The revisions of a model that this box saw, newest first, with their names."""
        return await revisions.read_revisions(self._database, plain(model))

    async def _note_newest(
        self,
        transaction: Transaction,
        model: str,
        revision: str,
        artifacts: Sequence[Artifact],
        facts: RevisionFacts | None,
    ) -> None:
        head = await revisions.head_of(transaction, model)
        before: list[Artifact] = []
        if head is not None and head != revision:
            before = await read_artifacts(transaction, model, head)
        await revisions.note_head(transaction, model, revision, artifacts, facts, before)

    async def _fetch(self, where: str, arguments: Sequence[object] = ()) -> list[Artifact]:
        columns = ", ".join(f"artifacts.{name}" for name in _NAMES)
        rows = await self._database.read(f"SELECT {columns} FROM artifacts {where}", arguments)
        return [_artifact(row) for row in rows]


async def read_artifacts(
    transaction: Transaction, model: str, revision: str | None = None
) -> list[Artifact]:
    """The files of one revision of a model, or of all of them, inside a larger transaction."""
    where = "model = ?" if revision is None else "model = ? AND revision = ?"
    arguments = (model,) if revision is None else (model, revision)
    rows = await transaction.read(f"SELECT {_COLUMNS} FROM artifacts WHERE {where}", arguments)
    return [_artifact(row) for row in rows]


async def write_artifacts(transaction: Transaction, artifacts: Sequence[Artifact]) -> None:
    """Write files whole, inside a larger transaction."""
    await transaction.executemany(_REPLACE, [_values(artifact) for artifact in artifacts])


def _values(artifact: Artifact) -> tuple[object, ...]:
    return (
        plain(artifact.id),
        plain(artifact.model),
        plain(artifact.revision),
        plain(artifact.path),
        optional_whole(artifact.size),
        artifact.sha256,
        artifact.git_sha1,
        artifact.md5,
        artifact.kind,
        artifact.status,
        artifact.verified,
        artifact.blob,
        optional(artifact.etag),
        artifact.job,
        optional(artifact.error),
    )


def _artifact(row: Row) -> Artifact:
    values = dict(zip(_NAMES, row, strict=True))
    values["kind"] = ArtifactKind(values["kind"])
    values["status"] = ArtifactStatus(values["status"])
    values["verified"] = Verified(values["verified"])
    return Artifact(**values)
