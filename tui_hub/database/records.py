"""The small tables of `hub.db`: one record for each model, slot or user."""

# ruff: noqa: S608 - what is put into the SQL are this module's own constants

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import asdict
from typing import ClassVar, Generic, TypeVar

import msgspec

from tui_hub.database.connection import Database, Row, Transaction
from tui_hub.database.values import (
    document,
    optional,
    optional_whole,
    plain,
    whole,
    words,
)
from tui_hub.domain.additions import AddedFile, Addition
from tui_hub.domain.hooks import HookState
from tui_hub.domain.models import ModelEdit, Registration, RegistrationStatus
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType
from tui_hub.domain.users import User
from tui_hub.text import now

Record = TypeVar("Record")


class RecordTable(Generic[Record]):
    """Records under a key, which is the first column."""

    table: ClassVar[str]
    columns: ClassVar[str]

    def __init__(self, database: Database) -> None:
        self._database = database
        self._key = self.columns.partition(",")[0]

    async def get(self, key: str) -> Record | None:
        """The record under a key."""
        found = await self._fetch(f"WHERE {self._key} = ?", (plain(key),))
        return found[0] if found else None

    async def list(self) -> builtins.list[Record]:
        """All records, by key."""
        return await self._fetch(f"ORDER BY {self._key}", ())

    async def put(self, record: Record) -> None:
        """Write a record in place of the one under its key."""
        async with self._database.write() as transaction:
            await self.put_in(transaction, record)

    async def put_in(self, transaction: Transaction, record: Record) -> None:
        """Write a record as `put` does, inside a larger transaction."""
        values = self._values(record)
        marks = ", ".join("?" * len(values))
        await transaction.execute(
            f"INSERT OR REPLACE INTO {self.table} ({self.columns}) VALUES ({marks})", values
        )

    async def all_in(self, transaction: Transaction) -> builtins.list[Record]:
        """All records, by key, as a larger transaction sees them."""
        rows = await transaction.read(
            f"SELECT {self.columns} FROM {self.table} ORDER BY {self._key}"
        )
        return [self._record(row) for row in rows]

    async def delete(self, key: str) -> None:
        """Drop the record under a key, if there is one."""
        async with self._database.write() as transaction:
            await transaction.execute(
                f"DELETE FROM {self.table} WHERE {self._key} = ?", (plain(key),)
            )

    async def _fetch(self, where: str, arguments: Sequence[object]) -> builtins.list[Record]:
        rows = await self._database.read(
            f"SELECT {self.columns} FROM {self.table} {where}", arguments
        )
        return [self._record(row) for row in rows]

    def _values(self, record: Record) -> tuple[object, ...]:
        raise NotImplementedError

    def _record(self, row: Row) -> Record:
        raise NotImplementedError


class InstallTable(RecordTable[Install]):
    """The installed models."""

    table = "installs"
    columns = (
        "model, revision, type, name, author, path, installed_at, files, bytes, last_used, variants"
    )

    def _values(self, record: Install) -> tuple[object, ...]:
        return (
            plain(record.model),
            plain(record.revision),
            record.type,
            plain(record.name),
            optional(record.author),
            plain(record.path),
            record.installed_at,
            whole(record.files),
            whole(record.bytes),
            record.last_used,
            document(record.variants),
        )

    async def forget(self, model: str) -> bool:
        """Drop a model that no slot of this home holds; `False` where one does."""
        async with self._database.write() as transaction:
            if await transaction.read("SELECT 1 FROM slots WHERE model = ?", (plain(model),)):
                return False
            await transaction.execute("DELETE FROM installs WHERE model = ?", (plain(model),))
        return True

    async def note_use(self, model: str, at: str, since: str) -> None:
        """Say that a model was used; nothing is written when that was said since a moment."""
        unsaid = "model = ? AND (last_used IS NULL OR last_used < ?)"
        named = (plain(model), since)
        if await self._database.read(f"SELECT 1 FROM installs WHERE {unsaid}", named):
            async with self._database.write() as transaction:
                await transaction.execute(
                    f"UPDATE installs SET last_used = ? WHERE {unsaid}", (at, *named)
                )

    def _record(self, row: Row) -> Install:
        values = dict(zip(self.columns.split(", "), row, strict=True))
        values["type"] = ModelType(values["type"])
        values["variants"] = words(values["variants"])
        return Install(**values)


class EditTable(RecordTable[ModelEdit]):
    """What the user added to models."""

    table = "edits"
    columns = "model, note, favourite, type"

    def _values(self, record: ModelEdit) -> tuple[object, ...]:
        return (plain(record.model), optional(record.note), record.favourite, record.type)

    def _record(self, row: Row) -> ModelEdit:
        model, note, favourite, kind = row
        return ModelEdit(
            model=model,
            note=note,
            favourite=bool(favourite),
            type=None if kind is None else ModelType(kind),
        )


class RegistrationTable(RecordTable[Registration]):
    """The repositories that the user registered."""

    table = "registrations"
    columns = "model, vendor, name, auto_sync, status, error, synced_at"

    def _values(self, record: Registration) -> tuple[object, ...]:
        return (
            plain(record.model),
            optional(record.vendor),
            optional(record.name),
            record.auto_sync,
            record.status,
            optional(record.error),
            record.synced_at,
        )

    def _record(self, row: Row) -> Registration:
        values = dict(zip(self.columns.split(", "), row, strict=True))
        values["auto_sync"] = bool(values["auto_sync"])
        values["status"] = RegistrationStatus(values["status"])
        return Registration(**values)


class AdditionTable(RecordTable[Addition]):
    """The models that the user added by address or local path."""

    table = "additions"
    columns = "model, type, folder, license, gpu_memory, torch, added_at, files"

    def _values(self, record: Addition) -> tuple[object, ...]:
        return (
            plain(record.model),
            record.type,
            optional(record.folder),
            optional(record.license),
            optional_whole(record.gpu_memory),
            optional(record.torch),
            record.added_at,
            document(tuple(asdict(file) for file in record.files)),
        )

    def _record(self, row: Row) -> Addition:
        values = dict(zip(self.columns.split(", "), row, strict=True))
        values["type"] = ModelType(values["type"])
        values["files"] = msgspec.json.decode(values["files"], type=tuple[AddedFile, ...])
        return Addition(**values)


class HookTable(RecordTable[HookState]):
    """How the last call of each hook went."""

    table = "hooks"
    columns = "name, called_at, error, failures"

    def _values(self, record: HookState) -> tuple[object, ...]:
        return (
            plain(record.name),
            record.called_at,
            optional(record.error),
            whole(record.failures),
        )

    def _record(self, row: Row) -> HookState:
        name, called_at, error, failures = row
        return HookState(name=name, called_at=called_at, error=error, failures=failures)


class UserTable:
    """The users that own records: people, and one system user for each source."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure(self, name: str, role: str, source: str) -> None:
        """Make a user where there is none of that name yet."""
        values = (plain(name), plain(role), plain(source))
        if await self._database.read("SELECT 1 FROM users WHERE name = ?", values[:1]):
            return
        async with self._database.write() as transaction:
            await transaction.execute(
                "INSERT OR IGNORE INTO users VALUES (?, ?, ?, ?)", (*values, now())
            )

    async def list(self) -> builtins.list[User]:
        """All users, by name."""
        rows = await self._database.read(
            "SELECT name, role, source, created_at FROM users ORDER BY name"
        )
        return [User(name=row[0], role=row[1], source=row[2], created_at=row[3]) for row in rows]
