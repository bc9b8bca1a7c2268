"""The agent: work that goes on without a screen or a terminal."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from command_line import BIG, Inside, until

from tui_hub.demo import DemoHub
from tui_hub.services.agent.unit import COMMANDS

SLOW = 300_000
"""Bytes a second to all connections: the large model takes more than a minute."""


@contextmanager
def agent(program: Inside) -> Iterator[subprocess.Popen[str]]:
    """An agent that works, ended at the end."""
    with program.start("agent") as process:
        try:
            assert process.stderr is not None
            assert "works" in process.stderr.readline()
            yield process
        finally:
            process.kill()


@pytest.fixture
def slow(hub: DemoHub) -> Iterator[DemoHub]:
    hub.throttle.total = SLOW
    yield hub
    hub.throttle.total = 0


def only_job(program: Inside) -> dict[str, object]:
    jobs = program.json("jobs", "--type", "download").document["jobs"]
    assert len(jobs) == 1
    found: dict[str, object] = jobs[0]
    return found


def running(program: Inside) -> bool:
    jobs = program.json("jobs", "--type", "download").document["jobs"]
    return any(job["status"] == "running" and job["progress"]["done"] for job in jobs)


def completed(program: Inside) -> bool:
    return only_job(program)["status"] == "completed"


def test_a_detached_download_is_done_by_an_agent_that_is_started_for_it(program: Inside) -> None:
    left = program.json("download", "acme/tiny-llm", "--detach")
    assert left.code == 0
    pid = left.document["agent"]["pid"]
    try:
        assert left.document["job"] == only_job(program)["id"]
        assert left.document["status"] in ("pending", "running", "completed")
        assert left.document["bytes_total"] > 200_000
        status = program.json("agent", "--status").document
        assert status["running"] and status["holder"]["pid"] == pid
        until(lambda: completed(program))
        assert "HF_TOKEN" not in (program.home / "logs" / "agent.log").read_text()
    finally:
        stopped = program.json("agent", "--stop")
    assert (stopped.code, stopped.document["running"]) == (0, False)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert program("agent", "--stop").out == "No agent works.\n"


def test_an_agent_that_was_started_for_downloads_ends_after_the_last(program: Inside) -> None:
    with program.start("agent", "--until-idle") as process:
        assert process.wait(60) == 0
    assert not program.json("agent", "--status").document["running"]


def test_a_home_has_one_agent(program: Inside) -> None:
    with agent(program) as first:
        second = program.apart("agent", "--json")
        assert (second.code, second.error) == (5, "refused")
        assert str(first.pid) in second.document["error"]["message"]
        assert psutil.pid_exists(first.pid)


def test_a_closed_terminal_does_not_end_it_and_sigterm_does(program: Inside) -> None:
    with agent(program) as process:
        process.send_signal(signal.SIGHUP)
        assert program.json("agent", "--status").document["running"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_the_agent_goes_on_when_a_terminal_is_closed(
    program: Inside, slow: DemoHub, number: signal.Signals
) -> None:
    with agent(program), program.start("download", "acme/painter") as download:
        until(lambda: running(program))
        assert only_job(program)["attempts"] == 1
        download.send_signal(number)
        download.wait(60)
        until(lambda: running(program))
        slow.throttle.total = 0
        until(lambda: completed(program))
        job = only_job(program)
        assert job["attempts"] == 2
        assert job["payload"]["result"]["bytes_transferred"] <= 1.3 * BIG  # type: ignore[index]


def test_what_a_person_stopped_stays_stopped(program: Inside, slow: DemoHub) -> None:
    with agent(program), program.start("download", "acme/painter") as download:
        until(lambda: running(program))
        download.send_signal(signal.SIGINT)
        assert download.wait(60) == 130
        slow.throttle.total = 0
        again = program.json("download", "acme/tiny-llm", "--detach").document["job"]
        program("jobs", "--follow", again)
        jobs = program.json("jobs", "--type", "download").document["jobs"]
        assert {job["status"] for job in jobs} == {"completed", "paused"}


def test_a_killed_agent_is_followed_by_the_next(program: Inside, slow: DemoHub) -> None:
    with agent(program) as first:
        assert program("download", "acme/painter", "--detach").code == 0
        until(lambda: running(program))
        first.kill()
        first.wait()
        slow.throttle.total = 0
        with agent(program):
            until(lambda: completed(program))


def test_the_unit_is_one_that_systemd_takes(program: Inside, tmp_path: Path) -> None:
    config = tmp_path / "a config"
    odd = tmp_path / 'ho me "x" 50% $HOME'
    (odd).mkdir()
    (odd / "config.toml").write_text("")
    ran = program.json("agent", "--install", "--home", str(odd), XDG_CONFIG_HOME=str(config))
    unit = Path(ran.document["unit"])
    assert unit == config / "systemd" / "user" / "tui-hub-agent.service"
    assert ran.document["commands"] == list(COMMANDS)
    text = unit.read_text()
    assert "\nKillMode=process\n" in text
    assert os.environ.get("HF_TOKEN", "hf_") not in text and "TOKEN" not in text
    assert "50%% $$HOME" in text
    if shutil.which("systemd-analyze") is not None:
        told = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
        )
        assert (told.returncode, told.stderr) == (0, "")


def test_a_home_that_goes_away_takes_nothing_detached(program: Inside) -> None:
    ran = program.apart("--demo", "download", "acme/tiny", "--detach", "--json")
    assert (ran.code, ran.error) == (2, "usage")


def test_the_same_download_is_left_to_the_agent_once(program: Inside, slow: DemoHub) -> None:
    with agent(program):
        first = program.json("download", "acme/painter", "--detach").document
        second = program.json("download", "acme/painter", "--detach").document
        assert first["job"] == second["job"] == only_job(program)["id"]
        assert first["agent"]["pid"] == second["agent"]["pid"]


def test_whoever_follows_a_job_hears_that_its_process_is_gone(
    program: Inside, slow: DemoHub
) -> None:
    with program.start("download", "acme/painter") as download:
        until(lambda: running(program))
        job = str(only_job(program)["id"])
        with program.start("jobs", "--follow", job) as follower:
            download.kill()
            download.wait()
            assert follower.wait(60) != 0
        told = program.json("jobs", "--follow", job).document["error"]["message"]
        assert told == "the job is paused: interrupted: the process that ran it is gone"


def test_an_agent_has_nothing_to_do_offline(program: Inside) -> None:
    ran = program.apart("agent", "--offline", "--json")
    assert (ran.code, ran.error) == (5, "refused")


def test_the_unit_leads_to_the_same_places_and_carries_no_secret(
    program: Inside, tmp_path: Path
) -> None:
    ran = program.json(
        "agent",
        "--install",
        XDG_CONFIG_HOME=str(tmp_path / "config"),
        XDG_DATA_HOME="/data/mine",
        HTTPS_PROXY="http://user:secret@proxy:3128",
        NO_PROXY="localhost",
        REQUESTS_CA_BUNDLE="/etc/ours.pem",
        TUI_HUB_DOWNLOADS__LIMIT="1000",
        CIVITAI_TOKEN="token-that-is-secret",
    )
    for name in ("HTTPS_PROXY", "HF_TOKEN", "CIVITAI_TOKEN"):
        assert f"\n{name}, which may be a token or hold a password, is not" in f"\n{ran.err}"
    assert "secret" not in ran.err and "NO_PROXY" not in ran.err
    text = Path(ran.document["unit"]).read_text()
    for kept in (
        '"XDG_DATA_HOME=/data/mine"',
        '"NO_PROXY=localhost"',
        '"REQUESTS_CA_BUNDLE=/etc/ours.pem"',
        '"TUI_HUB_DOWNLOADS__LIMIT=1000"',
        f'"MODEL_STORE_PATH={program.home / "store"}"',
    ):
        assert f"Environment={kept}\n" in text, text
    assert "secret" not in text and "HF_TOKEN" not in text
