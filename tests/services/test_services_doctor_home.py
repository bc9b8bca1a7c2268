"""What the doctor finds in a home: its databases, feeds, slots, jobs and processes."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from examining import ERROR, OK, WARNING, errors, examined, of, the
from homes import Configure

from tui_hub import processes
from tui_hub.blobs import BlobStore
from tui_hub.database import CatalogueDatabase, HubDatabase, connection, files
from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.jobs import JobStatus
from tui_hub.domain.schedule import Turn
from tui_hub.services import Services, open_services
from tui_hub.services.agent.unit import NAME
from tui_hub.services.doctor import databases
from tui_hub.settings import Configuration

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


async def install(services: Services, model: str) -> None:
    job = await services.downloads.start(model)
    assert (await services.downloads.wait(job.id)).status is JobStatus.COMPLETED


def offline(configure: Configure, **environment: str) -> Configuration:
    """The home of these tests, which asks nobody."""
    return configure(HF_HUB_OFFLINE="1", **environment)


def spoil(path: Path) -> None:
    """Overwrite a table in the middle of a database, whose beginning stays in order."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        size = database.execute("PRAGMA page_size").fetchone()[0]
        roots = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'feeds'")
        root = roots.fetchone()[0]
    database.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xa5" * size)


# Databases --------------------------------------------------------------------------------------


async def test_a_home_whose_database_is_damaged(configure: Configure, hub: DemoHub) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        await install(services, "acme/tiny")
    file = configuration.paths.hub_database
    rubbish = b"no database at all" * 500
    file.write_bytes(rubbish)
    before = sorted(configuration.paths.store.rglob("*"))
    found = await examined(configuration)
    assert errors(found) == {"home"}
    home = the(found, "home")
    assert "is damaged" in home.message and "backup" in str(home.mend)
    assert {"network", "gpu", "torch", "disk", "store", "terminal"} <= {one.check for one in found}
    assert str(configuration.paths.store) in the(found, "store").message
    assert file.read_bytes() == rubbish
    assert sorted(configuration.paths.store.rglob("*")) == before


async def test_a_home_that_cannot_be_opened(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "home" / "hub.db").mkdir(parents=True)
    found = await examined(offline(configure))
    assert errors(found) == {"home"}
    assert "should be a database" in the(found, "home").message


async def test_a_store_that_cannot_be_read(configure: Configure) -> None:
    configuration = offline(configure)
    store = BlobStore(configuration.paths.store)
    store.prepare()
    store.metadata.rmdir()
    store.metadata.symlink_to("metadata")
    found = await examined(configuration)
    assert errors(found) >= {"store"}, "and the home opens all the same"


async def test_a_damaged_catalogue_is_found_and_then_put_aside(configure: Configure) -> None:
    configuration = offline(configure)
    async with open_services(configuration):
        pass
    spoil(configuration.paths.catalogue_database)
    async with open_services(configuration) as services:
        found = await services.doctor.examine()
    _, catalogue = of(found, "database")
    assert (catalogue.status, "catalogue.db" in catalogue.message) == (ERROR, True)
    _, catalogue, aside = of(await examined(configuration), "database")
    assert (catalogue.status, aside.status) == (OK, WARNING)
    assert "catalogue.db.damaged" in aside.message
    async with open_services(configuration) as services:
        told = await services.catalogue.put_aside()
        assert "catalogue.db.damaged" in str(told)
        assert await services.catalogue.put_aside() is None, "it is told once"


async def test_a_file_system_without_a_wal(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "file_system", lambda folder: 0x6969)
    hub, catalogue = of(await examined(offline(configure)), "database")
    assert (hub.status, catalogue.status) == (WARNING, WARNING)
    assert "cannot keep a WAL" in hub.message and "local disk" in str(hub.mend)


@pytest.mark.parametrize("name", ["hub.db", "catalogue.db"])
async def test_a_database_that_opens_and_is_not_sound(configure: Configure, name: str) -> None:
    configuration = offline(configure)
    async with open_services(configuration):
        pass
    file = configuration.paths.hub_database.with_name(name)
    with file.open("r+b") as header:
        header.seek(36)  # the number of free pages, https://sqlite.org/fileformat2.html
        header.write((5).to_bytes(4, "big"))
    damaged = next(one for one in of(await examined(configuration), "database") if one.mend)
    assert (damaged.status, damaged.message.startswith(f"{name} is damaged: ")) == (ERROR, True)
    again = await examined(configuration)
    assert ("database" in errors(again)) is (name == "hub.db")


