"""The tables of what must last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tui_hub.database import HubDatabase, jobs
from tui_hub.database.connection import Database
from tui_hub.database.hub_schema import MIGRATIONS
from tui_hub.domain.additions import AddedFile, Addition
from tui_hub.domain.artifacts import (
    Artifact,
    ArtifactKind,
    ArtifactStatus,
    Verified,
    artifact_id,
)
from tui_hub.domain.errors import LostLeaseError
from tui_hub.domain.jobs import Job, JobStatus, JobType, Owner, Progress
from tui_hub.domain.models import ModelEdit, Registration, RegistrationStatus
from tui_hub.domain.revisions import Version
from tui_hub.domain.slots import MemoryFigures, Slot
from tui_hub.domain.storage import Install
from tui_hub.domain.types import ModelType

ME = Owner(host="here", pid=1, started=12.25, boot="b1")
OTHER = Owner(host="here", pid=2, started=99.5, boot="b1")


def job(name: str, **fields: object) -> Job:
    values: dict[str, object] = {"type": JobType.DOWNLOAD, "created_at": "2026-01-01T00:00:00Z"}
    return Job(id=name, **values | fields)  # type: ignore[arg-type]


def artifact(path: str, revision: str = "r1", **fields: object) -> Artifact:
    name = artifact_id("hf:a/b", revision, path)
    return Artifact(id=name, model="hf:a/b", revision=revision, path=path, **fields)  # type: ignore[arg-type]


async def test_a_job_comes_back_as_it_went_in(hub: HubDatabase) -> None:
    whole = job(
        "j1",
        status=JobStatus.PAUSED,
        payload={"model": "hf:a/b", "paths": ["x"], "odd": "\ud800"},
        progress=Progress(done=5, total=10, unit="files"),
        attempts=2,
        error="no",
        started_at="2026-01-01T00:00:01Z",
        finished_at="2026-01-01T00:00:02Z",
        log=("one", "two"),
        owner=ME,
        request="pause",
    )
    await hub.jobs.add(whole)
    assert await hub.jobs.get("j1") == whole
    assert await hub.jobs.get("j2") is None


async def test_jobs_are_listed_newest_first(hub: HubDatabase) -> None:
    await hub.jobs.add(job("old", created_at="2025-01-01T00:00:00Z"))
    await hub.jobs.add(job("a", type=JobType.SYNC))
    await hub.jobs.add(job("b", status=JobStatus.FAILED, log=("x",)))
    assert [found.id for found in await hub.jobs.list()] == ["b", "a", "old"]
    assert [found.id for found in await hub.jobs.list(limit=1)] == ["b"]
    assert [found.id for found in await hub.jobs.list([JobType.SYNC])] == ["a"]
    both = await hub.jobs.list((JobType.DOWNLOAD,), (JobStatus.FAILED, JobStatus.PENDING))
    assert [(found.id, found.log) for found in both] == [("b", ("x",)), ("old", ())]


async def test_saving_leaves_log_and_request_to_others(hub: HubDatabase) -> None:
    await hub.jobs.add(job("j"))
    mine = await hub.jobs.get("j")
    assert mine is not None
    await hub.jobs.log("j", "a line")
    await hub.jobs.ask("j", "cancel")
    await hub.jobs.save(replace(mine, status=JobStatus.RUNNING, owner=ME, attempts=1))
    found = await hub.jobs.get("j")
    assert found is not None
    assert (found.log, found.request) == (("a line",), "cancel")
    assert (found.status, found.owner, found.attempts) == (JobStatus.RUNNING, ME, 1)
    assert await hub.jobs.requests(["j", "k"]) == {"j": "cancel"}
    assert await hub.jobs.requests([]) == {}
    assert await hub.jobs.running() == [found]


async def test_a_log_keeps_its_last_lines(hub: HubDatabase) -> None:
    await hub.jobs.add(job("j"))
    await hub.jobs.add(job("k"))
    await hub.jobs.log("k", "its own")
    for start in range(0, 500, 50):
        await hub.jobs.log("j", *(str(number) for number in range(start, start + 50)))
    await hub.jobs.log("nobody", "lost")
    found = await hub.jobs.get("j")
    assert found is not None and found.log == tuple(map(str, range(300, 500)))
    other = await hub.jobs.get("k")
    assert other is not None and other.log == ("its own",)


@pytest.mark.parametrize("status", JobStatus)
async def test_a_job_is_taken_as_it_was_read_or_not_at_all(
    hub: HubDatabase, status: JobStatus
) -> None:
    await hub.jobs.add(job("j", status=status, error="before", request="pause", attempts=1))
    read = await hub.jobs.get("j")
    assert read is not None
    assert await hub.jobs.take(read, ME, JobStatus.RUNNING)
    taken = await hub.jobs.get("j")
    assert taken is not None
    attempts = 1 if status is JobStatus.RUNNING else 2
    assert (taken.status, taken.owner, taken.attempts) == (JobStatus.RUNNING, ME, attempts)
    assert (taken.error, taken.request, taken.finished_at) == (None, None, None)
    assert (taken.started_at is None) is (status is JobStatus.RUNNING), "it goes on"
    assert taken.fence == read.fence + 1
    assert not await hub.jobs.take(read, OTHER, JobStatus.RUNNING)


async def test_what_an_earlier_owner_writes_has_no_effect(hub: HubDatabase) -> None:
    await hub.jobs.add(job("j", status=JobStatus.RUNNING, owner=OTHER))
    theirs = await hub.jobs.get("j")
    assert theirs is not None and await hub.jobs.renew({"j": theirs.fence}) == set()
    assert await hub.jobs.take(theirs, ME, JobStatus.PENDING)
    mine = await hub.jobs.get("j")
    assert mine is not None and mine.attempts == theirs.attempts
    with pytest.raises(LostLeaseError, match="another process"):
        await hub.jobs.save(replace(theirs, status=JobStatus.COMPLETED))
    assert await hub.jobs.get("j") == mine
    assert await hub.jobs.renew({"j": theirs.fence}) == {"j"}
    assert await hub.jobs.renew({"j": mine.fence}) == set()


async def test_a_heartbeat_makes_no_other_job(hub: HubDatabase) -> None:
    await hub.jobs.add(job("j", status=JobStatus.RUNNING, owner=ME))
    first = await hub.jobs.get("j")
    assert first is not None
    await hub.jobs.renew({"j": first.fence})
    later = await hub.jobs.get("j")
    assert later == first and later.beat > first.beat


async def test_the_history_of_jobs_is_bounded(
    hub: HubDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "HISTORY", 3)
    await hub.jobs.add(job("alive", status=JobStatus.PAUSED))
    for number in range(6):
        await hub.jobs.add(job(f"j{number}", status=JobStatus.FAILED, log=("x",)))
    assert [one.id for one in await hub.jobs.list()] == ["j5", "j4", "j3", "alive"]
    assert (await hub.jobs.list(limit=1))[0].log == ("x",)


async def test_jobs_are_chosen_by_time_and_cleared_once_they_ended(hub: HubDatabase) -> None:
    for day, status in enumerate(JobStatus, 1):
        await hub.jobs.add(job(f"j{day}", status=status, created_at=f"2026-01-0{day}T00:00:00Z"))
    await hub.jobs.add(job("sync", type=JobType.SYNC, status=JobStatus.FAILED))
    span = {"since": "2026-01-02T00:00:00Z", "before": "2026-01-04T00:00:00Z"}
    assert [one.id for one in await hub.jobs.list(**span)] == ["j3", "j2"]
    assert [one.id for one in await hub.jobs.beginning_with("j", 2)] == ["j6", "j5"]
    assert await hub.jobs.clear((JobType.SYNC,)) == 1
    assert await hub.jobs.clear((), (JobStatus.RUNNING,)) == 0
    assert await hub.jobs.clear(before="2026-01-05T00:00:00Z") == 1
    assert await hub.jobs.clear() == 2
    statuses = {one.status for one in await hub.jobs.list()}
    assert statuses == {JobStatus.PENDING, JobStatus.RUNNING, JobStatus.PAUSED}


async def test_artifacts_keep_what_is_here_of_files_that_stay(hub: HubDatabase) -> None:
    table = hub.artifacts
    kept = artifact("kept", size=5, sha256="a" * 64, kind=ArtifactKind.WEIGHTS)
    changed, gone = artifact("changed", size=5, sha256="b" * 64), artifact("gone")
    await table.replace_listing("hf:a/b", "r1", [kept, changed, gone])
    done = {
        "status": ArtifactStatus.COMPLETED,
        "blob": "c" * 64,
        "verified": Verified.SHA256,
        "etag": "e",
    }
    await table.save(replace(kept, **done), replace(changed, **done))  # type: ignore[arg-type]
    await table.replace_listing(
        "hf:a/b", "r1", [replace(kept, sha256=None), replace(changed, size=6), artifact("new")]
    )
    assert await table.of("hf:a/b", "r1") == [
        replace(changed, size=6),
        replace(kept, **done),  # type: ignore[arg-type]
        artifact("new"),
    ]
    assert await table.get(kept.id) == replace(kept, **done)  # type: ignore[arg-type]
    assert await table.get(gone.id) is None


async def test_a_stale_mark_never_undoes_a_completed_file(hub: HubDatabase) -> None:
    table = hub.artifacts
    done = artifact(
        "done", status=ArtifactStatus.COMPLETED, blob="c" * 64, verified=Verified.SHA256
    )
    waiting, failed = artifact("waiting", size=5), artifact("failed", job="j0", error="no")
    bystander = artifact("bystander")
    await table.save(done, waiting, failed, bystander)
    await table.mark(
        (file.id for file in (done, waiting, failed)), ArtifactStatus.DOWNLOADING, job="j1"
    )
    now = {"status": ArtifactStatus.DOWNLOADING, "job": "j1", "error": None}
    assert await table.get(done.id) == done
    assert await table.get(waiting.id) == replace(waiting, **now)  # type: ignore[arg-type]
    assert await table.get(failed.id) == replace(failed, **now)  # type: ignore[arg-type]
    assert await table.get(bystander.id) == bystander

    await table.mark([waiting.id, "nobody"], ArtifactStatus.FAILED, error="disk\ud800")
    found = await table.get(waiting.id)
    assert found == replace(waiting, status=ArtifactStatus.FAILED, error="disk?")
    await table.mark([], ArtifactStatus.PENDING)
    assert await table.get(waiting.id) == found


async def test_the_newest_listing_is_the_one_shown(hub: HubDatabase) -> None:
    table = hub.artifacts
    assert await table.of("hf:a/b") == []
    await table.replace_listing("hf:a/b", "r1", [artifact("x")])
    await table.replace_listing("hf:a/b", "r2", [artifact("x", "r2"), artifact("y", "r2")])
    assert [file.path for file in await table.of("hf:a/b")] == ["x", "y"]
    assert [found.revision for found in await table.revisions("hf:a/b")] == ["r2", "r1"]
    await table.replace_listing("hf:a/b", "r1", [artifact("x")])
    assert [file.revision for file in await table.of("hf:a/b")] == ["r1"]
    assert [file.path for file in await table.of("hf:a/b", "r2")] == ["x", "y"]


async def test_holders_of_a_blob_and_forgetting(hub: HubDatabase) -> None:
    blob = "d" * 64
    mine = artifact("x", blob=blob)
    theirs = replace(mine, id="other", model="hf:c/d")
    await hub.artifacts.save(mine, theirs)
    assert await hub.artifacts.holders(blob) == ["hf:a/b", "hf:c/d"]
    await hub.versions.add(Version(model="hf:a/b", name="mine", revision="r1"))
    await hub.versions.add(Version(model="hf:c/d", name="mine", revision="r1"))
    await hub.names.forget("hf:a/b")
    assert await hub.versions.of("hf:a/b") == []
    assert len(await hub.versions.of("hf:c/d")) == 1
    assert await hub.names.list() == ["hf:c/d"]
    assert await hub.artifacts.holders(blob) == ["hf:c/d"]
    assert await hub.artifacts.of("hf:a/b") == []
    assert await hub.artifacts.revisions("hf:a/b") == []


async def test_installs_slots_edits_registrations_and_additions(hub: HubDatabase) -> None:
    install = Install(
        model="hf:a/b", revision="r", type=ModelType.LLM, name="b", author="a", path="/s/b",
        installed_at="2026-01-01T00:00:00Z", files=2, bytes=2**50, variants=("Q4", "Q8"),
    )  # fmt: skip
    slot = Slot(
        type=ModelType.THREE_D, model="hf:a/b", revision="r", runtime="link", path="/s/b",
        device="cuda:0", holder=ME, child="llm-1.sock", error="gone",
        since="2026-01-01T00:00:00Z", variant="Q4",
        memory=MemoryFigures(needed=1, peak=2),
    )  # fmt: skip
    edit = ModelEdit(model="hf:a/b", note="line\nline", favourite=True, type=ModelType.TTS)
    registration = Registration(
        model="hf:a/b", vendor="v", auto_sync=True, status=RegistrationStatus.ERROR, error="gone"
    )
    addition = Addition(
        model="url:mine", type=ModelType.LLM, license="mit", gpu_memory=2**40, torch="2.4",
        added_at="2026-01-01T00:00:00Z",
        files=(AddedFile(path="ü.bin", place="https://a.org/x", size=3, md5="0" * 32),),
    )  # fmt: skip
    for table, key, record in (
        (hub.additions, "url:mine", addition),
        (hub.installs, "hf:a/b", install),
        (hub.slots, ModelType.THREE_D, slot),
        (hub.edits, "hf:a/b", edit),
        (hub.registrations, "hf:a/b", registration),
    ):
        assert await table.get(key) is None
        await table.put(record)  # type: ignore[attr-defined]
        await table.put(record)  # type: ignore[attr-defined]
        assert await table.get(key) == record
        assert await table.list() == [record]
        await table.delete(key)
        assert await table.list() == []


async def test_system_users_are_made_once(hub: HubDatabase) -> None:
    await hub.users.ensure("hf_sync_system", "sync", "hf")
    await hub.users.ensure("hf_sync_system", "other", "hf")
    await hub.users.ensure("curated_sync_system", "sync", "curated")
    users = await hub.users.list()
    assert [(user.name, user.role) for user in users] == [
        ("curated_sync_system", "sync"),
        ("hf_sync_system", "sync"),
    ]


async def test_one_holds_a_lease_until_it_is_dead_silent_or_done(hub: HubDatabase) -> None:
    def alive(owner: Owner) -> bool:
        return owner not in dead

    dead: set[Owner] = set()
    leases = hub.leases
    assert await leases.holder("sync") is None
    first = await leases.acquire("sync", ME, alive, 60)
    assert first is not None
    assert await leases.acquire("sync", OTHER, alive, 60) is None
    assert await leases.holder("sync") == ME
    assert await leases.renew("sync", first)
    dead.add(ME)
    second = await leases.acquire("sync", OTHER, alive, 60)
    assert second is not None and second > first
    assert not await leases.renew("sync", first)
    await leases.release("sync", first)
    assert await leases.holder("sync") == OTHER
    third = await leases.acquire("sync", replace(ME, pid=9), alive, -1)
    assert third is not None and third > second
    await leases.release("sync", third)
    assert await leases.holder("sync") is None
    assert not await leases.renew("sync", third)
    fourth = await leases.acquire("sync", OTHER, alive, 60)
    assert fourth is not None and fourth > third
    assert await leases.holds("sync", fourth) and not await leases.holds("sync", third)
    assert await leases.living("sync", alive, 60) == OTHER
    assert await leases.living("sync", alive, -1) is None


async def test_names_of_an_older_home_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    before = [one for one in MIGRATIONS if one.__name__ not in ("called_hooks", "named_versions")]
    old = await Database.open(path, before, durable=True)
    async with old.write() as transaction:
        await transaction.execute(
            "INSERT INTO revisions (model, revision, seen_at, listed, name, variant) VALUES"
            " ('hf:a/b', 'r1', '2026-01-01T00:00:00Z', 1, 'mine', 'Q4'),"
            " ('hf:a/b', 'r2', '2026-01-02T00:00:00Z', 2, NULL, NULL)"
        )
    await old.close()
    async with await HubDatabase.open(path) as hub:
        newest, oldest = await hub.artifacts.revisions("hf:a/b")
        assert (newest.revision, newest.names, newest.facts) == ("r2", (), None)
        (name,) = oldest.names
        assert (name.name, name.revision, name.variant) == ("mine", "r1", "Q4")


@pytest.mark.parametrize("way", ["change", "change words"])
@pytest.mark.parametrize(
    ("old", "new", "both"),
    [
        ("old", "new", "new\nold"),
        ("same", "same", "same"),
        ("old", "", "old"),
        (None, "new", "new"),
        ("old", None, "old"),
        (None, None, None),
    ],
)
async def test_a_rename_loses_no_words(
    hub: HubDatabase, way: str, old: str | None, new: str | None, both: str | None
) -> None:
    await hub.edits.put(ModelEdit(model="hf:a/old", note=old, favourite=True))
    await hub.edits.put(ModelEdit(model="hf:a/new", note=new))
    await hub.registrations.put(Registration(model="hf:a/old", vendor="Old", auto_sync=True))
    await hub.registrations.put(Registration(model="hf:a/new", name="New"))
    if way == "change":
        await hub.names.change("hf:a/old", "hf:a/new", None)
    else:
        await hub.names.change_words("hf:a/old", "hf:a/new")
    (edit,), (registration,) = await hub.edits.list(), await hub.registrations.list()
    assert (edit.model, edit.note, edit.favourite) == ("hf:a/new", both, True)
    assert registration == Registration(model="hf:a/new", vendor="Old", name="New", auto_sync=True)


async def test_what_is_lost_is_found_without_a_look_at_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Sequence[object]]] = []
    read = Database.read

    async def noted(self: Database, sql: str, arguments: Sequence[object] = ()) -> list[Any]:
        asked.append((sql, arguments))
        return await read(self, sql, arguments)

    async with await HubDatabase.open(tmp_path / "hub.db") as hub:
        monkeypatch.setattr(Database, "read", noted)
        assert await hub.artifacts.lost({"a"}, ("b",)) == []
        ((sql, arguments),) = asked
        plan = await read(hub._database, f"EXPLAIN QUERY PLAN {sql}", arguments)
    assert any("artifacts_lost" in str(step) for step in plan)
