"""Revisions of models with what each changed, and the versions that users named."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from tui_hub.database.connection import Database, Row, Transaction
from tui_hub.database.values import optional, plain
from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import RefusedError
from tui_hub.domain.revisions import (
    Revision,
    RevisionChanges,
    RevisionFacts,
    Version,
    changes_between,
)
from tui_hub.text import now

_Record = TypeVar("_Record", RevisionFacts, RevisionChanges)


class VersionTable:
    """The names that users gave to revisions. A name is one of its model's only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, model: str) -> list[Version]:
        """The versions of a model, by name."""
        return await read_versions(self._database, plain(model))

    async def get(self, model: str, name: str) -> Version | None:
        """A version by its name, in whichever case it was typed."""
        rows = await self._database.read(
            "SELECT model, name, revision, variant, named_at FROM versions"
            " WHERE model = ? AND name = ?",
            (plain(model), plain(name)),
        )
        return _version(rows[0]) if rows else None

    async def add(self, version: Version) -> None:
        """Name a revision.

        Raises:
            RefusedError: when the model has a version of that name.
        """
        async with self._database.write() as transaction:
            added = await transaction.execute(
                "INSERT OR IGNORE INTO versions VALUES (?, ?, ?, ?, ?)",
                (
                    plain(version.model),
                    plain(version.name),
                    plain(version.revision),
                    optional(version.variant),
                    now(),
                ),
            )
        if not added:
            raise _taken(version.model, version.name)

    async def change(self, version: Version, name: str, variant: str | None) -> bool:
        """Give a version another name and variant; `False` when it is not there any more.

        Raises:
            RefusedError: when the model has a version of the new name.
        """
        where = (plain(version.model), plain(version.name))
        async with self._database.write() as transaction:
            if not await transaction.read(
                "SELECT 1 FROM versions WHERE model = ? AND name = ?", where
            ):
                return False
            changed = await transaction.execute(
                "UPDATE OR IGNORE versions SET name = ?, variant = ? WHERE model = ? AND name = ?",
                (plain(name), optional(variant), *where),
            )
        if not changed:
            raise _taken(version.model, name)
        return True

    async def remove(self, model: str, name: str) -> bool:
        """Take a name back; `False` when there is no such version."""
        async with self._database.write() as transaction:
            removed = await transaction.execute(
                "DELETE FROM versions WHERE model = ? AND name = ?", (plain(model), plain(name))
            )
        return removed > 0


async def put_version(transaction: Transaction, version: Version) -> None:
    """Write a version as it was named, in place of one of its name."""
    await transaction.execute(
        "INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?)",
        (
            plain(version.model),
            plain(version.name),
            plain(version.revision),
            optional(version.variant),
            version.named_at,
        ),
    )


async def all_versions(transaction: Transaction) -> list[Version]:
    """The versions of all models, by model and name."""
    rows = await transaction.read(
        "SELECT model, name, revision, variant, named_at FROM versions ORDER BY model, name"
    )
    return [_version(row) for row in rows]


async def read_revisions(database: Database | Transaction, model: str) -> list[Revision]:
    """The revisions of a model that this box saw, newest first, with their names."""
    names: dict[str, list[Version]] = {}
    for version in await read_versions(database, model):
        names.setdefault(version.revision, []).append(version)
    rows = await database.read(
        "SELECT model, revision, seen_at, facts, changes FROM revisions"
        " WHERE model = ? ORDER BY listed DESC, number DESC",
        (model,),
    )
    return [
        Revision(
            model=row[0],
            revision=row[1],
            seen_at=row[2],
            facts=_read(row[3], RevisionFacts),
            changes=_read(row[4], RevisionChanges),
            names=tuple(names.get(row[1], ())),
        )
        for row in rows
    ]


async def read_versions(database: Database | Transaction, model: str) -> list[Version]:
    """The versions of a model, by name."""
    rows = await database.read(
        "SELECT model, name, revision, variant, named_at FROM versions"
        " WHERE model = ? ORDER BY name",
        (model,),
    )
    return [_version(row) for row in rows]


async def note_head(
    transaction: Transaction,
    model: str,
    revision: str,
    artifacts: Sequence[Artifact],
    facts: RevisionFacts | None,
    before: Sequence[Artifact],
) -> None:
    """Write down the commit that is a model's newest now, and what it changed if it is a new one.

    Args:
        transaction: that of the listing.
        model: the model's id.
        revision: the commit.
        artifacts: its files.
        facts: what else its source says.
        before: the files of the newest commit until now.
    """
    changes = None
    if not await _is_known_head(transaction, model, revision):
        changes = await _changes(transaction, model, revision, artifacts, facts, before)
    await transaction.execute(
        "INSERT INTO revisions (model, revision, seen_at, listed, facts, changes)"
        " SELECT ?, ?, ?, 1 + coalesce(max(listed), 0), ?, ? FROM revisions WHERE model = ?"
        " ON CONFLICT (model, revision) DO UPDATE SET listed = excluded.listed,"
        " facts = coalesce(excluded.facts, facts), changes = coalesce(excluded.changes, changes)",
        (model, revision, now(), _written(facts), _written(changes), model),
    )


async def note_other(
    transaction: Transaction, model: str, revision: str, facts: RevisionFacts | None
) -> None:
    """Write down a commit that is not, or may not be, the newest of its model."""
    await transaction.execute(
        "INSERT INTO revisions (model, revision, seen_at, listed, facts) VALUES (?, ?, ?, 0, ?)"
        " ON CONFLICT (model, revision) DO UPDATE SET facts = coalesce(excluded.facts, facts)",
        (model, revision, now(), _written(facts)),
    )


async def head_of(transaction: Transaction, model: str) -> str | None:
    """The commit that was the newest of a model when it was listed last."""
    rows = await transaction.read(
        "SELECT revision FROM revisions WHERE model = ? AND listed > 0"
        " ORDER BY listed DESC LIMIT 1",
        (model,),
    )
    return rows[0][0] if rows else None


async def _is_known_head(transaction: Transaction, model: str, revision: str) -> bool:
    return bool(
        await transaction.read(
            "SELECT 1 FROM revisions WHERE model = ? AND revision = ? AND listed > 0",
            (model, revision),
        )
    )


async def _changes(
    transaction: Transaction,
    model: str,
    revision: str,
    artifacts: Sequence[Artifact],
    facts: RevisionFacts | None,
    before: Sequence[Artifact],
) -> RevisionChanges | None:
    """What a new commit changed; `None` where there is none to compare it with."""
    head = await head_of(transaction, model)
    if head is None:
        return None
    rows = await transaction.read(
        "SELECT facts FROM revisions WHERE model = ? AND revision = ?", (model, head)
    )
    known = _read(rows[0][0], RevisionFacts)
    return await asyncio.to_thread(changes_between, head, before, artifacts, known, facts)


def _taken(model: str, name: str) -> RefusedError:
    return RefusedError(
        f"{model} has a version {name!r} already",
        hint=f"`tui-hub versions {model} --remove {name}` takes that name back first.",
    )


def _version(row: Row) -> Version:
    model, name, revision, variant, named_at = row
    return Version(model=model, name=name, revision=revision, variant=variant, named_at=named_at)


def _written(record: RevisionFacts | RevisionChanges | None) -> str | None:
    if record is None:
        return None
    return json.dumps(msgspec.to_builtins(record), separators=(",", ":"))


def _read(text: str | None, kind: type[_Record]) -> _Record | None:
    return None if text is None else msgspec.json.decode(text, type=kind)
