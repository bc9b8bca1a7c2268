"""Several processes on one database, and how they end."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from made_models import ids

from tui_hub.database import CatalogueDatabase, HubDatabase
from tui_hub.domain.catalogue import Search

PROLOGUE = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {helpers!r})
from made_models import made
from tui_hub.database import CatalogueDatabase, HubDatabase
from tui_hub.domain.feeds import Counts, FeedStatus
from tui_hub.domain.jobs import Job, JobType, Owner
home, number = Path(sys.argv[1]), int(sys.argv[2])
"""


def start(home: Path, script: str, number: int = 0) -> subprocess.Popen[str]:
    prologue = PROLOGUE.format(helpers=str(Path(__file__).parent))
    return subprocess.Popen(
        [sys.executable, "-c", prologue + textwrap.dedent(script), str(home), str(number)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_two_processes_write_one_database(tmp_path: Path) -> None:
    script = """
    async def main():
        async with await HubDatabase.open(home / "hub.db") as hub, \\
                await CatalogueDatabase.open(home / "catalogue.db") as catalogue:
            for turn in range(10):
                page = [made(f"hf:both/m{turn}-{row}", likes=number) for row in range(40)]
                page += [made(f"hf:own{number}/m{turn}-{row}") for row in range(10)]
                status = FeedStatus(feed=f"hf:{number}", cursor=str(turn))
                await catalogue.write_page(f"hf:{number}", page, status)
                job = f"j{number}-{turn}"
                await hub.jobs.add(Job(id=job, type=JobType.SYNC, created_at="x"))
                await hub.jobs.log(job, "done")
    asyncio.run(main())
    """
    running = [start(tmp_path, script, number) for number in range(3)]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
    async with await CatalogueDatabase.open(tmp_path / "catalogue.db") as catalogue:
        assert await catalogue.models.total() == 10 * 40 + 3 * 10 * 10
        found = await ids(catalogue.models, Search(text="m3"), 1000)
        assert len(found) == len(set(found)) == 40 + 3 * 10
    async with await HubDatabase.open(tmp_path / "hub.db") as hub:
        jobs = await hub.jobs.list(limit=1000)
        assert len(jobs) == 30 and all(job.log == ("done",) for job in jobs)


async def test_one_of_many_claims_a_job_and_a_lease(tmp_path: Path) -> None:
    script = """
    async def main():
        async with await HubDatabase.open(home / "hub.db") as hub:
            me = Owner(host="here", pid=number, started=1.0)
            waiting = Job(id="j", type=JobType.SYNC, created_at="x")
            print(await hub.jobs.take(waiting, me, "running"))
            print(await hub.leases.acquire("sync", me, lambda owner: True, 60))
    asyncio.run(main())
    """
    from tui_hub.domain.jobs import Job, JobType

    async with await HubDatabase.open(tmp_path / "hub.db") as hub:
        await hub.jobs.add(Job(id="j", type=JobType.SYNC, created_at="x"))
    running = [start(tmp_path, script, number) for number in range(3)]
    answers = [process.communicate(timeout=60)[0].split() for process in running]
    assert sorted(answer[0] for answer in answers) == ["False", "False", "True"]
    assert sorted(answer[1] for answer in answers) == ["1", "None", "None"]


async def test_a_killed_sync_goes_on_from_rows_and_cursor_that_agree(tmp_path: Path) -> None:
    """Page n holds models n*20 to n*20+19, and the cursor behind it says n."""
    script = """
    async def main():
        async with await CatalogueDatabase.open(home / "catalogue.db") as catalogue:
            before = await catalogue.feeds.get("hf:x")
            first = int(before.cursor or -1) + 1
            for page in range(first, 10_000):
                models = [made(f"hf:a/m{page * 20 + row}") for row in range(20)]
                status = FeedStatus(feed="hf:x", cursor=str(page))
                await catalogue.write_page("hf:x", models, status)
                print(page, flush=True)
    asyncio.run(main())
    """
    last = -1
    for turn in range(3):
        process = start(tmp_path, script)
        assert process.stdout is not None
        for _ in range(5 + turn):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        async with await CatalogueDatabase.open(tmp_path / "catalogue.db") as catalogue:
            cursor = int((await catalogue.feeds.get("hf:x")).cursor or -1)
            assert cursor >= last + 5
            assert await catalogue.models.total() == (cursor + 1) * 20
            assert len(await ids(catalogue.models, Search(text="m"), 1000)) == (cursor + 1) * 20
        last = cursor


LEFT_OPEN = """
kept = []
async def tick():
    # Python sees a signal that comes just before the loop falls asleep when it wakes again.
    while True:
        await asyncio.sleep(0.05)
async def main():
    kept.append(asyncio.create_task(tick()))
    kept.append(await HubDatabase.open(home / "hub.db"))
    kept.append(await CatalogueDatabase.open(home / "catalogue.db"))
    print("open", flush=True)
    {then}
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("then", "code"), [("pass", 0), ("raise ValueError('lost')", 1), ("sys.exit(3)", 3)]
)
def test_a_process_ends_though_a_database_was_left_open(
    tmp_path: Path, then: str, code: int
) -> None:
    process = start(tmp_path, LEFT_OPEN.format(then=then))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert ("lost" in errors) == (code == 1)


@pytest.mark.parametrize(
    "then",
    ["await asyncio.sleep(60)", "await kept[2].models._database.read(endless)", "await spin()"],
)
def test_a_process_ends_after_an_interrupt(tmp_path: Path, then: str) -> None:
    helpers = """
endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
async def spin():
    while True:
        await kept[2].models.put(made())
"""
    process = start(tmp_path, helpers + LEFT_OPEN.format(then=then))
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (1, 130, -signal.SIGINT)
    assert "KeyboardInterrupt" in errors


def test_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    script = """
    async def main():
        async with await HubDatabase.open(home / "hub.db"), \\
                await CatalogueDatabase.open(home / "catalogue.db") as catalogue:
            await catalogue.models.put(made(f"hf:a/m{number}"))
            print(await catalogue.models.total() >= 1)
    asyncio.run(main())
    """
    running = [start(tmp_path, script, number) for number in range(4)]
    for process in running:
        output, errors = process.communicate(timeout=60)
        assert (output, errors) == ("True\n", "")
