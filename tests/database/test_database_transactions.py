"""Transactions and cancellation: all or nothing, and nothing is left open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tui_hub.database.connection import Database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "some.db", (), durable=False)
    async with opened.write() as transaction:
        await transaction.execute("CREATE TABLE things (number INTEGER)")
    yield opened
    await opened.close()


async def numbers(database: Database) -> list[int]:
    return [row[0] for row in await database.read("SELECT number FROM things ORDER BY number")]


async def test_an_exception_takes_everything_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.write() as transaction:
            await transaction.execute("INSERT INTO things VALUES (1)")
            raise ZeroDivisionError
    async with database.write() as transaction:
        await transaction.execute("INSERT INTO things VALUES (2)")
        assert await transaction.read("SELECT number FROM things") == [(2,)]
        assert await numbers(database) == []
    assert await numbers(database) == [2]


async def test_writers_take_turns(database: Database) -> None:
    async def add(number: int) -> None:
        async with database.write() as transaction:
            [(count,)] = await transaction.read("SELECT count(*) FROM things")
            await asyncio.sleep(0)
            await transaction.execute("INSERT INTO things VALUES (?)", (count,))

    await asyncio.gather(*(add(number) for number in range(40)))
    assert await numbers(database) == list(range(40))


@pytest.mark.parametrize("steps", range(14))
async def test_a_cancelled_transaction_leaves_no_half(database: Database, steps: int) -> None:
    """Cancel after so many turns of the loop; what is there afterwards is all or nothing."""

    async def add() -> None:
        async with database.write() as transaction:
            await transaction.execute("INSERT INTO things VALUES (1)")
            await transaction.execute("INSERT INTO things VALUES (2)")

    task = asyncio.create_task(add())
    for _ in range(steps):
        await asyncio.sleep(0.0005)
    task.cancel()
    await asyncio.wait([task])
    assert await numbers(database) in ([], [1, 2])
    async with database.write() as transaction:
        await transaction.execute("INSERT INTO things VALUES (3)")
    assert (await numbers(database))[-1] == 3


async def test_a_cancelled_query_stops_and_frees_its_connection(database: Database) -> None:
    endless = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    )
    tasks = [asyncio.create_task(database.read(endless)) for _ in range(2)]
    await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    assert await asyncio.wait_for(numbers(database), 5) == []
    assert await asyncio.wait_for(numbers(database), 5) == []


async def test_closing_ends_every_thread_even_when_cancelled(tmp_path: Path) -> None:
    before = threading.active_count()
    database = await Database.open(tmp_path / "another.db", (), durable=False)
    opened = threading.active_count()
    assert opened >= before + 3
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    await database.close()
    for _ in range(1000):
        if threading.active_count() <= opened - 3:
            break
        await asyncio.sleep(0.005)
    assert threading.active_count() <= opened - 3


async def test_opening_can_be_cancelled_at_any_moment(tmp_path: Path) -> None:
    for steps in range(12):
        task = asyncio.create_task(Database.open(tmp_path / "third.db", (), durable=False))
        for _ in range(steps):
            await asyncio.sleep(0.0005)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            await task.result().close()
    database = await Database.open(tmp_path / "third.db", (), durable=False)
    await database.close()
