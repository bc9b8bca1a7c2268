"""What is said of a download when it is planned, refused or ended."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tui_hub.cli import download_documents
from tui_hub.cli.console import Answer
from tui_hub.cli.downloading import failed_hint, outcome
from tui_hub.domain.artifacts import Artifact, ArtifactStatus, Verified
from tui_hub.domain.downloads import Download, FileProgress, FileState, Plan
from tui_hub.domain.jobs import JobStatus

ARTIFACT = ["id", "path", "size", "sha256", "kind", "status", "verified", "blob", "job"]
DOWNLOAD = [
    "job",
    "status",
    "model",
    "revision",
    "files",
    "bytes_total",
    "bytes_transferred",
    "seconds",
    "path",
]
PLAN = ["bytes_to_transfer", "bytes_deduplicated", "disk_free", "disk_reserved", "fits"]

KEPT = "What has arrived is kept; the same command goes on from there."
MODEL = "hf:acme/tiny"
FILE = Artifact(id="f1", model=MODEL, revision="r1", path="model.gguf", size=7)


def has(document: dict[str, object], keys: list[str]) -> None:
    """Fail with the missing keys, and when JSON cannot carry the document."""
    assert not set(keys) - document.keys()
    assert json.loads(json.dumps(document)) == document


def test_a_download() -> None:
    done = Artifact(
        id="f1",
        model=MODEL,
        revision="r1",
        path="model.gguf",
        size=7,
        status=ArtifactStatus.COMPLETED,
        verified=Verified.SHA256,
    )
    picture = Download(
        job="j",
        model=MODEL,
        revision="r1",
        variant=None,
        status=JobStatus.COMPLETED,
        files=(
            FileProgress(
                path="model.gguf",
                size=7,
                state=FileState.COMPLETED,
                bytes_transferred=5,
                resumed_from=2,
            ),
            FileProgress(path="gone.json", size=3, state=FileState.FAILED, message="404"),
        ),
        bytes_total=10,
        bytes_transferred=5,
    )
    document = download_documents.download(picture, [done])
    has(document, DOWNLOAD)
    for file in document["files"]:
        has(file, [*ARTIFACT, "bytes_transferred", "resumed_from", "deduplicated"])
    first, second = document["files"]
    assert (first["verified"], first["resumed_from"], first["bytes_transferred"]) == (
        "sha256",
        2,
        5,
    )
    assert (second["status"], second["kind"], second["message"]) == ("failed", "config", "404")


@pytest.mark.parametrize("status", list(JobStatus))
def test_only_a_finished_download_has_a_folder(status: JobStatus) -> None:
    picture = Download(
        job="j", model=MODEL, revision="r1", variant=None, status=status, path="/store/x"
    )
    shown = download_documents.download(picture, [])["path"]
    assert shown == ("/store/x" if status is JobStatus.COMPLETED else None)


@pytest.mark.parametrize(
    ("code", "done", "hint", "expected"),
    [
        ("unreachable", 5, None, [KEPT]),
        ("unreachable", 0, None, []),
        ("unreachable", 5, "Try later.", ["Try later.", KEPT]),
        ("corrupt", 5, "Ask its maker.", ["Ask its maker."]),
        ("gated", 5, "Ask for access.", ["Ask for access."]),
        ("unauthorized", 5, None, []),
        ("not_found", 5, None, []),
    ],
)
def test_the_hint_of_a_failed_download(
    code: str, done: int, hint: str | None, expected: list[str]
) -> None:
    picture = Download(
        job="j",
        model=MODEL,
        revision="r1",
        variant=None,
        status=JobStatus.FAILED,
        done=done,
        error_code=code,
        hint=hint,
    )
    assert failed_hint(picture) == (" ".join(expected) or None)


@pytest.mark.parametrize(
    ("status", "code", "message", "number"),
    [
        (JobStatus.COMPLETED, None, None, 0),
        (JobStatus.FAILED, "not_found", "why", 3),
        (JobStatus.FAILED, "no_space", "why", 5),
        (JobStatus.PAUSED, None, "interrupted", 130),
        (JobStatus.PAUSED, "unreachable", "why", 6),
        (JobStatus.CANCELLED, None, "cancelled", 130),
    ],
)
def test_how_a_download_ended(
    status: JobStatus, code: str | None, message: str | None, number: int
) -> None:
    picture = Download(
        job="j",
        model=MODEL,
        revision="r1",
        variant=None,
        status=status,
        files=(
            FileProgress(path="a", size=1, state=FileState.COMPLETED),
            FileProgress(path="b", size=1, state=FileState.FAILED),
        ),
        error="why",
        error_code=code,
    )
    error, special = outcome(picture)
    assert (error and error.message) == message
    assert Answer({}, error=error, code=special).exit_code == number
    if status is JobStatus.CANCELLED:
        assert error is not None
        assert "kept" not in str(error.hint)


@pytest.mark.parametrize(("free", "fits"), [(100, True), (6, False)])
def test_a_plan(free: int, fits: bool) -> None:
    plan = Plan(
        model=MODEL,
        revision="r1",
        files=(FILE,),
        bytes_total=7,
        bytes_to_transfer=7,
        bytes_deduplicated=0,
        bytes_resumed=0,
        bytes_to_write=7,
        disk_free=free,
        disk_reserved=0,
        unsafe=("../x",),
        note="the source was not asked",
    )
    document = download_documents.dry_run(plan, None)
    has(document, [*DOWNLOAD, "plan"])
    has(document["plan"], PLAN)
    assert document["plan"]["fits"] is fits
    assert document["job"] is None
    assert (document["unsafe"], document["note"]) == (["../x"], "the source was not asked")
    refused = download_documents.refused(plan, None)
    assert refused.keys() == document.keys()
    assert (refused["status"], refused["files"]) == ("failed", [])
    picture = Download(
        job="j",
        model=MODEL,
        revision="r1",
        variant=None,
        status=JobStatus.COMPLETED,
        note="an active model changed",
    )
    done = download_documents.download(picture, [], plan)
    assert done["unsafe"] == ["../x"]
    assert done["note"] == "the source was not asked; an active model changed"
    assert download_documents.download(replace(picture, note=None), [])["note"] is None
