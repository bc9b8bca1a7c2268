"""Files that are damaged, newer, in the way or out of reach."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from made_models import ids, made

from tui_hub.database import CatalogueDatabase, HubDatabase, files
from tui_hub.database.connection import Database
from tui_hub.domain.catalogue import Search
from tui_hub.domain.errors import CorruptError, HubError, RefusedError
from tui_hub.domain.jobs import Job, JobType

JOB = Job(id="j", type=JobType.SYNC, created_at="2026-01-01T00:00:00Z")


def break_pages(path: Path) -> None:
    """Write noise over every page but the first."""
    content = bytearray(path.read_bytes())
    content[4096:] = random.Random(1).randbytes(len(content) - 4096)
    path.write_bytes(content)


async def test_files_are_private_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "hub.db"
    async with await HubDatabase.open(path) as hub:
        await hub.jobs.add(JOB)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert set(modes.values()) == {0o600}
        assert "hub.db-wal" in modes
    assert [file.name for file in path.parent.iterdir()] == ["hub.db"]


async def test_closing_leaves_no_journal_behind(tmp_path: Path) -> None:
    for number in range(40):
        path = tmp_path / f"{number}.db"
        async with await CatalogueDatabase.open(path) as catalogue:
            await catalogue.models.put(made())
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".db"] == []


async def test_commits_are_durable_where_they_must_last(tmp_path: Path) -> None:
    for durable, expected in ((True, 2), (False, 1)):
        database = await Database.open(tmp_path / f"{durable}.db", (), durable=durable)
        async with database.write() as transaction:
            assert await transaction.read("PRAGMA synchronous") == [(expected,)]
        assert await database.read("PRAGMA foreign_keys") == [(1,)]
        assert await database.read("PRAGMA trusted_schema") == [(0,)]
        assert await database.read("PRAGMA journal_mode") == [("wal",)]
        await database.close()


async def test_a_remote_file_system_gets_no_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hub.db"
    async with await HubDatabase.open(path) as hub:
        await hub.jobs.add(JOB)
    monkeypatch.setattr(files, "file_system", lambda folder: 0x6969)
    async with await HubDatabase.open(path) as hub:
        assert await hub.jobs.get("j") == JOB
        await hub.jobs.log("j", "x")
        assert not path.with_name("hub.db-wal").exists()
    async with await CatalogueDatabase.open(tmp_path / "c.db") as catalogue:
        await catalogue.models.put(made())
        assert await catalogue.models.total() == 1
        assert not (tmp_path / "c.db-wal").exists()


def test_the_file_system_is_told_by_its_magic_number() -> None:
    assert files.file_system(Path("/proc")) == 0x9FA0
    assert files.file_system(Path("/nowhere")) == 0


@pytest.mark.parametrize(
    "content", [b"this is no database" * 500, b"SQLite format 3\0" + b"\xff" * 9000]
)
async def test_a_damaged_hub_database_is_named_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hub.db"
    path.write_bytes(content)
    with pytest.raises(CorruptError, match=r"hub\.db.*damaged") as caught:
        await HubDatabase.open(path)
    assert caught.value.hint
    assert path.read_bytes() == content


async def test_a_damaged_catalogue_is_put_aside_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.write_bytes(b"this is no database" * 500)
    async with await CatalogueDatabase.open(path) as catalogue:
        await catalogue.models.put(made())
        assert await ids(catalogue.models, Search(text="name")) == ["hf:org/name"]
    assert path.with_name("catalogue.db.damaged").read_bytes().startswith(b"this is no")


async def test_damage_found_in_use_is_mended_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    async with await CatalogueDatabase.open(path) as catalogue:
        await catalogue.models.merge([made(f"hf:a/m{number}") for number in range(2000)])
    break_pages(path)
    damaged = 0
    for _ in range(2):
        try:
            async with await CatalogueDatabase.open(path) as catalogue:
                await ids(catalogue.models, Search(), 1000)
                await ids(catalogue.models, Search(text="m1"), 1000)
        except CorruptError:
            damaged += 1
    assert damaged <= 1
    async with await CatalogueDatabase.open(path) as catalogue:
        assert await catalogue.models.total() == 0
        await catalogue.models.put(made())
        assert await catalogue.models.total() == 1


async def test_damage_in_a_hub_database_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    async with await HubDatabase.open(path) as hub:
        lines = tuple("x" * 500 for _ in range(200))
        await hub.jobs.add(Job(id="j", type=JobType.SYNC, created_at="x", log=lines))
    break_pages(path)
    with pytest.raises(CorruptError, match=r"hub\.db"):
        async with await HubDatabase.open(path) as hub:
            await hub.jobs.list(limit=1000)
    assert path.stat().st_size > 4096


@pytest.mark.parametrize("kind", [HubDatabase, CatalogueDatabase])
async def test_a_newer_database_is_refused_and_kept(
    tmp_path: Path, kind: type[HubDatabase] | type[CatalogueDatabase]
) -> None:
    path = tmp_path / "some.db"
    await (await kind.open(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO migrations VALUES ('of_the_future', 'x')")
        connection.commit()
    before = path.read_bytes()
    with pytest.raises(RefusedError, match=r"newer version.*of_the_future") as caught:
        await kind.open(path)
    assert "Upgrade" in (caught.value.hint or "")
    assert path.read_bytes() == before


async def test_later_migrations_run_once_and_in_order(tmp_path: Path) -> None:
    from tui_hub.database.connection import Transaction

    ran: list[str] = []

    async def one(transaction: Transaction) -> None:
        ran.append("one")
        await transaction.execute("CREATE TABLE things (name)")

    async def two(transaction: Transaction) -> None:
        ran.append("two")
        await transaction.execute("INSERT INTO things VALUES ('x')")

    async def fails(transaction: Transaction) -> None:
        await transaction.execute("INSERT INTO things VALUES ('y')")
        raise RuntimeError("on the way")

    path = tmp_path / "some.db"
    await (await Database.open(path, (one,), durable=True)).close()
    await (await Database.open(path, (one, two), durable=True)).close()
    with pytest.raises(RuntimeError):
        await Database.open(path, (one, two, fails), durable=True)
    database = await Database.open(path, (one, two), durable=True)
    assert await database.read("SELECT name FROM things") == [("x",)]
    await database.close()
    assert ran == ["one", "two"]


async def test_something_else_at_the_path_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").touch()
    for path in (tmp_path / "folder", tmp_path / "fifo", tmp_path / "file" / "hub.db"):
        with pytest.raises(HubError, match=str(path)) as caught:
            await asyncio.wait_for(HubDatabase.open(path), 60)
        assert caught.value.hint


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder that this process may not write, whoever runs the tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield path
        finally:
            if root:
                os.seteuid(0)
            path.chmod(0o755)


async def test_a_read_only_folder_is_an_error_with_a_way_out(read_only_folder: Path) -> None:
    for path in (read_only_folder / "hub.db", read_only_folder / "sub" / "hub.db"):
        with pytest.raises(HubError, match="cannot be opened for writing") as caught:
            await HubDatabase.open(path)
        assert "permissions" in (caught.value.hint or "")


async def test_a_full_disk_is_said(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "some.db", (), durable=True)
    try:
        with pytest.raises(HubError, match="full"):
            async with database.write() as transaction:
                await transaction.execute("PRAGMA max_page_count = 4")
                await transaction.execute("CREATE TABLE big (content)")
                await transaction.execute("INSERT INTO big VALUES (zeroblob(1000000))")
        assert await database.read("SELECT count(*) FROM sqlite_schema WHERE name = 'big'") == [
            (0,)
        ]
    finally:
        await database.close()


async def test_only_what_others_write_is_a_foreign_change(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    async with await CatalogueDatabase.open(path) as one, await CatalogueDatabase.open(path) as two:
        before = await one.foreign_changes()
        await one.models.put(made("hf:a/mine"))
        assert await one.foreign_changes() == before
        await two.models.put(made("hf:a/theirs"))
        assert await one.foreign_changes() != before
