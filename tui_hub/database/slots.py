"""Slots, the journal of their changes, and what loading models into them took."""

# ruff: noqa: S608 - what is put into the SQL are this module's own constants

from __future__ import annotations

import builtins
import contextlib
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import msgspec

from tui_hub.database.connection import Database, Row, Transaction
from tui_hub.database.records import RecordTable
from tui_hub.database.values import document, mapping, optional, plain
from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.errors import LostLeaseError, RefusedError
from tui_hub.domain.jobs import Owner
from tui_hub.domain.loads import Load
from tui_hub.domain.slots import MemoryFigures, Slot, slot_lease
from tui_hub.domain.swaps import Swap
from tui_hub.domain.types import ModelType
from tui_hub.text import now

SLOT_COLUMNS = (
    "type, model, revision, runtime, path, device, since, variant, memory, "
    "child, error, url, command, configuration, pid, host, started, boot"
)


class SlotTable(RecordTable[Slot]):
    """The active model of each type."""

    table = "slots"
    columns = SLOT_COLUMNS

    def _values(self, record: Slot) -> tuple[object, ...]:
        return _slot_values(record)

    def _record(self, row: Row) -> Slot:
        return slot_record(row)


class SwapTable:
    """The journal: at most one change to a slot.

    Whoever writes names the fence number of the slot's lease, and writes nothing once another
    process holds it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> builtins.list[Swap]:
        """The changes that have not ended."""
        rows = await self._database.read(
            "SELECT type, wanted, previous, committed, job FROM swaps ORDER BY type"
        )
        return [_swap(row) for row in rows]

    async def begin(self, swap: Swap, fence: int) -> None:
        """Write down what is about to be done, in place of an earlier note.

        Raises:
            LostLeaseError: when another process changes the slot by now.
        """
        async with self._guarded(swap.type, fence) as transaction:
            await _put_swap(transaction, swap)

    async def commit(self, swap: Swap, fence: int) -> None:
        """Let the slot's row be what was wanted, and the note say so, in one step.

        Raises:
            RefusedError: when the model was deleted or updated meanwhile.
            LostLeaseError: when another process changes the slot by now.
        """
        async with self._guarded(swap.type, fence) as transaction:
            if swap.wanted is None:
                await transaction.execute("DELETE FROM slots WHERE type = ?", (swap.type,))
            else:
                await _put_slot(transaction, swap.wanted)
            if swap.wanted is not None and swap.wanted.path:
                await _refuse_if_gone(transaction, swap.wanted)
            await _put_swap(transaction, swap)

    async def end(self, kind: ModelType, fence: int, stays: Slot | None = None) -> None:
        """Take the note away; where the change was undone, `stays` is the slot's again.

        Raises:
            LostLeaseError: when another process changes the slot by now.
        """
        async with self._guarded(kind, fence) as transaction:
            if stays is not None:
                await _put_slot(transaction, stays)
            await transaction.execute("DELETE FROM swaps WHERE type = ?", (kind,))

    async def refresh(self, slot: Slot, fence: int) -> None:
        """Let the row of a slot say how its model fares in memory, unless another came meanwhile.

        Raises:
            LostLeaseError: when another process changes the slot by now.
        """
        async with self._guarded(slot.type, fence) as transaction:
            await transaction.execute(
                "UPDATE slots SET error = ?, memory = ? WHERE type = ? AND child IS ?",
                (optional(slot.error), document(asdict(slot.memory)), slot.type, slot.child),
            )

    async def drop(self, slot: Slot, fence: int) -> None:
        """Take away the row of a slot that is published no more.

        Raises:
            LostLeaseError: when another process changes the slot by now.
        """
        async with self._guarded(slot.type, fence) as transaction:
            await transaction.execute(
                "DELETE FROM slots WHERE type = ? AND child IS ?", (slot.type, slot.child)
            )

    @contextlib.asynccontextmanager
    async def _guarded(self, kind: ModelType, fence: int) -> AsyncIterator[Transaction]:
        async with self._database.write() as transaction:
            if not await transaction.read(
                "SELECT 1 FROM leases WHERE name = ? AND fence = ? AND host IS NOT NULL",
                (slot_lease(kind), fence),
            ):
                raise LostLeaseError(f"another process changes the slot {kind} by now")
            yield transaction


async def _refuse_if_gone(transaction: Transaction, slot: Slot) -> None:
    """By this and by what `InstallTable.forget` looks at, a model cannot go while it comes."""
    rows = await transaction.read("SELECT revision FROM installs WHERE model = ?", (slot.model,))
    if not rows or rows[0][0] != slot.revision:
        what = "updated" if rows else "deleted"
        raise RefusedError(f"{slot.model} was {what} meanwhile", hint="Try again.")


_FEW = 5
"""Loads by which it is judged how fast the next one will be."""


class LoadTable:
    """What loads took."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, slot: Slot, dtype: str, size: int, seconds: float) -> None:
        """Write down how a model was loaded.

        Args:
            slot: where it stands, with the figures of its memory.
            dtype: what its floats became; empty where they were left.
            size: bytes that were loaded.
            seconds: how long that took.
        """
        async with self._database.write() as transaction:
            await transaction.execute(
                "INSERT INTO loads"
                " (model, revision, variant, device, dtype, bytes, peak, seconds, at, runtime,"
                " context) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    plain(slot.model),
                    plain(slot.revision),
                    optional(slot.variant),
                    plain(slot.device or ""),
                    plain(dtype),
                    size,
                    slot.memory.peak,
                    seconds,
                    now(),
                    plain(slot.runtime),
                    slot.configuration.context,
                ),
            )

    async def last(self, model: str, revision: str, variant: str | None) -> Load | None:
        """A model's last load."""
        rows = await self._database.read(
            "SELECT device, dtype, peak, bytes, seconds, runtime, context FROM loads"
            " WHERE model = ? AND revision = ? AND variant IS ? ORDER BY number DESC LIMIT 1",
            (plain(model), plain(revision), optional(variant)),
        )
        return Load(*rows[0]) if rows else None

    async def rate(self, *, gpu: bool) -> float | None:
        """Bytes a second of the last loads onto a GPU, or else into the memory of the host."""
        rows = await self._database.read(
            "SELECT SUM(bytes) / SUM(seconds) FROM (SELECT bytes, seconds FROM loads"
            " WHERE (device LIKE 'cuda%') = ? AND seconds > 0 ORDER BY number DESC LIMIT ?)",
            (gpu, _FEW),
        )
        return rows[0][0] if rows else None


