"""Hooks: called for what happens, signed, bounded, and never in the way of the work."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Program, until
from examining import OK, WARNING, examined, of, the
from homes import Configure
from webhook import Receiver, receiving, write_hooks

import tui_hub
from tui_hub.demo import DemoHub
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.services import Services, open_services
from tui_hub.services.hooks import service as hooks
from tui_hub.services.jobs.service import HOOK
from tui_hub.services.sync.clocks import Clock

SECRET = "a very secret key"
KEEP = """
import json, os, sys
with open({!r}, "w") as kept:
    json.dump([dict(os.environ), sys.stdin.read()], kept)
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who listens."""
    with receiving() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home whose settings the tests write."""
    return tmp_path / "home"


async def at_once(_seconds: float) -> None:
    """Pass the pauses between two tries."""
    await asyncio.sleep(0)


async def a_job(services: Services) -> str:
    """Have a job finish; its id."""
    job = await services.jobs.create(JobType.SCAN, {"path": "/models"})
    await services.jobs.finish(job, JobStatus.COMPLETED)
    return job.id


async def test_a_finished_download_is_told_and_signed(
    configure: Configure, home: Path, receiver: Receiver, hub: DemoHub
) -> None:
    write_hooks(home, chat={"url": receiver.url, "secret": "MY_SIGNATURE"})
    configuration = configure(MY_SIGNATURE=SECRET, HF_TOKEN=hub.token)
    async with open_services(configuration) as services:
        job = await services.downloads.start("acme/tiny")
        await services.downloads.wait(job.id)
    (told,) = receiver.told
    document = told.document
    assert document["event"] == told.headers["x-tui-hub-event"] == "job_finished"
    assert document["id"] == told.headers["x-tui-hub-delivery"]
    assert document["program"].startswith("tui-hub/")
    assert document["job"]["id"] == job.id
    assert document["job"]["payload"]["model"] == "hf:acme/tiny"
    assert (document["job"]["type"], document["job"]["status"]) == ("download", "completed")
    assert told.headers["content-type"] == "application/json"
    digest = hmac.new(SECRET.encode(), told.body, hashlib.sha256).hexdigest()
    assert told.headers["x-tui-hub-signature"] == f"sha256={digest}"
    assert hub.token not in str(told)
    assert SECRET not in str(told)


async def test_activations_are_told(configure: Configure, home: Path, receiver: Receiver) -> None:
    write_hooks(home, chat={"url": receiver.url, "events": ["activation"]})
    async with open_services(configure()) as services:
        job = await services.downloads.start("acme/tiny")
        await services.downloads.wait(job.id)
        await services.activation.activate("acme/tiny")
        await services.activation.deactivate("llm")
    first, second = (told.document for told in receiver.told)
    assert first["status"] == "active"
    assert (first["model"], first["slot"]) == ("hf:acme/tiny", "llm")
    assert (second["status"], second["previous"]) == ("inactive", "hf:acme/tiny")


async def test_a_failed_sync_is_told_and_a_good_one_is_not(
    configure: Configure, home: Path, receiver: Receiver, hub: DemoHub
) -> None:
    write_hooks(home, chat={"url": receiver.url, "events": ["sync_failed"]})
    async with open_services(configure(TUI_HUB_NETWORK__RETRIES="1")) as services:
        assert (await services.sync.run(["hf:litert"])).status == "completed"
        hub.faults.offline = True
        assert (await services.sync.run(["hf:litert"])).status == "failed"
    (told,) = receiver.told
    (feed,) = told.document["feeds"]
    assert told.document["status"] == "failed"
    assert (feed["feed"], feed["status"]) == ("hf:litert", "failed")
    assert "cannot be reached" in feed["error"]


def test_a_sync_of_cron_tells_before_it_ends(home: Path, receiver: Receiver, hub: DemoHub) -> None:
    write_hooks(home, chat={"url": receiver.url, "events": ["sync_failed"]})
    hub.faults.offline = True
    ran = Program(home, {"HF_ENDPOINT": hub.endpoint})("--sync-only")
    assert ran.code == 6
    assert receiver.events() == ["sync_failed"]


