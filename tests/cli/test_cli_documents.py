"""The documents carry exactly the keys that the contract promises, and perhaps more."""

from __future__ import annotations

import json
from dataclasses import replace

from tui_hub.cli import documents, feed_documents, slot_documents, store_documents
from tui_hub.domain.artifacts import Artifact, Variant
from tui_hub.domain.feeds import (
    Counts,
    Feed,
    FeedReport,
    FeedState,
    FeedStatus,
    SyncMode,
    SyncReport,
)
from tui_hub.domain.jobs import Job, JobStatus, JobType, Owner, Progress
from tui_hub.domain.models import Details, Model, ModelEdit, Registration, Revision
from tui_hub.domain.schedule import Schedule
from tui_hub.domain.slots import Slot
from tui_hub.domain.storage import Deletion, StorageUsage
from tui_hub.domain.swaps import ActivationResult
from tui_hub.domain.types import ModelType
from tui_hub.services.sync.timetable import Timetable
from tui_hub.settings import SyncSettings

MODEL = [
    "id",
    "source",
    "name",
    "author",
    "type",
    "task",
    "library",
    "license",
    "gated",
    "tags",
    "downloads",
    "likes",
    "params",
    "size",
    "last_modified",
    "revision",
    "status",
    "fit",
    "deprecated",
    "removed",
    "origin",
]
ARTIFACT = ["id", "path", "size", "sha256", "kind", "status", "verified", "blob", "job"]
FEED_REPORT = [
    "feed",
    "source",
    "status",
    "mode",
    "fetched",
    "created",
    "updated",
    "unchanged",
    "removed",
    "skipped",
    "requests",
    "bytes",
    "seconds",
    "error",
]
FEED = [
    "feed",
    "source",
    "enabled",
    "schedule",
    "status",
    "last_sync",
    "last_success",
    "next_run",
    "retries",
    "error",
    "counts",
]
JOB = [
    "id",
    "type",
    "status",
    "payload",
    "progress",
    "attempts",
    "error",
    "created_at",
    "started_at",
    "finished_at",
    "log",
]
ACTIVATION = [
    "slot",
    "model",
    "status",
    "runtime",
    "device",
    "pid",
    "path",
    "memory",
    "seconds",
    "previous",
    "error",
]
SLOT = ["type", "model", "runtime", "device", "path", "pid", "since", "memory"]
MEMORY = ["needed", "free_before", "used_after", "peak"]
STORAGE = [
    "path",
    "blobs",
    "bytes",
    "bytes_logical",
    "bytes_saved",
    "by_type",
    "disk_free",
    "disk_total",
]

ENTRY = Model(
    id="hf:acme/tiny",
    source="hf",
    name="tiny",
    author="acme",
    type=ModelType.LLM,
    gated="manual",
    tags=("a", "b"),
    owner="hf_sync_system",
    facts={"limits": ["no\x00thing"], "when": 3},
)
FILE = Artifact(id="f1", model=ENTRY.id, revision="r1", path="model.gguf", size=7)


def has(document: dict[str, object], keys: list[str]) -> None:
    """Fail with the missing keys, and when JSON cannot carry the document."""
    assert not set(keys) - document.keys()
    assert json.loads(json.dumps(document)) == document


def test_a_model() -> None:
    document = documents.model(ENTRY)
    has(document, MODEL)
    assert document["type"] == "llm"
    assert document["gated"] == "manual"
    assert document["tags"] == ["a", "b"]
    assert document["owner"] == "hf_sync_system"


def test_a_search() -> None:
    document = documents.search(41, [ENTRY], "key")
    has(document, ["total", "models"])
    assert document["total"] == 41
    assert [entry["id"] for entry in document["models"]] == ["hf:acme/tiny"]
    assert document["after"] == "key"


def test_a_model_in_depth() -> None:
    details = Details(
        model=ENTRY,
        files=(FILE,),
        variants=(Variant(name="Q4", format="gguf", paths=("model.gguf",), size=7),),
        installed_variants=("Q4",),
        revision="r1",
        versions=(Revision(model=ENTRY.id, revision="r1", seen_at="2026-01-01T00:00:00Z"),),
        links={"page": "https://example.org"},
        requirements={"python": ">=3.11"},
        edit=ModelEdit(model=ENTRY.id, note="mine", favourite=True),
        registration=Registration(model=ENTRY.id, vendor="Acme", auto_sync=True),
    )
    document = documents.show(details)
    has(document, [*MODEL, "description", "files", "variants", "versions", "requirements", "links"])
    has(document["files"][0], ARTIFACT)
    assert document["variants"] == [
        {"name": "Q4", "format": "gguf", "size": 7, "files": ["model.gguf"], "installed": True}
    ]
    assert document["versions"][0]["revision"] == "r1"
    assert (document["user_note"], document["favourite"]) == ("mine", True)
    assert document["registration"] == {
        "vendor": "Acme",
        "name": None,
        "auto_sync": True,
        "status": "registered",
        "error": None,
        "synced_at": None,
    }
    assert documents.show(replace(details, registration=None))["registration"] is None


