"""Download, jobs, storage and delete from the command line."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

from command_line import BIG, CONFIG, Inside, Ran, until

from tui_hub.database import HubDatabase
from tui_hub.demo import DemoHub, Fault, FaultKind, Repository, RepositoryFile
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.text import now, size


def blobs(program: Inside) -> list[Path]:
    """The blobs in the store of a home."""
    folder = program.home / "store" / "blobs" / "sha256"
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_model_from_plan_to_deletion(program: Inside) -> None:
    plan = program.json("download", "acme/tiny-llm", "--dry-run")
    assert plan.code == 0
    assert plan.document["plan"]["fits"] is True
    assert plan.document["plan"]["bytes_to_transfer"] == plan.document["bytes_total"] > 200_000
    assert blobs(program) == []

    done = program.json("download", "acme/tiny-llm")
    assert (done.code, done.document["status"]) == (0, "completed")
    assert {file["status"] for file in done.document["files"]} == {"completed"}
    assert done.document["bytes_transferred"] <= done.document["bytes_total"]
    folder = Path(done.document["path"])
    assert (folder / "config.json").read_bytes() == CONFIG

    twin = program.json("download", "acme/twin-llm").document
    weights = next(file for file in twin["files"] if file["path"] == "model.safetensors")
    assert weights["deduplicated"] is True
    assert weights["bytes_transferred"] == 0

    storage = program.json("storage").document
    assert storage["bytes_saved"] >= 200_000
    assert set(storage["by_type"]) == {"llm"}
    assert "acme/tiny-llm" in program("storage").out

    first = program.json("delete", "acme/tiny-llm", "--dry-run").document
    assert first["bytes_freed"] < 200_000
    unasked = program.json("delete", "acme/tiny-llm")
    assert (unasked.code, unasked.error) == (2, "usage")
    deleted = program.json("delete", "acme/tiny-llm", "--yes")
    assert (deleted.code, deleted.document) == (0, first)
    again = program.json("delete", "acme/tiny-llm", "--yes")
    assert (again.code, again.error) == (4, "not_found")


def test_single_files_patterns_and_wrong_names(program: Inside) -> None:
    one = program.json("download", "acme/tiny-llm", "config.json").document
    assert [file["path"] for file in one["files"]] == ["config.json"]
    some = program.json("download", "acme/tiny-llm", "--include", "*.json", "--dry-run").document
    assert [file["path"] for file in some["files"]] == ["config.json"]
    for wrong in (["no-such-file"], ["--variant", "q9"], ["--revision", "no-such-branch"]):
        ran = program.json("download", "acme/tiny-llm", *wrong)
        assert (ran.code, ran.error) == (4, "not_found"), wrong


def without_free_space(ran: Ran) -> dict[str, str]:
    """An error, but for the free space it names: others write to the same disk meanwhile."""
    error: dict[str, str] = ran.document["error"]
    message, found = re.subn(r"and [\d.]+ [KMGT]?i?B are free", "", error["message"])
    assert found == 1, error
    return error | {"message": message}


def test_no_space_is_refused_with_figures(program: Inside) -> None:
    ran = program.json("download", "acme/tiny-llm", TUI_HUB_STORE__RESERVE=str(2**60))
    assert (ran.code, ran.error) == (5, "no_space")
    assert (ran.document["status"], ran.document["job"], ran.document["files"]) == (
        "failed",
        None,
        [],
    )
    assert ran.document["plan"]["fits"] is False
    assert program.json("jobs").document["jobs"] == []
    plan = program.json("download", "acme/tiny-llm", "--dry-run", TUI_HUB_STORE__RESERVE=str(2**60))
    assert plan.code == 5
    assert without_free_space(plan) == without_free_space(ran)
    assert plan.document["plan"]["fits"] is False


def durable(program: Inside) -> bool:
    """Whether a partial file has bytes that would survive the end of its process."""
    for sidecar in (program.home / "store" / "temp").glob("*.json"):
        with contextlib.suppress(FileNotFoundError):  # of a small file that is complete by now
            if json.loads(sidecar.read_bytes())["ranges"]:
                return True
    return False


def start_and_stall(program: Inside, hub: DemoHub) -> tuple[subprocess.Popen[str], Fault]:
    """A download that stands still in the middle of a large file."""
    stall = hub.faults.add(
        Fault(FaultKind.STALL, path="*", origin="cdn", times=-1, after=3_000_000)
    )
    process = program.start("download", "acme/painter", "--json")
    until(lambda: durable(program))
    return process, stall


def interrupt(program: Inside, hub: DemoHub, number: signal.Signals) -> str:
    """Stop a download in the middle of a large file; the job that is left paused."""
    process, stall = start_and_stall(program, hub)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    document = json.loads(out)
    assert document["error"]["code"] == "interrupted"
    assert document["status"] == "paused"
    assert document["path"] is None
    assert "kept" in document["error"]["hint"]
    assert "Traceback" not in err

    stall.release()
    hub.faults.clear()
    job: str = document["job"]
    return job


def test_an_interrupted_download_goes_on(program: Inside, hub: DemoHub) -> None:
    job = interrupt(program, hub, signal.SIGINT)
    told = program.json("storage").document
    unfinished, arrived = told["partial_bytes"], told["partial_arrived"]
    assert 3_000_000 <= arrived <= unfinished <= BIG + 2**20
    line = f"unfinished  {size(unfinished)} on disk, {size(arrived)} arrived"
    assert line in program("storage").out
    done = program.json("download", "acme/painter")
    assert (done.code, done.document["status"]) == (0, "completed")
    assert done.document["job"] == job
    weights = next(file for file in done.document["files"] if file["size"] == BIG)
    assert weights["resumed_from"] > 0
    assert weights["resumed_from"] + weights["bytes_transferred"] == BIG
    assert weights["verified"] == "sha256"


def test_a_terminated_download_is_retried_by_its_job(program: Inside, hub: DemoHub) -> None:
    job = interrupt(program, hub, signal.SIGTERM)
    assert program.json("jobs", job).document["jobs"][0]["status"] == "paused"
    retried = program.json("jobs", "--retry", job)
    assert retried.code == 0
    assert [(one["id"], one["status"]) for one in retried.document["jobs"]] == [(job, "completed")]
    assert len(blobs(program)) == 2


def test_a_killed_download_goes_on(program: Inside, hub: DemoHub) -> None:
    process, stall = start_and_stall(program, hub)
    process.kill()
    process.communicate()
    stall.release()
    hub.faults.clear()
    done = program.json("download", "acme/painter")
    assert (done.code, done.document["status"]) == (0, "completed")
    assert max(file["resumed_from"] for file in done.document["files"]) > 0


def test_jobs(program: Inside, hub: DemoHub) -> None:
    assert program("download", "acme/tiny-llm", "config.json", "-q").code == 0
    listed = program.json("jobs").document["jobs"]
    assert [(job["type"], job["status"]) for job in listed] == [("download", "completed")]
    job = listed[0]["id"]
    assert program.json("jobs", job).document["jobs"][0]["id"] == job
    assert program("jobs", "-q").out == f"{job}\n"
    assert job in program("jobs").out
    assert program.json("jobs", job[:4].upper()).document["jobs"][0]["id"] == job
    assert program.json("jobs", "--follow", job[:6]).code == 0
    ran = program.json("jobs", job[:3])
    assert (ran.code, ran.error) == (4, "not_found")
    ran = program.json("jobs", "--cancel", job)
    assert (ran.code, ran.error) == (5, "refused")
    for arguments in (["nope"], ["--follow", "nope"]):
        ran = program.json("jobs", *arguments)
        assert (ran.code, ran.error) == (4, "not_found")
    lines = program("jobs", "--follow", job, "--json").out.splitlines()
    assert json.loads(lines[-1])["jobs"][0]["status"] == "completed"


def test_jobs_are_chosen_by_time_and_cleared(program: Inside) -> None:
    assert program("download", "acme/tiny-llm", "config.json", "-q").code == 0
    (job,) = program.json("jobs", "--since", "1h").document["jobs"]
    assert any("try 1, by process" in line for line in job["log"])
    assert program.json("jobs", "--before", "1h").document["jobs"] == []
    assert program.json("jobs", "--since", "2999-01-01").document["jobs"] == []
    assert program.json("jobs", "--clear", "--before", "2026-01-31").document["cleared"] == 0
    assert program.json("jobs", "--clear", "--type", "sync").document["cleared"] == 0
    assert "1 job is forgotten" in program("jobs", "--clear", "--status", "completed").out
    assert program.json("jobs").document == {"jobs": []}
    for wrong in (
        ["--since", "soon"],
        ["--since", "999999w"],
        ["--clear", job["id"]],
        ["--clear", "--status", "running"],
    ):
        ran = program.json("jobs", *wrong)
        assert (ran.code, ran.error) == (2, "usage")


async def test_the_beginning_of_an_id_must_mean_one_job(program: Inside) -> None:
    program.home.mkdir()
    hub = await HubDatabase.open(program.home / "hub.db")
    for name in ("abcd00000001", "abcd00000002"):
        done = JobStatus.COMPLETED
        await hub.jobs.add(Job(id=name, type=JobType.SCAN, status=done, created_at=now()))
    await hub.close()
    ran = program.apart("jobs", "abcd", "--json")
    assert (ran.code, ran.error) == (2, "usage")
    assert "abcd00000001" in ran.document["error"]["hint"]
    found = program.apart("jobs", "abcd00000002", "--json")
    assert found.document["jobs"][0]["id"] == "abcd00000002"


def test_a_job_is_followed_and_cancelled_from_another_process(
    program: Inside, hub: DemoHub
) -> None:
    hub.faults.add(Fault(FaultKind.STALL, path="*", origin="cdn", times=-1, after=1_000_000))
    hub.requests.clear()
    first = program.start("download", "acme/painter", "--json")
    until(lambda: any(seen.sent >= 500_000 for seen in hub.requests.select(origin="cdn")))
    job = program.json("jobs", "--status", "running").document["jobs"][0]["id"]
    for verb in ("files", "show"):
        listed = program(verb, "acme/painter").out.splitlines()
        row = next(line for line in listed if line.startswith("unet/"))
        assert row.split()[4:6] == ["downloading", "none"]
    follower = program.start("jobs", "--follow", job, "--json")
    assert follower.stdout is not None
    assert json.loads(follower.stdout.readline())["jobs"][0]["status"] == "running"
    assert program.json("jobs", "--cancel", job).code == 0
    out, _ = first.communicate(timeout=60)
    assert (first.returncode, json.loads(out)["status"]) == (130, "cancelled")
    assert json.loads(out)["error"]["message"] == "cancelled"
    rest, _ = follower.communicate(timeout=60)
    assert json.loads(rest.splitlines()[-1])["jobs"][0]["status"] == "cancelled"


def test_two_processes_on_one_store(program: Inside) -> None:
    both = [program.start("download", "acme/painter", "--json") for _ in range(2)]
    outcomes = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outcomes
    assert {json.loads(out)["status"] for out, _ in outcomes} == {"completed"}
    assert len(blobs(program)) == 2


def test_a_file_that_cannot_be_had_makes_it_partly_done(program: Inside, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.STATUS, path="*model.safetensors", times=-1, status=404))
    ran = program.json("download", "acme/tiny-llm")
    assert ran.code == 3
    assert ran.document["status"] == "failed"
    states = {file["path"]: file["status"] for file in ran.document["files"]}
    assert states["config.json"] == "completed"
    assert states["model.safetensors"] == "failed"
    assert ran.document["path"] is None
    assert "kept" not in str(ran.document["error"]["hint"])
    people = program("download", "acme/tiny-llm", "model.safetensors")
    assert people.code == 4
    assert len(people.out.splitlines()) == 1
    assert "store" not in people.out
    assert program("download", "acme/tiny-llm", "model.safetensors", "-q").out == ""


def test_gated_models_and_wrong_tokens(program: Inside, hub: DemoHub) -> None:
    ran = program.json("download", "acme/gated-art", HF_TOKEN=hub.outsider_token)
    assert (ran.code, ran.error) == (1, "gated")
    ran = program.json("download", "acme/gated-art", HF_TOKEN="hf_wrongwrongwrong")
    assert ran.code == 1
    assert ran.error in ("gated", "unauthorized")
    assert program.json("download", "acme/gated-art").code == 0


def test_no_secret_and_no_escape_sequence_gets_out(program: Inside, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.STATUS, path="*tiny-llm*model.safetensors", times=1))
    said = [
        program("-vv", "sync", "hf:text-generation"),
        program("-vv", "download", "acme/tiny-llm"),
        program("-vv", "download", "acme/gated-art"),
        program("show", "demo-lab/hostile-card"),
        program("show", "demo-lab/hostile-card", "--card"),
        program("search", "hostile"),
        program("search", "hostile", "--json"),
    ]
    for ran in said:
        assert hub.token not in ran.out + ran.err
        assert "Signature=" not in ran.err
        for control in ("\x1b", "\x07", "\x9b", "\u202e", "\u200b"):
            assert control not in ran.out + ran.err
    assert said[3].code == 0
    held = [path for path in program.home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.name == "hub.db" for path in held)
    assert any(path.name == "tui-hub.log" for path in held)
    for path in held:
        assert hub.token.encode() not in path.read_bytes(), path


def test_files_that_are_left_out_are_told(program: Inside) -> None:
    for more in (["--dry-run"], []):
        document = program.json("download", "demo-lab/hostile-card", *more).document
        assert len(document["unsafe"]) > 3
        assert document["note"] is None
    people = program("download", "demo-lab/hostile-card")
    assert people.code == 0
    told = [line for line in people.err.splitlines() if "names are refused: " in line]
    assert len(told) == 1
    assert told[0].startswith(f"{len(document['unsafe'])} files left out")


def test_what_happens_to_an_active_model_is_told(program: Inside, hub: DemoHub) -> None:
    name = "acme/changing"
    first = Repository(id=name, files=(RepositoryFile("config.json", CONFIG),))
    hub.put(first)
    assert program("download", name, "-q").code == 0
    assert program("activate", name, "--type", "llm", "-q").code == 0
    hub.put(replace(first, files=(RepositoryFile("config.json", b"{}"),)))
    people = program("download", name)
    assert people.code == 0
    assert f"hf:{name} is active as llm: revision " in people.err
    hub.put(replace(first, files=(RepositoryFile("config.json", b"[]"),)))
    assert "is active as llm" in program.json("download", name).document["note"]
    unreachable = program("download", name, HF_ENDPOINT="http://127.0.0.1:9")
    assert unreachable.code == 0
    assert "127.0.0.1:9 cannot be reached" in unreachable.err


def test_every_file_of_a_home_is_private(lived_in: Inside) -> None:
    for name in ("hub.db", "catalogue.db", "logs/tui-hub.log"):
        assert (lived_in.home / name).stat().st_mode & 0o077 == 0, name