async def test_new_models_are_told_in_bounds(
    configure: Configure, home: Path, receiver: Receiver
) -> None:
    write_hooks(home, chat={"url": receiver.url, "events": ["new_models"]})
    async with open_services(configure()) as services:
        services.hooks.new_models(0, [])
        services.hooks.new_models(2000, [f"hf:acme/model-{number}" for number in range(2000)])
        await a_job(services)
    (told,) = receiver.told
    assert told.document["count"] == 2000
    assert told.document["models"][0] == "hf:acme/model-0"
    assert len(told.document["models"]) == 50


async def test_a_command_is_told_without_secrets_and_without_a_shell(
    configure: Configure, home: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept; touch hacked"
    write_hooks(
        home,
        script={
            "command": [sys.executable, "-c", KEEP.format(str(kept))],
        },
        chat={"url": "http://127.0.0.1:9", "secret": "MY_SIGNATURE", "events": ["sync_failed"]},
        other={"command": ["true"], "secret": "MY_SEAL", "enabled": False},
    )
    environment = {
        "HF_TOKEN": "hf_abcdefgh",
        "REPLICATE_API_TOKEN": "r8_abcdefgh",
        "MY_SIGNATURE": SECRET,
        "MY_SEAL": SECRET,
    }
    configuration = configure(MY_PLAIN="kept", **environment)
    async with open_services(configuration) as services:
        job = await a_job(services)
    variables, document = json.loads(kept.read_text())
    assert json.loads(document)["job"]["id"] == job
    assert variables["TUI_HUB_EVENT"] == "job_finished"
    assert variables["TUI_HUB_JOB"] == job
    assert (variables["TUI_HUB_JOB_TYPE"], variables["TUI_HUB_STATUS"]) == ("scan", "completed")
    assert variables["TUI_HUB_HOOK"] == "script"
    assert variables["TUI_HUB_HOME"] == str(home)
    assert variables["MY_PLAIN"] == "kept"
    assert not environment.keys() & variables.keys()


async def test_a_program_that_a_hook_runs_calls_no_hooks(
    configure: Configure, home: Path, receiver: Receiver
) -> None:
    write_hooks(home, chat={"url": receiver.url})
    async with open_services(configure(TUI_HUB_HOOK="chat")) as services:
        await a_job(services)
    assert receiver.told == []


async def test_what_such_a_program_asks_for_is_told_by_no_process(
    configure: Configure, home: Path, receiver: Receiver
) -> None:
    write_hooks(home, chat={"url": receiver.url})
    async with open_services(configure(TUI_HUB_HOOK="chat")) as services:
        plan = await services.downloads.plan("acme/tiny")
        job = (await services.downloads.begin(plan, detached=True)).id
    async with open_services(configure()) as services:
        assert await services.agent.tend() == 1
        assert (await services.downloads.wait(job)).status is JobStatus.COMPLETED
    assert receiver.told == []


async def test_a_job_is_told_again_once_its_user_retries_it(
    configure: Configure, home: Path, receiver: Receiver
) -> None:
    write_hooks(home, chat={"url": receiver.url})
    async with open_services(configure()) as services:
        job = (await services.downloads.start("acme/tiny")).id
        await services.downloads.wait(job)
    async with open_services(configure(TUI_HUB_HOOK="chat")) as services:
        await services.jobs.retry(job)
        await services.downloads.wait(job)
        assert (await services.jobs.get(job)).payload[HOOK] == "chat"
    assert len(receiver.told) == 1
    async with open_services(configure()) as services:
        await services.jobs.retry(job)
        await services.downloads.wait(job)
    assert len(receiver.told) == 2


def test_a_hook_that_leaves_a_download_to_an_agent_is_not_called_for_it(
    home: Path, hub: DemoHub
) -> None:
    again = [sys.executable, "-m", "tui_hub", "download", "acme/tiny", "--detach"]
    write_hooks(home, chain={"command": again, "timeout": 60.0})
    here = str(Path(tui_hub.__file__).parent.parent)
    program = Program(home, {"HF_ENDPOINT": hub.endpoint, "PYTHONPATH": here})

    def made() -> list[str]:
        return [job["status"] for job in program.json("jobs").document["jobs"]]

    assert program("download", "acme/tiny").code == 0
    until(lambda: made() == ["completed"] * 2)
    assert program("agent", "--stop").code == 0
    assert made() == ["completed"] * 2


async def test_offline_no_address_is_called_but_commands_are(
    configure: Configure, home: Path, receiver: Receiver, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    write_hooks(
        home,
        chat={"url": receiver.url},
        script={"command": [sys.executable, "-c", KEEP.format(str(kept))]},
    )
    async with open_services(configure(HF_HUB_OFFLINE="1")) as services:
        await a_job(services)
    assert kept.exists()
    assert receiver.told == []


async def test_a_hook_goes_by_what_is_said_of_the_network_since(
    configure: Configure, home: Path, receiver: Receiver, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    write_hooks(
        home,
        chat={"url": receiver.url},
        script={"command": [sys.executable, "-c", KEEP.format(str(kept))]},
    )
    async with open_services(configure(HF_HUB_OFFLINE="1")) as services:
        services.network.go_online()
        await a_job(services)
    assert len(receiver.told) == 1
    environment, _ = json.loads(kept.read_text())
    assert environment["TUI_HUB_NETWORK__OFFLINE"] == "0"
    assert "HF_HUB_OFFLINE" not in environment
    async with open_services(configure()) as services:
        await services.network.go_offline()
        await a_job(services)
    assert len(receiver.told) == 1
    environment, _ = json.loads(kept.read_text())
    assert environment["TUI_HUB_NETWORK__OFFLINE"] == "1"


async def test_failures_are_tried_again_told_once_and_forgotten(
    configure: Configure, home: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write_hooks(home, chat={"url": receiver.url})
    receiver.statuses = [500, 503, 204]
    async with open_services(configure(), Clock(sleep=at_once)) as services:
        await a_job(services)
    assert len({told.headers["x-tui-hub-delivery"] for told in receiver.told}) == 1
    assert len(receiver.told) == 3
    assert the(await examined(configure()), "hooks").status is OK

    receiver.statuses = [500] * 6
    async with open_services(configure(), Clock(sleep=at_once)) as services:
        await a_job(services)
        await a_job(services)
    found = the(await examined(configure()), "hooks")
    assert found.status is WARNING
    assert "chat failed 2 times in a row" in found.message
    assert "answers 500" in found.message
    assert "s3cret-path" not in found.message
    failed = [one for one in caplog.messages if one.startswith("hook chat failed")]
    assert len(failed) == 1
    assert "s3cret-path" not in caplog.text

    async with open_services(configure()) as services:
        await a_job(services)
    assert the(await examined(configure()), "hooks").status is OK
    assert "hook chat works again" in caplog.messages


@pytest.mark.parametrize(("status", "why"), [(404, "answers 404"), (308, "sends this request on")])
async def test_what_cannot_work_is_not_followed(
    configure: Configure, home: Path, receiver: Receiver, status: int, why: str
) -> None:
    with receiving() as other:
        write_hooks(home, chat={"url": receiver.url})
        receiver.statuses = [status] * 3
        receiver.location = other.url if status == 308 else ""
        async with open_services(configure(), Clock(sleep=at_once)) as services:
            await a_job(services)
        assert why in the(await examined(configure()), "hooks").message
        assert len(receiver.told) == (1 if status == 404 else 3)
        assert other.told == []


async def test_an_unset_secret_sends_nothing(
    configure: Configure, home: Path, receiver: Receiver
) -> None:
    chat = {"url": receiver.url, "secret": "MY_SIGNATURE"}
    write_hooks(home, chat=chat, script={"command": ["true"], "secret": "MY_SIGNATURE"})
    async with open_services(configure()) as services:
        await a_job(services)
    assert receiver.told == []
    unsigned, run = of(await examined(configure()), "hooks")
    assert (unsigned.status, "MY_SIGNATURE is not set" in unsigned.message) == (WARNING, True)
    assert run.status is OK  # a command signs nothing


@pytest.mark.parametrize(
    ("command", "timeout", "why"),
    [
        ([sys.executable, "-c", "exit('no room \\x1b[2J')"], 20.0, "exit status 1: no room"),
        (["/nowhere/at-all"], 20.0, "/nowhere/at-all cannot be run: No such file"),
        (["sleep", "60"], 0.2, "not done within"),
    ],
)
async def test_a_command_that_fails_is_told(
    configure: Configure, home: Path, command: list[str], timeout: float, why: str
) -> None:
    write_hooks(home, script={"command": command, "timeout": timeout})
    async with open_services(configure(), Clock(sleep=at_once)) as services:
        await a_job(services)
    message = the(await examined(configure()), "hooks").message
    assert why in message
    assert "\x1b" not in message


async def test_a_command_that_began_is_not_run_again(
    configure: Configure, home: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "mails"
    write_hooks(home, mail={"command": ["/bin/sh", "-c", f"echo sent >> {kept}; exit 1"]})
    async with open_services(configure(), Clock(sleep=at_once)) as services:
        await a_job(services)
    assert kept.read_text() == "sent\n"


async def test_a_command_that_cannot_be_started_yet_is_tried_again(
    configure: Configure, home: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\necho sent > {tmp_path / 'mail'}\n")
    script.chmod(0o700)
    write_hooks(home, mail={"command": [str(script)]})
    with script.open("a") as busy:  # nothing runs a file that somebody writes

        async def closing(_seconds: float) -> None:
            busy.close()

        async with open_services(configure(), Clock(sleep=closing)) as services:
            await a_job(services)
        assert busy.closed
    assert (tmp_path / "mail").exists()


async def test_what_a_command_says_fills_no_disk(configure: Configure, home: Path) -> None:
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "sys.stderr.write('x' * 3_000_000 + '\\nthat was all\\n'); exit(1)"
    )
    write_hooks(home, chatty={"command": [sys.executable, "-c", script]})
    async with open_services(configure()) as services:
        await a_job(services)
    message = the(await examined(configure()), "hooks").message
    assert message.endswith("exit status 1: that was all")


async def test_a_command_is_done_when_it_ends_whatever_it_leaves_behind(
    configure: Configure, home: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "pid"
    write_hooks(home, script={"command": ["/bin/sh", "-c", f"sleep 600 & echo $! > {kept}"]})
    async with open_services(configure()) as services:
        await a_job(services)
    os.kill(int(kept.read_text()), signal.SIGKILL)
    assert the(await examined(configure()), "hooks").status is OK


async def test_hanging_hooks_hinder_nobody_and_are_given_up(
    configure: Configure, home: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "GRACE", 0.2)
    monkeypatch.setattr(hooks, "WAITING", 3)
    with receiving() as stuck:
        stuck.gate.clear()
        hanging = {f"stuck{number}": {"url": stuck.url} for number in range(5)}
        write_hooks(home, **hanging, well={"url": receiver.url})
        async with open_services(configure()) as services, asyncio.timeout(60):
            made = [await a_job(services)]
            while len(stuck.told) < len(hanging):
                await asyncio.sleep(0.01)
            for _ in range(5):
                made.append(await a_job(services))
                while len(receiver.told) < len(made):
                    await asyncio.sleep(0.01)
        assert [told.document["job"]["id"] for told in receiver.told] == made
        assert len(stuck.told) == len(hanging)
    found = {
        finding.message.split()[0]: finding for finding in of(await examined(configure()), "hooks")
    }
    assert found["well"].status is OK
    for name in hanging:
        assert "failed 4 times in a row" in found[name].message
        assert "given up at the end of the program" in found[name].message


def ended(pid: int) -> bool:
    """Whether a process is gone; `init` may yet reap it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


async def test_a_command_that_is_given_up_leaves_nothing_behind(
    configure: Configure, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "GRACE", 0.2)
    kept = tmp_path / "pids"
    script = f"sleep 600 & echo $! $$ > {kept}.part; mv {kept}.part {kept}; wait"
    write_hooks(home, script={"command": ["/bin/sh", "-c", script]})
    async with open_services(configure()) as services:
        await a_job(services)
        while not kept.exists():
            await asyncio.sleep(0.01)
    for pid in map(int, kept.read_text().split()):
        until(lambda pid=pid: ended(pid))


async def test_what_a_sync_finds_new_is_told_and_its_first_stock_is_not(
    configure: Configure, home: Path, receiver: Receiver, hub: DemoHub
) -> None:
    write_hooks(home, chat={"url": receiver.url, "events": ["new_models"]})
    tiny = hub.registry.find("acme/tiny")
    assert tiny is not None
    async with open_services(configure()) as services:
        await services.sync.run(["hf:text-generation"])
        hub.put(replace(tiny.head.repository, id="acme/fresh", last_modified=None))
        await services.sync.run(["hf:text-generation"])
    (told,) = receiver.told
    assert (told.document["count"], told.document["models"]) == (1, ["hf:acme/fresh"])
