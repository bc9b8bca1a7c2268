"""What a home keeps of a model: moved to the name that the model has now, or dropped."""

# ruff: noqa: S608 - what is put into the SQL are this module's own constants

from __future__ import annotations

from dataclasses import replace

from tui_hub.database.artifacts import read_artifacts, write_artifacts
from tui_hub.database.connection import Database, Transaction
from tui_hub.database.values import optional, plain
from tui_hub.domain.artifacts import Artifact, ArtifactStatus, artifact_id
from tui_hub.domain.storage import Install

_KEEPING = (
    "edits", "versions", "revisions", "registrations", "installs", "loads", "pins",
    "configurations",
)  # fmt: skip
_FORGOTTEN = (*_KEEPING, "artifacts", "additions")


class ModelNames:
    """The names under which the tables of `hub.db` keep things of models."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> list[str]:
        """The ids of all models that something is kept of."""
        union = " UNION ".join(f"SELECT model FROM {table}" for table in _KEEPING)
        return [row[0] for row in await self._database.read(union)]

    async def forget(self, model: str) -> None:
        """Drop everything that is kept of a model, all of it or nothing."""
        async with self._database.write() as transaction:
            for table in _FORGOTTEN:
                await transaction.execute(f"DELETE FROM {table} WHERE model = ?", (plain(model),))

    async def change_words(self, old: str, new: str) -> None:
        """Move the user's own words alone, which no file hangs on: notes and registrations."""
        async with self._database.write() as transaction:
            await _words(transaction, plain(old), plain(new))

    async def change(self, old: str, new: str, install: Install | None) -> None:
        """Move everything from an old id to the new one, all of it or nothing.

        What is kept under the new one already goes before what comes.

        Args:
            old: the id until now.
            new: the id from now on.
            install: how the model is installed under the new one, where it is.
        """
        before, after = plain(old), plain(new)
        async with self._database.write() as transaction:
            await _words(transaction, before, after)
            await _versions(transaction, before, after)
            await _revisions(transaction, before, after)
            await _configurations(transaction, before, after)
            await _artifacts(transaction, before, after)
            await _records(transaction, before, after, install)


async def _words(transaction: Transaction, old: str, new: str) -> None:
    """Move what the user said of the model."""
    await transaction.execute(
        "INSERT INTO edits (model, note, favourite, type)"
        " SELECT ?, note, favourite, type FROM edits WHERE model = ?"
        " ON CONFLICT (model) DO UPDATE SET note = CASE"
        " WHEN coalesce(note, '') IN ('', excluded.note) THEN excluded.note"
        " WHEN coalesce(excluded.note, '') = '' THEN note"
        " ELSE note || char(10) || excluded.note END,"
        " favourite = max(favourite, excluded.favourite), type = coalesce(type, excluded.type)",
        (new, old),
    )
    await transaction.execute("DELETE FROM edits WHERE model = ?", (old,))
    await transaction.execute(
        "INSERT INTO registrations (model, vendor, name, auto_sync, status, error, synced_at)"
        " SELECT ?, vendor, name, auto_sync, status, error, synced_at"
        " FROM registrations WHERE model = ?"
        " ON CONFLICT (model) DO UPDATE SET vendor = coalesce(vendor, excluded.vendor),"
        " name = coalesce(name, excluded.name), auto_sync = max(auto_sync, excluded.auto_sync)",
        (new, old),
    )
    await transaction.execute("DELETE FROM registrations WHERE model = ?", (old,))


async def _versions(transaction: Transaction, old: str, new: str) -> None:
    """Move the names; one that the new id has too is told apart by its commit."""
    await transaction.execute("UPDATE OR IGNORE versions SET model = ? WHERE model = ?", (new, old))
    await transaction.execute(
        "UPDATE OR IGNORE versions SET model = ?, name = name || '-' || substr(revision, 1, 7)"
        " WHERE model = ?",
        (new, old),
    )
    await transaction.execute("DELETE FROM versions WHERE model = ?", (old,))


async def _revisions(transaction: Transaction, old: str, new: str) -> None:
    """Move the history; what was listed under the new id came later."""
    await transaction.execute(
        "UPDATE revisions SET listed = listed + coalesce("
        "(SELECT max(listed) FROM revisions WHERE model = ?), 0) WHERE model = ? AND listed > 0",
        (old, new),
    )
    await transaction.execute(
        "UPDATE OR IGNORE revisions SET model = ? WHERE model = ?", (new, old)
    )
    await transaction.execute("DELETE FROM revisions WHERE model = ?", (old,))


async def _configurations(transaction: Transaction, old: str, new: str) -> None:
    """Move what was set for the model; what was set under the new id came later, and counts."""
    rows = await transaction.read(
        "SELECT coalesce(max(version), 0) FROM configurations WHERE model = ?", (old,)
    )
    # By way of negative numbers, since no two rows may have the same one in between.
    await transaction.execute(
        "UPDATE configurations SET version = -version - ? WHERE model = ?", (rows[0][0], new)
    )
    await transaction.execute(
        "UPDATE configurations SET version = -version WHERE model = ?", (new,)
    )
    await transaction.execute("UPDATE configurations SET model = ? WHERE model = ?", (new, old))


async def _artifacts(transaction: Transaction, old: str, new: str) -> None:
    """Move the files, whose ids are made of their model's; what is here of one stays known."""
    known = {file.id: file for file in await read_artifacts(transaction, new)}
    moved = [_renamed(file, new) for file in await read_artifacts(transaction, old)]
    await write_artifacts(
        transaction,
        [
            file
            for file in moved
            if file.id not in known or known[file.id].status is not ArtifactStatus.COMPLETED
        ],
    )
    await transaction.execute("DELETE FROM artifacts WHERE model = ?", (old,))


async def _records(transaction: Transaction, old: str, new: str, install: Install | None) -> None:
    await transaction.execute("UPDATE OR IGNORE installs SET model = ? WHERE model = ?", (new, old))
    await transaction.execute("DELETE FROM installs WHERE model = ?", (old,))
    if install is not None:
        await transaction.execute(
            "UPDATE installs SET name = ?, author = ?, path = ?, type = ? WHERE model = ?",
            (
                plain(install.name),
                optional(install.author),
                plain(install.path),
                install.type,
                new,
            ),
        )
    await transaction.execute("UPDATE OR IGNORE pins SET model = ? WHERE model = ?", (new, old))
    await transaction.execute("DELETE FROM pins WHERE model = ?", (old,))
    await transaction.execute("UPDATE loads SET model = ? WHERE model = ?", (new, old))
    await transaction.execute(
        "UPDATE jobs SET payload = json_set(payload, '$.model', ?)"
        " WHERE json_extract(payload, '$.model') = ?",
        (new, old),
    )


def _renamed(file: Artifact, model: str) -> Artifact:
    return replace(file, id=artifact_id(model, file.revision, file.path), model=model)
