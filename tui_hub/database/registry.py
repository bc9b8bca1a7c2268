"""The registry's tables together: read at one moment, and changed in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TypeVar

import msgspec

from tui_hub.database.configurations import current_configurations, put_configuration
from tui_hub.database.connection import Database, Row, Transaction
from tui_hub.database.records import AdditionTable, EditTable, RecordTable, RegistrationTable
from tui_hub.database.revisions import all_versions, put_version
from tui_hub.database.values import document, optional, plain, words
from tui_hub.domain.registry import Pin, PinnedFile, PinnedSlot, RegistryRows
from tui_hub.domain.types import ModelType

_Record = TypeVar("_Record")


class PinTable(RecordTable[Pin]):
    """What of models was installed where an imported document came from."""

    table = "pins"
    columns = "model, revision, type, variants, license, installed_at, files, slots"

    def _values(self, record: Pin) -> tuple[object, ...]:
        return (
            plain(record.model),
            plain(record.revision),
            record.type,
            document(record.variants),
            optional(record.license),
            record.installed_at,
            document(tuple(asdict(file) for file in record.files)),
            document(tuple(asdict(slot) for slot in record.slots)),
        )

    def _record(self, row: Row) -> Pin:
        values = dict(zip(self.columns.split(", "), row, strict=True))
        values["type"] = ModelType(values["type"])
        values["variants"] = words(values["variants"])
        values["files"] = msgspec.json.decode(values["files"], type=tuple[PinnedFile, ...])
        values["slots"] = msgspec.json.decode(values["slots"], type=tuple[PinnedSlot, ...])
        return Pin(**values)


class RegistryTables:
    """All that the user said of models, which no sync brings again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._edits = EditTable(database)
        self._registrations = RegistrationTable(database)
        self._additions = AdditionTable(database)
        self._pins = PinTable(database)

    async def read(self) -> RegistryRows:
        """The whole registry as it is now."""
        async with self._database.write() as transaction:
            return await self._read(transaction)

    async def change(self, decide: Callable[[RegistryRows], RegistryRows]) -> None:
        """Write rows, all of them or none; nobody else writes between the look and the change.

        Args:
            decide: gets the registry as it is, and gives the rows to write; called on a thread.
        """
        async with self._database.write() as transaction:
            rows = await asyncio.to_thread(decide, await self._read(transaction))
            await _put(transaction, self._edits, rows.edits)
            await _put(transaction, self._registrations, rows.registrations)
            await _put(transaction, self._additions, rows.additions)
            await _put(transaction, self._pins, rows.pins)
            for version in rows.versions:
                await put_version(transaction, version)
            for model, configuration in rows.configurations.items():
                await put_configuration(transaction, model, configuration)

    async def _read(self, transaction: Transaction) -> RegistryRows:
        return RegistryRows(
            edits=await _all(transaction, self._edits),
            registrations=await _all(transaction, self._registrations),
            additions=await _all(transaction, self._additions),
            versions=tuple(await all_versions(transaction)),
            pins=await _all(transaction, self._pins),
            configurations=await current_configurations(transaction),
        )


async def _all(transaction: Transaction, table: RecordTable[_Record]) -> tuple[_Record, ...]:
    return tuple(await table.all_in(transaction))


async def _put(
    transaction: Transaction, table: RecordTable[_Record], records: Iterable[_Record]
) -> None:
    for record in records:
        await table.put_in(transaction, record)
