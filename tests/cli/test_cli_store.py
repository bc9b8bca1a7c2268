"""`tui-hub storage` and `tui-hub gc`, as the program."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from command_line import Inside, until


def orphan(program: Inside, model: str) -> None:
    """Leave a model as a deletion does that was killed after its first step."""
    name = model.replace("/", "_")
    (program.home / "store" / "metadata" / name / "receipt.json").unlink()


def test_storage_tells_what_deleting_would_free(program: Inside) -> None:
    for model in ("acme/tiny-llm", "acme/twin-llm", "acme/painter"):
        assert program("download", model).code == 0
    document = program.json("storage").document
    assert {
        "path", "blobs", "bytes", "bytes_logical", "bytes_saved", "by_type", "by_source",
        "by_model", "models", "oldest", "never_used", "quota", "disk_free", "disk_total",
    } <= document.keys()  # fmt: skip
    told = {one["model"]: one for one in document["models"]}
    assert told["hf:acme/tiny-llm"]["bytes_freed"] < 1000, "its twin holds the weights"
    for model in ("acme/painter", "acme/tiny-llm"):
        freed = program.json("delete", model, "--yes").document["bytes_freed"]
        assert freed == told[f"hf:{model}"]["bytes_freed"]
    assert document["never_used"] == [one["model"] for one in document["models"]]
    assert document["quota"] is None


def test_asking_for_the_path_counts_as_a_use(program: Inside) -> None:
    assert program("download", "acme/tiny-llm").code == 0
    assert program("activate", "acme/tiny-llm").code == 0
    assert program("active", "llm", "--path").out.strip().endswith("/tiny-llm")
    (one,) = program.json("storage").document["models"]
    assert one["active"] and one["last_used"] is not None
    assert "active" in program("storage").out


def test_a_slot_of_files_alone_has_no_log(program: Inside) -> None:
    assert program("download", "acme/tiny-llm").code == 0
    assert program("activate", "acme/tiny-llm", "--runtime", "link").code == 0
    ran = program("active", "llm", "--log")
    assert (ran.code, ran.out) == (0, "")
    assert "llm: nothing runs here" in ran.err


def test_a_quota_warns_wherever_it_matters(program: Inside) -> None:
    program.environment["TUI_HUB_STORE__QUOTA"] = "1000"
    planned = program("download", "acme/tiny-llm", "--dry-run")
    assert planned.code == 0 and "over its quota of 1.0 KiB" in planned.err
    assert program("download", "acme/tiny-llm").code == 0
    ran = program("storage")
    assert ran.code == 0 and "over its quota of 1.0 KiB" in ran.err
    quota = program.json("storage").document["quota"]
    assert quota["bytes"] == 1000
    assert quota["over"] == quota["used"] - 1000 > 0


def test_gc_shows_first_and_sweeps_then(program: Inside) -> None:
    assert program("download", "acme/tiny-llm").code == 0
    assert program("download", "acme/twin-llm").code == 0
    empty = program.json("gc").document
    assert (empty["blobs"], empty["bytes"], empty["removed"], empty["pieces"]) == (0, 0, 0, [])
    orphan(program, "acme/tiny-llm")
    before = len(list((program.home / "store" / "blobs" / "sha256").iterdir()))

    would = program.json("gc", "--dry-run").document
    assert (would["blobs"], would["removed"], would["dry_run"]) == (1, 0, True)
    assert len(list((program.home / "store" / "blobs" / "sha256").iterdir())) == before
    did = program.json("gc").document
    assert (did["blobs"], did["removed"]) == (1, 1)
    assert {piece["path"] for piece in did["pieces"]} == {p["path"] for p in would["pieces"]}
    assert len(list((program.home / "store" / "blobs" / "sha256").iterdir())) == before - 1
    assert program.json("gc").document["pieces"] == []
    assert program.json("show", "acme/tiny-llm").document["status"] == "not_installed"
    assert program("verify").code == 0


def test_gc_refuses_by_name_when_a_receipt_cannot_be_read(program: Inside) -> None:
    assert program("download", "acme/tiny-llm").code == 0
    receipt = program.home / "store" / "metadata" / "acme_tiny-llm" / "receipt.json"
    receipt.write_text("{")
    for arguments in (("gc",), ("gc", "--dry-run")):
        ran = program.json(*arguments)
        assert (ran.code, ran.error) == (5, "refused")
        assert str(receipt) in ran.document["error"]["message"]
    assert program("gc", "--quarantined-before", "whenever").code == 2


def test_gc_of_another_home_leaves_a_running_download_alone(
    program: Inside, tmp_path: Path
) -> None:
    store = {"MODEL_STORE_PATH": str(tmp_path / "store")}
    other = Inside(tmp_path / "other", {**program.environment, **store})
    running = program.start(
        "download", "acme/painter", "--json", TUI_HUB_DOWNLOADS__LIMIT="8000000", **store
    )
    blobs = tmp_path / "store" / "blobs" / "sha256"
    until(lambda: blobs.is_dir() and any(blobs.iterdir()))
    swept = 0
    while running.poll() is None:
        ran = other.json("gc").document
        swept += len(ran["pieces"])
    out, err = running.communicate()
    assert running.returncode == 0, (out, err)
    assert swept == 0
    assert program.json("verify", **store).document["ok"] == 2
    assert other.json("gc").document["pieces"] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_store_that_may_not_be_read_says_so_and_leaves_the_catalogue(program: Inside) -> None:
    assert program("download", "acme/tiny-llm").code == 0
    store = program.home / "store"
    store.chmod(0)
    try:
        assert program.json("show", "acme/tiny-llm").code == 0
        for command in ("download acme/painter", "verify", "storage", "delete acme/tiny-llm --yes"):
            refused = program.json(*command.split())
            assert (refused.code, refused.error) == (5, "refused")
            assert "Permission denied" in refused.document["error"]["message"]
        findings = program.json("doctor").document["findings"]
        assert any("cannot be read: Permission denied" in one["message"] for one in findings)
    finally:
        store.chmod(0o700)
    assert program.json("verify").document["ok"] == 3


def has_bytes(file: Path) -> bool:
    """Whether more of a large file is here than its blocks, which are reserved first."""
    with file.open("rb") as opened:
        return file.stat().st_size > 1_000_000 and any(opened.read(1_000_000))


@pytest.mark.parametrize("first", [(), ("gc",)], ids=["at once", "after gc"])
def test_an_interrupted_download_goes_on_however_late(
    program: Inside, first: tuple[str, ...]
) -> None:
    running = program.start("download", "acme/painter", TUI_HUB_DOWNLOADS__LIMIT="4000000")
    temp = program.home / "store" / "temp"
    until(lambda: any(has_bytes(one) for one in temp.glob("*.part")))
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=60) == 130
    running.communicate()
    late = time.time() - 60 * 86_400
    for file in temp.iterdir():
        os.utime(file, (late, late))
    if first:
        assert program.json(*first).document["pieces"] == []
    (weights,) = (
        file
        for file in program.json("download", "acme/painter").document["files"]
        if file["path"] == "unet/model.safetensors"
    )
    assert weights["resumed_from"] > 0
    assert weights["bytes_transferred"] < weights["size"]
