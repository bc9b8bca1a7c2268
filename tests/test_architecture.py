"""What may not be loaded, looked up in `sys.modules` of a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui_hub.cli.program import Options, program

HEAVY = {
    "aiosqlite",
    "apscheduler",
    "asyncio",
    "httpx",
    "huggingface_hub",
    "pynvml",
    "rich",
    "starlette",
    "textual",
    "tomlkit",
    "torch",
    "uvicorn",
}
REPORT = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that are there once the statement has run."""
    run = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{REPORT}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments", [None, ["--version"], ["--help"], ["download", "--help"], ["paths", "--json"]]
)
def test_the_command_line_starts_light(arguments: list[str] | None, tmp_path: Path) -> None:
    statement = "import tui_hub.cli"
    if arguments is not None:
        arguments = [*arguments, "--home", str(tmp_path)]
        statement += f"\ntry:\n    tui_hub.cli.main({arguments!r})\nexcept SystemExit:\n    pass"
    modules = loaded_by(statement)
    assert "tui_hub" in modules
    assert not modules & HEAVY


def test_the_domain_needs_the_standard_library_alone() -> None:
    folder = Path(__file__).parents[1] / "tui_hub" / "domain"
    names = [f"tui_hub.domain.{path.stem}" for path in folder.glob("*.py")]
    foreign = loaded_by("import " + ", ".join(names)) - loaded_by("pass") - {"tui_hub"}
    assert foreign <= sys.stdlib_module_names


def test_help_tells_of_every_verb_and_loads_none() -> None:
    """To import them all took longer than all else; their sources tell the same."""
    statement = (
        "import sys, tui_hub.cli\n"
        "try:\n    tui_hub.cli.main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "print(*[name for name in sys.modules if name.startswith('tui_hub.cli.verbs.')], 'end')"
    )
    run = subprocess.run(
        [sys.executable, "-c", statement],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert run.stdout.splitlines()[-1] == "end"
    context = program.make_context("tui-hub", ["x"], obj=Options(), resilient_parsing=True)
    page = " ".join(run.stdout.split())
    names = program.list_commands(context)
    room = 80 - 2 - max(map(len, names)) - 6
    for name in names:
        command = program.get_command(context, name)
        assert command is not None
        assert f"{name} {command.get_short_help_str(room)}" in page


def test_a_shell_that_completes_a_verb_is_told_of_each_and_loads_none() -> None:
    statement = (
        "import sys, tui_hub.cli\n"
        "try:\n    tui_hub.cli.main()\n"
        "except SystemExit:\n    pass\n"
        "print(*[name for name in sys.modules if name.startswith('tui_hub.cli.verbs.')], 'end')"
    )
    asked = {"_TUI_HUB_COMPLETE": "zsh_complete", "COMP_WORDS": "tui-hub ", "COMP_CWORD": "1"}
    run = subprocess.run(
        [sys.executable, "-c", statement],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **asked},
    )
    told = run.stdout.splitlines()
    assert told.pop() == "end"
    context = program.make_context("tui-hub", ["x"], obj=Options(), resilient_parsing=True)
    names = program.list_commands(context)
    assert told[1::3] == names
    assert not any(summary in ("", "_") for summary in told[2::3])


def test_a_search_loads_no_service_that_it_does_not_need(tmp_path: Path) -> None:
    report = "import sys; print(*[name for name in sys.modules if name.startswith('tui_hub.')])"
    statement = (
        "import tui_hub.cli\n"
        f"try:\n    tui_hub.cli.main(['search', 'x', '--home', {str(tmp_path)!r}])\n"
        "except SystemExit:\n    pass"
    )
    run = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{report}"], capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.splitlines()[-1].split())
    assert "tui_hub.services.models.catalogue" in loaded
    rooms = {".".join(name.split(".")[:2]) for name in loaded}
    assert not rooms & {"tui_hub.transfer", "tui_hub.foreign", "tui_hub.tui"}
    assert not loaded & {"tui_hub.services.slots.service", "tui_hub.services.downloads.service"}
