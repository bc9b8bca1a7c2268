"""The command line before any work: options, help, wrong usage, terminals, streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Inside, Ran

from tui_hub import __version__

VERBS = [
    "activate",
    "active",
    "add",
    "check",
    "configure",
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
    "requirements",
    "run",
    "scheduler",
    "search",
    "show",
    "storage",
    "switch",
    "sync",
    "versions",
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


@pytest.fixture
def inside(tmp_path: Path) -> Inside:
    """The program in this process, on a home that is not there yet."""
    return Inside(tmp_path / "home")


def error_of(result: Ran) -> dict[str, str]:
    """The error of a JSON answer, which must be all there is."""
    assert set(result.document) == {"error"}
    assert set(result.document["error"]) == {"code", "message", "hint"}
    assert not result.err
    error: dict[str, str] = result.document["error"]
    return error


def test_the_version(inside: Inside) -> None:
    assert run("--version").stdout == f"tui-hub {__version__}\n"
    assert inside("search", "--version").out == f"tui-hub {__version__}\n"
    assert inside("--version", "--json").document == {"version": __version__}


def test_help_names_every_verb() -> None:
    result = run("--help")
    assert result.returncode == 0
    listed = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
    assert [verb for verb in VERBS if verb not in listed] == []
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("verb", [(), ("add",), ("feeds", "edit")])
def test_help_is_a_word_too(verb: tuple[str, ...], inside: Inside) -> None:
    asked = inside("help", *verb)
    assert (asked.code, asked.out) == (0, inside(*verb, "--help").out)
    assert asked.out.startswith("Usage: ")


def test_help_for_what_is_no_verb_names_one(inside: Inside) -> None:
    asked = inside("help", "serch")
    assert asked.code == 2 and "Did you mean 'search'?" in asked.err


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
        ["jobs", "a", "--cancel", "b", "--json"],
        ["--sync-only", "search", "--json"],
        ["paths", "--config", "/nonexistent/config.toml", "--json"],
    ],
)
def test_wrong_usage_is_json_wherever_the_option_stands(
    inside: Inside, arguments: list[str]
) -> None:
    result = inside(*arguments)
    assert result.code == 2
    assert error_of(result)["code"] == "usage"
    assert not inside.home.exists()


def test_run_has_no_document(inside: Inside) -> None:
    result = inside("--json", "run", "llm", "--", "true")
    assert result.code == 2
    error = error_of(result)
    assert (error["code"], "prints what the program prints" in error["message"]) == ("usage", True)


def test_wrong_usage_for_people_names_what_was_meant() -> None:
    result = run("serch")
    assert result.returncode == 2
    assert result.stdout == ""
    assert "'search'" in result.stderr


def test_a_verb_name_cannot_escape_into_other_modules(inside: Inside) -> None:
    assert error_of(inside("..demo", "--json"))["code"] == "usage"


def test_options_stand_before_the_verb_or_after_it(inside: Inside, tmp_path: Path) -> None:
    home = str(tmp_path / "other")
    before = inside("--json", "--home", home, "paths")
    after = inside("paths", "--home", home, "--json")
    variable = inside("paths", "--json", TUI_HUB_HOME=home)
    assert before.out == after.out == variable.out
    assert before.document["hub_database"] == f"{home}/hub.db"
    assert before.document["store"] == f"{home}/store"
    assert list(tmp_path.iterdir()) == []


def test_advice_is_for_the_home_that_was_given(inside: Inside, tmp_path: Path) -> None:
    other = str(tmp_path / "an other")
    told = inside("search", "x", "--home", other)
    assert f"`tui-hub --home '{other}' sync` fills it." in told.err
    refused = inside("jobs", "--retry", "nothing", "--home", other)
    assert f"`tui-hub --home '{other}' jobs` lists them." in refused.err
    assert "`tui-hub jobs` lists them." in inside("jobs", "--retry", "nothing").err


def test_advice_is_for_the_settings_that_were_given(inside: Inside, tmp_path: Path) -> None:
    settings = tmp_path / "own.toml"
    settings.write_text("")
    listed = inside("config", "--config", str(settings))
    assert f"`tui-hub --config {settings} feeds` lists the feeds." in listed.out
    settings.write_text("[downloads]\nfils = 3\n")
    told = inside("paths", "--config", str(settings))
    assert f"`tui-hub --config {settings} config unset downloads.fils`" in told.err


def test_advice_on_a_wrong_word_is_for_the_demo(inside: Inside, tmp_path: Path) -> None:
    told = inside("--demo", "--home", str(tmp_path), "serch")
    assert f"`tui-hub --demo --home {tmp_path} --help`" in told.err


def test_a_broken_settings_file_is_one_line(inside: Inside) -> None:
    inside.home.mkdir()
    (inside.home / "config.toml").write_text("network = [\n")
    error = error_of(inside("search", "--json"))
    assert error["code"] == "usage"
    assert "config.toml" in error["message"]
    assert "Traceback" not in inside("search").err


@pytest.mark.parametrize("term", ["xterm-256color", "dumb", ""])
def test_the_screen_is_refused_without_a_terminal(term: str, inside: Inside) -> None:
    result = run("--home", str(inside.home), TERM=term)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "terminal" in result.stderr
    assert "\x1b" not in result.stderr
    assert error_of(inside("--json", TERM=term))["code"] == "usage"


def test_whoever_stops_reading_is_no_error(tmp_path: Path) -> None:
    command = (
        f"'{sys.executable}' -m tui_hub paths --home '{tmp_path}' | true; echo ${{PIPESTATUS[0]}}"
    )
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout.strip() in ("0", "141")


@pytest.mark.parametrize("command", [("paths",), ("paths", "--json"), ("no-such", "--json")])
def test_output_that_cannot_be_written_is_told(tmp_path: Path, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "tui_hub", *command, "--home", str(tmp_path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.returncode == 1
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr


def test_refusals_that_need_no_service(inside: Inside) -> None:
    for verb in ("show", "files", "download"):
        result = inside(verb, "https://user:secret@example.org/model.gguf?token=x", "--json")
        assert result.code == 5
        assert "example.org is not the Hub" in error_of(result)["message"]
        assert "secret" not in result.out
    assert not inside.home.exists()
