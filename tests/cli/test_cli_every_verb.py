"""What holds for every verb alike: its help, wrong usage, a closed pipe, the shape of an error."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import click
import pytest
from command_line import Inside

from tui_hub.cli.options import Options
from tui_hub.cli.program import program as whole

Path = tuple[str, ...]
"""The words that name a verb: `feeds`, `add`."""

GIVEN: dict[Path, list[str]] = {
    ("activate",): ["acme/tiny-llm"],
    ("add",): ["acme/tiny-llm"],
    ("check",): ["acme/tiny-llm"],
    ("configure",): ["acme/tiny-llm"],
    ("config", "get"): ["downloads.files"],
    ("config", "set"): ["downloads.files", "8"],
    ("config", "unset"): ["downloads.files"],
    ("deactivate",): ["llm"],
    ("delete",): ["acme/tiny-llm", "--yes"],
    ("download",): ["acme/tiny-llm"],
    ("edit",): ["acme/tiny-llm", "--favourite"],
    ("env",): ["llm"],
    ("feeds", "add"): ["hf:mine", "--author", "acme"],
    ("feeds", "disable"): ["hf:litert"],
    ("feeds", "edit"): ["hf:litert", "--limit", "5"],
    ("feeds", "enable"): ["hf:litert"],
    ("feeds", "remove"): ["hf:mine"],
    ("feeds", "try"): ["hf:litert"],
    ("files",): ["acme/tiny-llm"],
    ("import",): ["-"],
    ("register",): ["acme/tiny-llm"],
    ("reload",): ["llm"],
    ("requirements",): ["acme/tiny-llm"],
    ("run",): ["llm", "--", "true"],
    ("show",): ["acme/tiny-llm"],
    ("switch",): ["acme/tiny-llm"],
    ("versions",): ["acme/tiny-llm"],
}
"""What those need that take no empty command line."""

APART: set[Path] = {("agent",), ("import",)}
"""Those that change how this process takes signals, or read its input."""


def commands(group: click.Group = whole, above: Path = ()) -> Iterator[tuple[Path, click.Command]]:
    """Every verb with its path, and the actions of those that have some."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))


EVERY = dict(commands())
every_verb = pytest.mark.parametrize("path", EVERY, ids=" ".join)


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """The program on a home that nothing here may make."""
    return Inside(tmp_path_factory.mktemp("nowhere") / "home")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Settings that cannot be read."""
    file = tmp_path_factory.mktemp("broken") / "config.toml"
    file.write_text("network = [\n")
    return str(file)


def examples_of(page: str) -> list[str]:
    """The lines of the last section of a help page."""
    _, title, rest = page.partition("\nExamples:\n")
    assert title, page
    lines = rest.rstrip("\n").split("\n")
    assert all(line.startswith("  tui-hub") or "$(tui-hub" in line for line in lines), rest
    return [line.strip() for line in lines]


def arguments_in(example: str) -> list[str]:
    """What the shell would hand to the program, without what stands around it."""
    found = re.search(r"tui-hub\b((?:'[^']*'|[^|)])*)", example)
    assert found is not None
    return shlex.split(found[1])


def test_the_first_page_shows_the_way(nowhere: Inside) -> None:
    assert "tui-hub --demo" in examples_of(nowhere("--help").out)


@every_verb
def test_help_ends_with_examples_that_can_be_typed(path: Path, nowhere: Inside) -> None:
    page = nowhere(*path, "--help")
    assert (page.code, page.err, "\x1b" in page.out) == (0, "", False)
    assert page.out.startswith(f"Usage: tui-hub {' '.join(path)} ")
    shown = [arguments_in(example) for example in examples_of(page.out)]
    assert any(tuple(words[: len(path)]) == path for words in shown)
    for words in shown:
        longest = max(
            (one for one in EVERY if tuple(words[: len(one)]) == one), key=len, default=None
        )
        assert longest is not None, words
        EVERY[longest].make_context("tui-hub", words[len(longest) :], obj=Options())
    assert not nowhere.home.exists()


@every_verb
def test_an_option_that_there_is_not(path: Path, nowhere: Inside) -> None:
    ran = nowhere(*path, "--no-such-option")
    assert (ran.code, ran.out) == (2, "")
    assert "--no-such-option" in ran.err and f"`tui-hub {' '.join(path)} --help`" in ran.err
    told = nowhere(*path, "--no-such-option", "--json")
    assert (told.code, told.err, told.error) == (2, "", "usage")
    assert not nowhere.home.exists()


@every_verb
def test_an_error_is_one_document_and_changes_nothing(
    path: Path, nowhere: Inside, broken: str
) -> None:
    if path == ("completion",):
        pytest.skip("it reads no settings, and needs nothing that could fail")
    call = nowhere.apart if path in APART else nowhere
    ran = call("--json", "--config", broken, *path, *GIVEN.get(path, []))
    assert (ran.err, "Traceback" in ran.out) == ("", False)
    if path == ("doctor",):
        (finding,) = ran.document["findings"]
        assert (ran.code, finding["status"]) == (1, "error")
    else:
        assert (ran.code, ran.error) == (2, "usage")
        assert set(ran.document["error"]) == {"code", "message", "hint"}
    assert not nowhere.home.exists()


def closed_pipe() -> int:
    """The end of a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


QUICK: tuple[Sequence[str], ...] = (
    ("--help",),
    ("active",),
    ("changes",),
    ("completion", "bash"),
    ("config",),
    ("config", "--json"),
    ("export",),
    ("feeds",),
    ("files", "acme/tiny-llm"),
    ("gpus",),
    ("jobs", "--json"),
    ("paths",),
    ("search",),
    ("show", "acme/tiny-llm"),
    ("storage",),
    ("verify",),
)


def test_a_reader_that_went_away_is_no_error(lived_in: Inside) -> None:
    """What `| head -1` does to the rest of the output, at its worst."""

    def run(arguments: Sequence[str]) -> tuple[str, int]:
        writing = closed_pipe()
        try:
            ran = subprocess.run(
                [sys.executable, "-m", "tui_hub", *arguments],
                env=lived_in.whole({}),
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
            )
        finally:
            os.close(writing)
        return ran.stderr, ran.returncode

    with ThreadPoolExecutor(2) as pool:
        ended = dict(zip(QUICK, pool.map(run, QUICK), strict=True))
    assert ended == dict.fromkeys(QUICK, ("", 141))