async def test_a_locked_home_names_who_has_it_open(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 1.0)
    monkeypatch.setattr(databases, "_LOCKED", 0.3)
    configuration = offline(configure)
    async with open_services(configuration):
        pass
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, configuration.paths.hub_database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        found = await examined(configuration)
        assert holder.stdin is not None
        holder.stdin.close()
    locked, catalogue = of(found, "database")
    assert (locked.status, "locked" in locked.message, catalogue.status) == (ERROR, True, OK)
    running = the(found, "processes").message
    assert running.startswith(f"{holder.pid} {sys.executable}")


# Feeds, slots, jobs, agent ----------------------------------------------------------------------


async def test_feeds_that_fail_and_feeds_that_wait(configure: Configure, hub: DemoHub) -> None:
    configuration = configure(TUI_HUB_NETWORK__RETRIES="1")
    hub.faults.add(Fault(FaultKind.STATUS, path="/api/models", times=-1, status=503))
    async with open_services(configuration) as services:
        await services.sync.run(["hf:litert"])
    hub.faults.clear()
    found = await examined(configuration)
    failed = next(one for one in of(found, "feeds") if "hf:litert" in one.message)
    assert "503" in failed.message
    assert failed.mend == "`tui-hub sync hf:litert` tries now."

    async with open_services(configuration) as services:
        await services.sync.run()
    assert [one.message for one in of(await examined(configuration), "feeds")] == [
        "none is overdue"
    ]
    async with await CatalogueDatabase.open(configuration.paths.catalogue_database) as catalogue:
        names = [status.feed for status in await catalogue.feeds.list()]
        await catalogue.feeds.plan(names, lambda _: Turn(next_run="2020-01-01T00:00:00Z"))
    late = the(await examined(configuration), "feeds")
    assert (late.status, late.message.startswith("overdue")) == (WARNING, True)


async def test_a_schedule_that_cannot_be_read(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text('[feeds."hf:litert"]\nschedule = "often"\n')
    found = await examined(offline(configure))
    assert any("often" in one.message for one in of(found, "feeds") if one.status is ERROR)


async def test_a_slot_whose_process_is_gone(configure: Configure, hub: DemoHub) -> None:
    configuration = configure()
    async with open_services(configuration) as services:
        await install(services, "acme/tiny")
        await services.activation.activate("acme/tiny")
    slot = the(await examined(configuration), "slots")
    assert (slot.status, slot.message) == (OK, "llm: hf:acme/tiny is active")
    ended = subprocess.Popen(["true"])
    ended.wait()
    dead = replace(processes.this_process(), pid=ended.pid)
    async with await HubDatabase.open(configuration.paths.hub_database) as database:
        (row,) = await database.slots.list()
        await database.slots.put(replace(row, holder=dead, runtime="torch"))
    found = await examined(configuration)
    slot = the(found, "slots")
    assert (slot.status, slot.mend) == (ERROR, "`tui-hub reload llm`")
    assert f"process {dead.pid}" in slot.message
    assert "holds" not in the(found, "processes").message

    shutil.rmtree(configuration.paths.store)
    # What a store that is not mounted looks like: its folder is empty.
    configuration.paths.store.mkdir()
    async with open_services(configuration) as services:
        assert await services.storage.installs()
    store = the(await examined(configuration), "store")
    assert (store.status, "1 installed model" in store.message) == (ERROR, True)


async def test_jobs_that_failed_lately(configure: Configure, hub: DemoHub) -> None:
    configuration = configure(TUI_HUB_DOWNLOADS__RETRIES="1", TUI_HUB_NETWORK__RETRIES="1")
    async with open_services(configuration) as services:
        hub.faults.add(Fault(FaultKind.STATUS, path="*.safetensors", times=-1, status=404))
        job = await services.downloads.start("acme/tiny")
        assert (await services.downloads.wait(job.id)).status is JobStatus.FAILED
    jobs = the(await examined(configuration), "jobs")
    assert (jobs.status, jobs.message) == (WARNING, "1 failed within a day")


async def test_an_agent_that_should_work_and_may_not(configure: Configure, tmp_path: Path) -> None:
    unit = tmp_path / "config" / "systemd" / "user" / NAME
    unit.parent.mkdir(parents=True)
    unit.touch()
    loginctl = tmp_path / "loginctl"
    loginctl.write_text("#!/bin/sh\necho no\n")
    loginctl.chmod(0o755)
    given = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": f"{tmp_path}:/bin"}
    works, lingers = of(await examined(offline(configure, **given)), "agent")
    assert (works.status, lingers.status) == (WARNING, WARNING)
    assert lingers.mend == "`loginctl enable-linger`"
    loginctl.write_text("#!/bin/sh\necho yes\n")
    assert the(await examined(offline(configure, **given)), "agent") == works
