"""`tui-hub doctor`: its lines, its document, its exit code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import Inside, until
from test_cli_terminal import read_all, spawn

from tui_hub.demo import DemoHub

SETTLED = {"TERM": "xterm", "LANG": "C.UTF-8"}


def test_the_document_of_a_box_in_order(lived_in: Inside) -> None:
    ran = lived_in.json("doctor", **SETTLED)
    assert (ran.code, ran.err) == (0, "")
    findings = ran.document["findings"]
    assert all(finding.keys() == {"check", "status", "message", "mend"} for finding in findings)
    assert {finding["status"] for finding in findings} <= {"ok", "warning"}
    by_check = {finding["check"]: finding["message"] for finding in findings}
    assert "links, holes, locks and fsync work" in by_check["store"]
    assert by_check["token"] == "accepted, for the account demo-member"


def test_lines_with_what_to_do_below(program: Inside) -> None:
    ran = program("doctor", HF_TOKEN="hf_ThisTokenIsWrong00", **SETTLED)
    assert ran.code == 1
    lines = ran.out.splitlines()
    token = next(number for number, line in enumerate(lines) if line.startswith("✗ token "))
    assert lines[token].endswith("does not know the token that is set")
    assert re.match(r" {10,}\S.*hf auth login", lines[token + 1])
    assert "\x1b" not in ran.out and "hf_This" not in ran.out + ran.err
    assert any(line.startswith("! gpu ") for line in lines)
    assert any(line.startswith("✓ network ") for line in lines)
    quiet = program("doctor", "-q", HF_TOKEN="hf_ThisTokenIsWrong00", **SETTLED)
    assert (quiet.code, "✗ token" in quiet.out, "✓" in quiet.out) == (1, True, False)


def test_plain_signs(program: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = program("doctor", TUI_HUB_SCREEN__ASCII="true", **SETTLED)
    assert {line[0] for line in ran.out.splitlines()} == {"+", "!", " "}
    latin = program.apart("doctor", PYTHONIOENCODING="latin-1", **SETTLED)
    assert "+ network" in latin.out


def test_a_damaged_home_is_examined_all_the_same(program: Inside) -> None:
    program.home.mkdir()
    (program.home / "hub.db").write_bytes(b"rubbish" * 1000)
    ran = program.json("doctor", **SETTLED)
    assert ran.code == 1
    first, *others = ran.document["findings"]
    assert (first["check"], first["status"]) == ("home", "error")
    assert ran.error == "failed" and first["message"] in ran.document["error"]["message"]
    assert "network" in {finding["check"] for finding in others}


def test_secrets_are_shown_to_nobody(program: Inside, tmp_path: Path) -> None:
    folder = tmp_path / "hf_SecretFolderName0123"
    folder.mkdir()
    (folder / "token").write_text("hf_SecretInTheFile0123")
    (folder / "token").chmod(0o644)
    ran = program("doctor", HF_HOME=str(folder), **SETTLED)
    assert "! token" in ran.out and "hf_***/token" in ran.out
    assert "Secret" not in ran.out + ran.err


def test_colours_on_a_terminal(program: Inside) -> None:
    child = spawn(program, "doctor", columns=200)
    shown = read_all(child)
    assert child.exitstatus == 0
    assert "\x1b[32m✓\x1b[0m network" in shown
    assert "\x1b" not in read_all(spawn(program, "doctor", NO_COLOR="1"))


def test_the_processes_of_the_home(program: Inside, hub: DemoHub) -> None:
    with program.start("agent") as agent:
        try:
            assert agent.stderr is not None
            assert "works" in agent.stderr.readline()

            def told() -> dict[str, str]:
                findings = program.json("doctor", **SETTLED).document["findings"]
                return {finding["check"]: finding["message"] for finding in findings}

            until(lambda: "schedule" in told()["processes"])
            found = told()
        finally:
            agent.kill()
    assert re.match(rf"{agent.pid} .*tui_hub agent \(agent, schedule", found["processes"])
    assert f"process {agent.pid} " in found["agent"]
    assert f"process {agent.pid} " in found["schedule"]


def test_help_tells_the_exit_code(program: Inside) -> None:
    text = " ".join(program("doctor", "--help").out.split())
    assert "The exit code is 1 when something cannot work until it is mended, else 0." in text


@pytest.mark.parametrize("file", ["[downloads\n", "[downloads]\nfiles = 'x'\n"])
def test_broken_settings_are_the_finding(file: str, alone: Inside) -> None:
    alone.home.mkdir()
    (alone.home / "config.toml").write_text(file)
    ran = alone.json("doctor")
    (finding,) = ran.document["findings"]
    assert (ran.code, finding["check"], finding["status"]) == (1, "settings", "error")
    assert "config.toml" in finding["message"] and finding["mend"]
    assert finding["message"] in alone("doctor").out
