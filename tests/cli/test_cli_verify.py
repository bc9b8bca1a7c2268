"""`tui-hub verify`, as the program: its document, its exit codes, and its end by force."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Inside, until

SLOW = {"TUI_HUB_STORE__READ_RATE": "1500000"}
"""So slow that a large blob takes seconds, and what ends it comes in its middle."""


def blobs(program: Inside) -> list[Path]:
    """The blobs of a home, largest first."""
    found = (program.home / "store" / "blobs" / "sha256").iterdir()
    return sorted(found, key=lambda path: -path.stat().st_size)


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def test_damage_is_told_with_what_mends_it_and_the_download_mends_it(program: Inside) -> None:
    assert program("download", "acme/tiny-llm").code == 0
    assert program("download", "acme/twin-llm").code == 0
    clean = program.json("verify")
    assert (clean.code, clean.document["checked"], clean.document["ok"]) == (0, 3, 3)
    assert (clean.document["damaged"], clean.document["missing"]) == ([], [])
    weights = blobs(program)[0]
    damage(weights)

    found = program.json("verify")

    assert (found.code, found.error) == (1, "corrupt")
    (one,) = found.document["damaged"]
    assert (one["sha256"], one["path"]) == (weights.name, str(weights))
    assert one["models"] == ["hf:acme/tiny-llm", "hf:acme/twin-llm"]
    assert Path(one["quarantine"]).read_bytes()
    assert (found.document["checked"], found.document["ok"]) == (3, 2)
    assert [job["status"] for job in program.json("jobs", "--type", "verify").document["jobs"]] == [
        "failed",
        "completed",
    ]
    again = program("verify", "acme/tiny-llm")
    assert again.code == 1
    assert f"missing  {weights.name}" in again.out
    assert "tui-hub download hf:acme/tiny-llm model.safetensors" in again.out
    named = program("verify", "--home", str(program.home))
    home = f"tui-hub --home {program.home} "
    assert f"  {home}download hf:acme/tiny-llm model.safetensors\n" in named.out
    for verb in ("files", "show"):
        (row,) = [
            line
            for line in program(verb, "acme/tiny-llm").out.splitlines()
            if line.startswith("model.safetensors")
        ]
        assert " damaged " in row and "failed" not in row
    shown = program("show", "acme/tiny-llm").out.splitlines()
    assert [line.split() for line in shown if line.startswith("lost")] == [
        ["lost", "1", "damaged", "file"]
    ]
    files = program.json("files", "acme/tiny-llm").document["files"]
    assert "failed" in {one["status"] for one in files}
    would = program("gc")
    assert would.out.startswith("0 pieces are gone")
    assert "of damaged bytes stay in quarantine; `tui-hub gc --quarantined-before" in would.out
    fetched = program.json("download", "acme/tiny-llm").document
    assert fetched["bytes_transferred"] == weights.stat().st_size
    assert program("verify").code == 0
    assert program.json("show", "acme/twin-llm").document["status"] == "installed"


def test_what_is_asked_wrongly_is_refused(program: Inside) -> None:
    assert program("verify", "acme/tiny-llm", "acme/twin-llm").code == 2
    assert program.json("verify", "acme/nothing").error == "not_found"
    assert program.json("verify").document["checked"] == 0


def test_names_that_would_command_a_terminal_are_cleaned(program: Inside) -> None:
    assert program("download", "acme/tiny-llm").code == 0
    folder = program.home / "store" / "blobs" / "sha256"
    (folder / "\x1b]0;owned\x07").write_text("?")
    ran = program("verify")
    assert ran.code == 0
    assert "strange" in ran.out and "\x1b" not in ran.out
    program("verify", "--dry-run")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_by_force_goes_on_where_it_was(
    program: Inside, how: signal.Signals
) -> None:
    assert program("download", "acme/painter").code == 0
    assert program("verify", "acme/painter").code == 0
    assert program("download", "acme/tiny-llm").code == 0
    # Never looked at, the three small blobs come first; it ends amid the large one.
    running = program.start("verify", "--json", **SLOW)
    until(lambda: _progress(program) > 1_000_000)
    running.send_signal(how)
    out, err = running.communicate(timeout=60)
    if how is signal.SIGINT:
        assert running.returncode == 130, err
        assert json.loads(out)["error"]["code"] == "interrupted"
    done = program.json("verify").document
    assert (done["checked"], done["ok"]) == (5, 5)
    assert done["resumed"] >= 3
    large, second, *_ = (path.stat().st_size for path in blobs(program))
    assert large <= done["bytes"] < large + second
    assert program.json("verify").document["resumed"] == 0


def _progress(program: Inside) -> int:
    jobs = program.json("jobs", "--type", "verify", "--status", "running").document["jobs"]
    return int(jobs[0]["progress"]["done"]) if jobs else 0


def test_another_process_follows_and_cancels_it(program: Inside) -> None:
    assert program("download", "acme/painter").code == 0
    running = program.start("verify", "--json", **SLOW)
    until(lambda: _progress(program) > 0)
    refused = program.json("verify")
    assert (refused.code, refused.error) == (5, "refused")
    (job,) = program.json("jobs", "--type", "verify", "--status", "running").document["jobs"]
    assert job["id"] in refused.document["error"]["hint"]
    assert job["progress"]["total"] == sum(path.stat().st_size for path in blobs(program))
    assert program.json("jobs", "--cancel", job["id"]).document["jobs"][0]["status"] == "cancelled"
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert json.loads(out)["error"]["code"] == "interrupted"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_disk_that_cannot_read_a_blob_is_damage_and_no_crash(program: Inside) -> None:
    assert program("download", "acme/painter").code == 0
    assert program("download", "acme/tiny-llm").code == 0
    ran = subprocess.run(
        ["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=preadv,preadv2,pread64",
         "-e", "inject=preadv,preadv2:error=EIO:when=5", sys.executable, "-m", "tui_hub", "verify",
         "--json"],
        env=program.whole({}), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    document = json.loads(ran.stdout)
    assert (ran.returncode, document["error"]["code"]) == (1, "corrupt")
    (one,) = document["damaged"]
    assert one["reason"] == "cannot be read: Input/output error"
    assert one["found"] is None
    assert Path(one["quarantine"]).name.startswith(f"{one['sha256']}.unread.")
    assert (document["checked"], document["ok"]) == (5, 4)
    (model,) = one["models"]
    assert program("download", model).code == 0
    assert program("verify").code == 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    ("call", "error"), [("openat", "EMFILE"), ("openat", "ESTALE"), ("preadv,preadv2", "ETIMEDOUT")]
)
def test_what_cannot_be_read_for_a_moment_stays_where_it_is(
    program: Inside, call: str, error: str
) -> None:
    """It says nothing of the bytes: to move them away would cost a download of sound ones."""
    assert program("download", "acme/tiny-llm").code == 0
    here = blobs(program)
    paths = [part for path in here for part in ("-P", str(path))]
    ran = subprocess.run(
        ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}",
         "-e", f"inject={call}:error={error}", *paths, sys.executable, "-m", "tui_hub", "verify",
         "--json"],
        env=program.whole({}), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    document = json.loads(ran.stdout)
    assert (ran.returncode, document["error"]["code"]) == (1, "corrupt")
    assert {one["sha256"]: one["quarantine"] for one in document["damaged"]} == {
        path.name: None for path in here
    }
    assert program.json("show", "acme/tiny-llm").document["status"] == "installed"
    assert program("verify").code == 0
