"""Download, jobs, storage, slots and delete from the command line."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

from command_line import BIG, CONFIG, Inside, until

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


def put_quants(hub: DemoHub) -> str:
    """Give the hub a model of two quantisations; its id."""
    name = "acme/quants"
    files = {"config.json": CONFIG, "q-Q4_K_M.gguf": b"4" * 5000, "q-Q8_0.gguf": b"8" * 9000}
    hub.put(Repository(id=name, files=tuple(RepositoryFile(*file) for file in files.items())))
    return name


def test_one_variant_of_several(program: Inside, hub: DemoHub) -> None:
    name = put_quants(hub)
    one = program.json("download", name, "--variant", "Q4_K_M")
    assert (one.code, one.document["note"]) == (0, None)
    told = "2 variants, together 13.7 KiB; `--variant Q4_K_M` takes one"
    assert told in program("download", name, "--dry-run").err.splitlines()
    assert program("download", name, "--dry-run", "-q").err == ""
    for chosen in (["q-Q8_0.gguf"], ["--exclude", "*.md"], ["--variant", "Q8_0"]):
        assert program("download", name, "--dry-run", *chosen).err == ""
    all_of_it = program.json("download", name)
    assert (all_of_it.code, all_of_it.err) == (0, "")
    assert all_of_it.document["note"] == told
    assert program.json("download", name).document["note"] is None
    rows = [line.split()[4:7] for line in program("jobs").out.splitlines()[1:]]
    assert rows[-1][:2] == [f"hf:{name}", "Q4_K_M"]
    assert rows[0][1] != "Q4_K_M"


def test_a_variant_is_active_and_another_deleted(program: Inside, hub: DemoHub) -> None:
    name = put_quants(hub)
    assert program("download", name, "-q").code == 0
    activated = program("activate", name, "--type", "llm", "--variant", "Q4_K_M")
    assert activated.code == 0, activated.err
    heading, row = program("active").out.splitlines()
    assert heading.split()[:3] == ["TYPE", "MODEL", "VARIANT"]
    assert row.split()[:3] == ["llm", f"hf:{name}", "Q4_K_M"]
    for taken in ([], ["--variant", "Q4_K_M"]):
        ran = program.json("delete", name, "--dry-run", *taken)
        assert (ran.code, ran.error) == (5, "refused")
        assert ran.document["files"] > 0
        assert program.json("delete", name, "--yes", *taken).code == 5
        assert program.json("delete", name, "--dry-run", "--deactivate", *taken).code == 0
    other = ("--variant", "Q8_0")
    would = program.json("delete", name, "--dry-run", *other)
    assert would.code == 0
    assert would.document == {
        "model": f"hf:{name}",
        "variant": "Q8_0",
        "files": 1,
        "bytes_freed": 9000,
    }
    deleted = program.json("delete", name, "--yes", *other)
    assert (deleted.code, deleted.document) == (0, would.document)
    variants = program.json("show", name).document["variants"]
    assert [(one["name"], one["installed"]) for one in variants] == [
        ("Q4_K_M", True),
        ("Q8_0", False),
    ]
    last = program.json("delete", name, "--dry-run", "--variant", "Q4_K_M")
    assert (last.code, last.document["variant"]) == (5, "Q4_K_M")
    gone = program("delete", name, "--yes", "--deactivate", "--variant", "Q4_K_M")
    assert gone.code == 0
    assert gone.out.startswith(f"hf:{name} Q4_K_M: 2 files deleted, ")


def test_slots(program: Inside) -> None:
    ran = program.json("activate", "acme/no-such-model", "--type", "llm")
    assert (ran.code, ran.error) == (4, "not_found")
    assert (ran.document["slot"], ran.document["model"]) == ("llm", "hf:acme/no-such-model")
    assert (ran.document["status"], ran.document["path"]) == ("error", None)
    assert program("download", "acme/tiny-llm", "-q").code == 0
    assert program("download", "acme/twin-llm", "-q").code == 0
    empty = program.json("active", "llm", "--path")
    assert (empty.code, empty.error) == (4, "not_found")
    assert program.json("active").document == {"slots": []}

    active = program.json("activate", "acme/tiny-llm").document
    assert (active["slot"], active["status"], active["runtime"]) == ("llm", "active", "link")
    taken = program.json("activate", "acme/twin-llm")
    assert (taken.code, taken.error) == (5, "refused")
    assert (taken.document["slot"], taken.document["model"]) == (None, "hf:acme/twin-llm")
    assert (taken.document["status"], taken.document["runtime"]) == ("error", None)
    assert "switch" in taken.document["error"]["hint"]
    switched = program.json("switch", "acme/twin-llm").document
    assert (switched["model"], switched["previous"]) == ("hf:acme/twin-llm", "hf:acme/tiny-llm")
    path = program("active", "llm", "--path").out
    assert path == switched["path"] + "\n"
    assert (Path(path.strip()) / "config.json").read_bytes() == CONFIG
    refused = program.json("delete", "acme/twin-llm", "--yes")
    assert (refused.code, refused.error) == (5, "refused")

    environment = program.json("env", "llm").document["environment"]
    assert environment["HF_HUB_OFFLINE"] == "1"
    shell = 'eval "$(cat)"; test -f "$TUI_HUB_MODEL_PATH/config.json"'
    exported = subprocess.run(["sh", "-c", shell], input=program("env", "llm").out, text=True)
    assert exported.returncode == 0
    said = program("run", "llm", "--", "sh", "-c", 'echo "$TUI_HUB_MODEL"; exit 7')
    assert (said.code, said.out) == (7, "hf:acme/twin-llm\n")
    for wrong, code in (("/no/such/program", 127), ("no-such-program", 127), ("/etc", 126)):
        failed = program("run", "llm", "--", wrong)
        assert failed.code == code
        assert "Traceback" not in failed.err
    text = program.home / "text"
    text.write_text("no program")
    assert program("run", "llm", "--", str(text)).code == 126

    emptied = program.json("deactivate", "llm").document
    assert (emptied["status"], emptied["previous"]) == ("inactive", "hf:acme/twin-llm")
    gone = program.json("deactivate", "llm")
    assert (gone.code, gone.error) == (4, "not_found")
    assert (gone.document["slot"], gone.document["status"]) == ("llm", "error")
    assert program("activate", "acme/tiny-llm").code == 0
    told = program("switch", "acme/twin-llm").out.splitlines()[0]
    assert told == "llm: hf:acme/twin-llm is active, in place of hf:acme/tiny-llm"
    left = program("deactivate", "acme/twin-llm").out
    assert left == "llm: hf:acme/twin-llm is no longer active\n"
    empty = program("run", "llm", "--", "true")
    assert (empty.code, empty.out) == (4, "")
    assert "no model is active" in empty.err


def test_single_files_patterns_and_wrong_names(program: Inside) -> None:
    one = program.json("download", "acme/tiny-llm", "config.json").document
    assert [file["path"] for file in one["files"]] == ["config.json"]
    some = program.json("download", "acme/tiny-llm", "--include", "*.json", "--dry-run").document
    assert [file["path"] for file in some["files"]] == ["config.json"]
    for wrong in (["no-such-file"], ["--variant", "q9"], ["--revision", "no-such-branch"]):
        ran = program.json("download", "acme/tiny-llm", *wrong)
        assert (ran.code, ran.error) == (4, "not_found"), wrong


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
    assert plan.document["error"] == ran.document["error"]
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
    out, err = process.communicate(timeout=30)
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
    unfinished = program.json("storage").document["partial_bytes"]
    assert 0 < unfinished <= BIG + 2**20
    assert f"unfinished  {size(unfinished)}" in program("storage").out
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
    follower = program.start("jobs", "--follow", job, "--json")
    assert follower.stdout is not None
    assert json.loads(follower.stdout.readline())["jobs"][0]["status"] == "running"
    assert program.json("jobs", "--cancel", job).code == 0
    out, _ = first.communicate(timeout=30)
    assert (first.returncode, json.loads(out)["status"]) == (130, "cancelled")
    assert json.loads(out)["error"]["message"] == "cancelled"
    rest, _ = follower.communicate(timeout=30)
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