def slot_record(row: Row) -> Slot:
    """A slot from the columns of its row."""
    values = dict(zip(SLOT_COLUMNS.split(", "), row, strict=True))
    pid, host = values.pop("pid"), values.pop("host")
    started, boot = values.pop("started"), values.pop("boot")
    values["type"] = ModelType(values["type"])
    values["memory"] = MemoryFigures(**mapping(values["memory"]))
    values["configuration"] = msgspec.json.decode(values["configuration"], type=ModelConfiguration)
    if host is not None:
        values["holder"] = Owner(host=host, pid=pid, started=started, boot=boot)
    return Slot(**values)


def _slot_values(record: Slot) -> tuple[object, ...]:
    holder = record.holder
    return (
        record.type,
        plain(record.model),
        plain(record.revision),
        plain(record.runtime),
        plain(record.path),
        optional(record.device),
        record.since,
        optional(record.variant),
        document(asdict(record.memory)),
        optional(record.child),
        optional(record.error),
        optional(record.url),
        optional(record.command),
        document(asdict(record.configuration)),
        *(
            (None,) * 4
            if holder is None
            else (holder.pid, plain(holder.host), holder.started, plain(holder.boot))
        ),
    )


async def _put_slot(transaction: Transaction, slot: Slot) -> None:
    values = _slot_values(slot)
    marks = ", ".join("?" * len(values))
    await transaction.execute(
        f"INSERT OR REPLACE INTO slots ({SLOT_COLUMNS}) VALUES ({marks})", values
    )


async def _put_swap(transaction: Transaction, swap: Swap) -> None:
    await transaction.execute(
        "INSERT OR REPLACE INTO swaps (type, wanted, previous, committed, job)"
        " VALUES (?, ?, ?, ?, ?)",
        (swap.type, _packed(swap.wanted), _packed(swap.previous), swap.committed, swap.job),
    )


def _packed(slot: Slot | None) -> str | None:
    return None if slot is None else msgspec.json.encode(slot).decode()


def _unpacked(value: Any) -> Slot | None:
    return None if value is None else msgspec.json.decode(value, type=Slot)


def _swap(row: Row) -> Swap:
    kind, wanted, previous, committed, job = row
    return Swap(
        type=ModelType(kind),
        wanted=_unpacked(wanted),
        previous=_unpacked(previous),
        committed=bool(committed),
        job=job,
    )
