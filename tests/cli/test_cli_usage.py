"""The command line before any work: options, help, wrong usage, terminals, streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui_hub import __version__

VERBS = [
    "activate",
    "active",
    "add",
    "deactivate",
    "delete",
    "download",
    "edit",
    "env",
    "feeds",
    "files",
    "jobs",
    "paths",
    "register",
    "run",
    "search",
    "show",
    "storage",
    "switch",
    "sync",
]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program as its own process, with no terminal."""
    return subprocess.run(
        [sys.executable, "-m", "tui_hub", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def error_of(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The error of a JSON answer, which must be all there is."""
    document = json.loads(result.stdout)
    assert set(document) == {"error"}
    assert set(document["error"]) == {"code", "message", "hint"}
    assert not result.stderr
    error: dict[str, str] = document["error"]
    return error


def test_the_version() -> None:
    assert run("--version").stdout == f"tui-hub {__version__}\n"
    assert run("search", "--version").stdout == f"tui-hub {__version__}\n"
    assert json.loads(run("--version", "--json").stdout) == {"version": __version__}


def test_help_names_every_verb() -> None:
    result = run("--help")
    assert result.returncode == 0
    listed = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
    assert [verb for verb in VERBS if verb not in listed] == []
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "nonsense"],
        ["nonsense", "--json"],
        ["search", "--nonsense", "--json"],
        ["search", "--limit", "x", "--json"],
        ["search", "--type", "poem", "--json"],
        ["show", "--json"],
        ["active", "--path", "--json"],
        ["env", "poem", "--json"],
        ["run", "llm", "--json"],
        ["jobs", "a", "--cancel", "b", "--json"],
        ["--sync-only", "search", "--json"],
        ["paths", "--config", "/nonexistent/config.toml", "--json"],
    ],
)
def test_wrong_usage_is_json_wherever_the_option_stands(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert error_of(result)["code"] == "usage"


def test_the_help_of_sync_promises_no_differential_sync() -> None:
    told = " ".join(run("sync", "--help").stdout.split())
    assert "Walk everything. In this version every sync does" in told


def test_wrong_usage_for_people_names_what_was_meant() -> None:
    result = run("serch")
    assert result.returncode == 2
    assert result.stdout == ""
    assert "'search'" in result.stderr


def test_a_verb_name_cannot_escape_into_other_modules() -> None:
    assert error_of(run("..demo", "--json"))["code"] == "usage"


def test_options_stand_before_the_verb_or_after_it(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    before = run("--json", "--home", home, "paths")
    after = run("paths", "--home", home, "--json")
    variable = run("paths", "--json", TUI_HUB_HOME=home)
    assert before.stdout == after.stdout == variable.stdout
    document = json.loads(before.stdout)
    assert document["hub_database"] == f"{home}/hub.db"
    assert document["store"] == f"{home}/store"
    assert not Path(home).exists()


def test_a_broken_settings_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("network = [\n")
    error = error_of(run("search", "--home", str(tmp_path), "--json"))
    assert error["code"] == "usage"
    assert "config.toml" in error["message"]
    assert "Traceback" not in run("search", "--home", str(tmp_path)).stderr


@pytest.mark.parametrize("term", ["xterm-256color", "dumb", ""])
def test_the_screen_is_refused_without_a_terminal(term: str, tmp_path: Path) -> None:
    result = run("--home", str(tmp_path), TERM=term)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "terminal" in result.stderr
    assert "\x1b" not in result.stderr
    assert error_of(run("--json", "--home", str(tmp_path), TERM=term))["code"] == "usage"


def test_whoever_stops_reading_is_no_error(tmp_path: Path) -> None:
    command = (
        f"'{sys.executable}' -m tui_hub paths --home '{tmp_path}' | true; echo ${{PIPESTATUS[0]}}"
    )
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout.strip() in ("0", "141")


def test_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "tui_hub", "paths", "--home", str(tmp_path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.returncode == 1
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr


def test_refusals_that_need_no_service() -> None:
    for target in ("https://example.org/model.gguf", "/models/mine.gguf", "local:mine"):
        result = run("add", target, "--json")
        assert result.returncode == 5
        assert error_of(result)["code"] == "refused"
    result = run("download", "a/b", "--detach", "--json")
    assert result.returncode == 5
    assert "agent" in error_of(result)["message"]