def test_a_file() -> None:
    document = documents.artifact(FILE)
    has(document, ARTIFACT)
    assert document["verified"] == "none"
    assert document["kind"] == "other"


def test_a_sync() -> None:
    report = FeedReport(
        feed="hf:litert",
        source="hf",
        state=FeedState.FAILED,
        mode=SyncMode.DIFFERENTIAL,
        counts=Counts(fetched=3, created=1, unchanged=2),
        seconds=1.23456,
        error="gone",
        hint="log in",
    )
    document = feed_documents.sync(SyncReport(feeds=(report,)))
    has(document, ["status", "feeds"])
    has(document["feeds"][0], FEED_REPORT)
    assert document["status"] == "failed"
    assert document["feeds"][0]["mode"] == "differential"
    assert document["feeds"][0]["created"] == 1
    assert document["feeds"][0]["seconds"] == 1.235
    assert document["feeds"][0]["hint"] == "log in"


FEEDS = (
    Feed(name="hf:a", source="hf", schedule="0 2 * * *"),
    Feed(name="hf:b", source="hf", enabled=False),
)


def timetable() -> Timetable:
    return Timetable(SyncSettings(), FEEDS, lambda: 0.5)


def test_the_feeds() -> None:
    known = {"hf:a": FeedStatus(feed="hf:a", state=FeedState.COMPLETED, last_sync="t")}
    document = feed_documents.feeds(FEEDS, known, timetable())
    for entry in document["feeds"]:
        has(entry, FEED)
    assert [entry["status"] for entry in document["feeds"]] == ["completed", "never"]
    assert [entry["enabled"] for entry in document["feeds"]] == [True, False]
    assert [entry["schedule"] for entry in document["feeds"]] == ["0 2 * * *", "random 3-4 h"]


def test_the_scheduler() -> None:
    statuses = [FeedStatus(feed="hf:a", next_run="t", retries=1), FeedStatus(feed="hf:b")]
    holder = Owner(host="box", pid=7, started=1.0)
    document = feed_documents.scheduler(Schedule(holder=holder), timetable(), statuses)
    has(document, ["running", "holder", "jobs"])
    assert document["running"] is True
    assert document["holder"] == {"host": "box", "pid": 7}
    (job,) = document["jobs"]
    has(job, ["id", "name", "next_run"])
    assert (job["id"], job["next_run"], job["retries"]) == ("hf:a", "t", 1)
    rests = feed_documents.scheduler(Schedule(off="offline"), timetable(), statuses)
    assert (rests["running"], rests["holder"], rests["off"]) == (False, None, "offline")


def test_jobs() -> None:
    job = Job(
        id="j1",
        type=JobType.DOWNLOAD,
        status=JobStatus.RUNNING,
        payload={"model": "hf:a/b", "paths": ("x",)},
        progress=Progress(done=1, total=2),
        created_at="t",
        log=("one",),
    )
    document = documents.jobs([job])
    has(document["jobs"][0], JOB)
    assert document["jobs"][0]["progress"] == {"done": 1, "total": 2, "unit": "bytes"}
    assert document["jobs"][0]["payload"] == {"model": "hf:a/b", "paths": ["x"]}


def test_activation_and_slots() -> None:
    result = ActivationResult(slot=ModelType.LLM, model="hf:a/b", status="active", runtime="link")
    document = slot_documents.activation(result)
    has(document, ACTIVATION)
    has(document["memory"], MEMORY)
    refused = slot_documents.unchanged(ModelType.LLM, "a/b")
    assert refused.keys() == document.keys()
    assert refused["memory"] == dict.fromkeys(MEMORY)
    kept = {name: value for name, value in refused.items() if value is not None}
    del kept["memory"]
    assert kept == {"slot": "llm", "model": "hf:a/b", "status": "error"}
    assert slot_documents.unchanged(None, "no\x1b id")["model"] == "no\N{REPLACEMENT CHARACTER} id"
    slot = Slot(type=ModelType.LLM, model="hf:a/b", revision="r", runtime="link", path="/p")
    slots = slot_documents.active([slot], {slot.type: ()})
    has(slots["slots"][0], SLOT)
    assert slots["slots"][0]["type"] == "llm"


def test_storage_and_deletion() -> None:
    usage = StorageUsage(
        path="/s",
        blobs=1,
        bytes=2,
        bytes_logical=3,
        bytes_saved=1,
        by_type={"llm": 3},
        by_model={"hf:a/b": 3},
        disk_free=4,
        disk_total=5,
        partial_bytes=7,
    )
    has(store_documents.storage(usage), STORAGE)
    assert store_documents.storage(usage)["partial_bytes"] == 7
    deletion = documents.deletion(Deletion(model="hf:a/b", files=2, bytes_freed=9), "Q4_0")
    assert deletion == {"model": "hf:a/b", "variant": "Q4_0", "files": 2, "bytes_freed": 9}
