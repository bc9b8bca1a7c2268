"""One SQLite file: its connections, its transactions, and how they end.

aiosqlite gives each connection a thread that keeps the process alive until it is closed.
`Database` owns them all; `close` always closes, and a process whose main thread ends with a
database still open ends all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import aiosqlite

from tui_hub.database import files
from tui_hub.database.migrations import Migration, migrate
from tui_hub.domain.errors import CorruptError, HubError, NoSpaceError

_T = TypeVar("_T")
Row = tuple[Any, ...]
Arguments = Sequence[object]

BUSY_SECONDS = 15.0
"""How long SQLite itself waits for a lock before it gives up once."""
_BUSY_ATTEMPTS = 4
_READERS = 2
_READER_CACHE = 8192
"""KiB of pages that a reader keeps; the system keeps the file's pages for all of them."""
_LEAST_FREE = 64 * 1024
_CHECKPOINT_PAGES = 16_000
"""Pages of journal after which they are copied into the file: a page of the indexes that many
transactions write is then copied once."""
_INTERRUPT_SECONDS = 0.01
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Transaction:
    """What may be done inside `Database.write`."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def read(self, sql: str, arguments: Arguments = ()) -> list[Row]:
        """The rows of a query, as this transaction sees them."""
        return await _fetch(self._connection, sql, arguments)

    async def execute(self, sql: str, arguments: Arguments = ()) -> int:
        """Run one statement; the number of rows it changed."""
        async with self._connection.execute(sql, arguments) as cursor:
            return cursor.rowcount

    async def executemany(self, sql: str, rows: Iterable[Arguments]) -> None:
        """Run one statement for each row of arguments."""
        await self._connection.executemany(sql, rows)


class Database:
    """One SQLite file with one writer and a few readers. Made by `open`."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self.path = path
        self._durable = durable
        self._writing = asyncio.Lock()
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._connections: list[aiosqlite.Connection] = []

    @classmethod
    async def open(cls, path: Path, migrations: Sequence[Migration], *, durable: bool) -> Database:
        """Open a file, made and migrated as needed.

        Args:
            path: the file; missing folders are made, private to the user.
            migrations: everything that makes the schema, in order.
            durable: whether a commit must survive a power cut.

        Raises:
            CorruptError: the file is damaged or is no database.
            RefusedError: a newer version of the program made it.
            HubError: it cannot be opened or written.
        """
        database = cls(path, durable=durable)
        try:
            mode = await asyncio.to_thread(files.prepare, path)
            with database._explained():
                await database._connect(mode)
                await migrate(database, migrations)
        except BaseException:
            await database.close()
            raise
        return database

    async def read(self, sql: str, arguments: Arguments = ()) -> list[Row]:
        """The rows of a query. Cancelling it stops it."""
        reader = await self._readers.get()
        try:
            with self._explained():
                return await _patiently(lambda: _interruptible(reader, sql, arguments))
        finally:
            self._readers.put_nowait(reader)

    async def foreign_changes(self) -> int:
        """A number that is another one once other processes have written: `PRAGMA data_version`."""
        with self._explained():
            rows = await _fetch(self._connections[0], "PRAGMA data_version", ())
        return int(rows[0][0])

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """One transaction: all of it, or nothing when anything is raised, a cancellation too."""
        async with self._writing:
            writer = self._connections[0]
            with self._explained():
                try:
                    await _insist(writer, "BEGIN IMMEDIATE")
                    yield Transaction(writer)
                    await _insist(writer, "COMMIT")
                except BaseException:
                    await _uninterrupted(writer.rollback())
                    raise

    async def close(self) -> None:
        """Close every connection, to the end even when cancelled meanwhile. Twice is no error."""
        connections, self._connections = self._connections, []
        await _uninterrupted(_stop(connections))

    def found_damaged(self) -> None:
        """Let the next start make a file anew that can be; one that must last is left as it is."""
        if not self._durable:
            files.mark_damaged(self.path)

    async def _connect(self, mode: str) -> None:
        """Open the writer, which sets the journal mode, then the readers."""
        for number in range(1 + _READERS):
            connection = aiosqlite.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=256
            )
            self._connections.append(await connection)
            _watch(connection)
            for pragma in self._pragmas():
                await connection.execute_fetchall(pragma)
            if number == 0:
                await _insist(connection, f"PRAGMA journal_mode={mode}")
            else:
                await connection.execute_fetchall("PRAGMA query_only=ON")
                await connection.execute_fetchall(f"PRAGMA cache_size={-_READER_CACHE}")
                # The writer sorts whole columns to make their indexes, which belongs on disk.
                await connection.execute_fetchall("PRAGMA temp_store=MEMORY")
                self._readers.put_nowait(connection)

    def _pragmas(self) -> tuple[str, ...]:
        return (
            "PRAGMA foreign_keys=ON",
            "PRAGMA trusted_schema=OFF",
            f"PRAGMA synchronous={'FULL' if self._durable else 'NORMAL'}",
            f"PRAGMA cache_size={-8192 if self._durable else -16384}",
            "PRAGMA journal_size_limit=67108864",
            f"PRAGMA wal_autocheckpoint={1000 if self._durable else _CHECKPOINT_PAGES}",
        )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what SQLite says into what a person can act on."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            explained = self._explain(error)
            if explained is None:
                raise
            raise explained from error

    def _explain(self, error: sqlite3.DatabaseError) -> HubError | None:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            self.found_damaged()
            return CorruptError(
                f"the database {self.path} is damaged: {error}",
                hint="Restore it from a backup, or move it away; "
                "what is installed is then read from the store again.",
            )
        if code == sqlite3.SQLITE_FULL:
            return NoSpaceError(
                f"the disk of {self.path} is full", hint="Free some space and try again."
            )
        if code == sqlite3.SQLITE_IOERR and _is_full(self.path):
            return NoSpaceError(
                f"the disk of {self.path} is full", hint="Free some space and try again."
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
            return HubError(
                f"the database {self.path} cannot be written: {error}",
                hint="Check the permissions of its folder and the health of its disk.",
            )
        if code in _BUSY:
            return HubError(
                f"another process keeps {self.path} locked",
                hint="Wait for it, or end it; `tui-hub doctor` names the processes of this home.",
            )
        return None


def _is_full(path: Path) -> bool:
    """Whether a file's disk has no room left: not every failure for that says so."""
    try:
        return shutil.disk_usage(path.parent).free < _LEAST_FREE
    except OSError:
        return False


async def _stop(connections: Sequence[aiosqlite.Connection]) -> None:
    """Close connections one after the other, the writer last.

    Only a last one clears its journal away, and of two that close at once neither is.
    """
    for connection in reversed(connections):
        stopped = connection.stop()
        _open.discard(connection)
        if stopped is not None:
            await stopped


async def _insist(connection: aiosqlite.Connection, sql: str) -> None:
    """Run `BEGIN`, `COMMIT` or a pragma, again while another process holds the lock."""
    await _patiently(lambda: connection.execute_fetchall(sql))


async def _patiently(work: Callable[[], Awaitable[_T]]) -> _T:
    """Do something again while another process holds the lock.

    SQLite waits by itself, but not where waiting could be in vain: while another connection makes
    the journal, or recovers it.
    """
    loop = asyncio.get_running_loop()
    began, attempt = loop.time(), 0
    while True:
        attempt += 1
        try:
            return await work()
        except sqlite3.OperationalError as error:
            tired = attempt >= _BUSY_ATTEMPTS and loop.time() - began > BUSY_SECONDS
            if error.sqlite_errorcode & 0xFF not in _BUSY or tired:
                raise
            await asyncio.sleep(min(0.05 * attempt, 0.5))


async def _interruptible(reader: aiosqlite.Connection, sql: str, arguments: Arguments) -> list[Row]:
    """The rows of a query, which is over when this returns or is cancelled."""
    query = asyncio.ensure_future(_fetch(reader, sql, arguments))
    try:
        return await asyncio.shield(query)
    finally:
        if not query.done():
            await _uninterrupted(_interrupt(reader, query))


async def _interrupt(reader: aiosqlite.Connection, query: asyncio.Task[list[Row]]) -> None:
    """Stop a query, which may not have begun yet: what has not begun cannot be interrupted."""
    while not query.done():
        with contextlib.suppress(ValueError):  # closed meanwhile
            await reader.interrupt()
        await asyncio.wait([query], timeout=_INTERRUPT_SECONDS)
    query.exception()


async def _fetch(connection: aiosqlite.Connection, sql: str, arguments: Arguments) -> list[Row]:
    return cast("list[Row]", await connection.execute_fetchall(sql, arguments))


async def _uninterrupted(work: Awaitable[object]) -> None:
    """Wait for something to the end; a cancellation meanwhile is delivered afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()


_open: weakref.WeakSet[aiosqlite.Connection] = weakref.WeakSet()


def _watch(connection: aiosqlite.Connection) -> None:
    """See to it that this connection's thread ends when the main thread does."""
    _open.add(connection)
    _watcher()


@cache
def _watcher() -> threading.Thread:
    thread = threading.Thread(target=_stop_at_end, name="database-end", daemon=True)
    thread.start()
    return thread


def _stop_at_end() -> None:
    threading.main_thread().join()
    for connection in list(_open):
        connection.stop()
