"""What only a person at a terminal sees: progress, questions, colours, narrow tables."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from command_line import Inside
from file_server import FileServer

from tui_hub.demo import DemoHub, Fault, FaultKind


def spawn(program: Inside, *arguments: str, columns: int = 80, **environment: str) -> pexpect.spawn:
    """The program on a pseudo-terminal."""
    inherited = {"PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    return pexpect.spawn(
        sys.executable,
        ["-m", "tui_hub", *arguments],
        env={
            **inherited,
            "TUI_HUB_HOME": str(program.home),
            **program.environment,
            **environment,
        },
        dimensions=(24, columns),
        encoding="utf-8",
        timeout=30,
    )


def read_all(child: pexpect.spawn) -> str:
    """Everything that it says until it ends."""
    child.expect(pexpect.EOF)
    child.close()
    text: str = child.before
    return text


def test_a_download_draws_one_line_and_takes_it_away(program: Inside, hub: DemoHub) -> None:
    stall = hub.faults.add(
        Fault(FaultKind.STALL, path="*", origin="cdn", times=-1, after=12_000_000)
    )
    child = spawn(program, "download", "acme/painter")
    child.expect(r"painter +[^\r]*(\d+)% +[^\r]* of 22.9 MiB")
    stall.release()
    hub.faults.clear()
    shown = read_all(child)
    assert child.exitstatus == 0
    assert "\x1b" not in shown
    lines = [line.rpartition("\r")[2] for line in shown.replace("\r\n", "\n").splitlines()]
    assert re.fullmatch(r"hf:acme/painter: completed, 2 files, .*", lines[-2])
    for part in re.split(r"[\r\n]+", shown):
        assert len(part) < 80 or part == lines[-1]


def test_adding_asks_about_the_host_and_about_the_model_that_is_there(alone: Inside) -> None:
    server = FileServer()
    try:
        add = ("add", server.put("/model.gguf", b"GGUF"), "--name", "m")
        child = spawn(alone, *add)
        child.expect(r"Take files from 127\.0\.0\.1\? \[y/N\]: ")
        child.sendline("")
        assert "nothing was added" in read_all(child)
        assert child.exitstatus == 1 and server.seen == []
        child = spawn(alone, *add)
        child.expect(r"\[y/N\]: ")
        child.sendline("y")
        assert "url:m is in the catalogue: 1 file, 4 B" in read_all(child)
        child = spawn(alone, *add, TUI_HUB_TRUST__HOSTS='["127.0.0.1"]')
        child.expect(r"url:m is there already\. Take this in its place\? \[y/N\]: ")
        child.sendline("y")
        assert "url:m is in the catalogue" in read_all(child)
    finally:
        server.close()
    child = spawn(alone, "delete", "url:m", "--forget")
    child.expect(r"Delete url:m: 0 files, 0 B freed, and forget it\? \[y/N\]: ")
    child.sendline("y")
    assert "0 files deleted" in read_all(child)
    assert child.exitstatus == 0


def test_importing_asks_where_files_may_come_from(alone: Inside, tmp_path: Path) -> None:
    files = [{"path": "a.gguf", "place": "https://far.example/a.gguf"}]
    models = [{"id": "url:far", "definition": {"type": "llm", "files": files}}]
    document = tmp_path / "registry.json"
    document.write_text(
        json.dumps({"kind": "tui-hub registry", "format": 1, "models": models, "feeds": {}})
    )
    child = spawn(alone, "import", str(document))
    child.expect(r"Take files from far\.example\? \[y/N\]: ")
    child.sendline("")
    assert "0 created, 0 updated, 0 unchanged, 1 skipped" in read_all(child)
    assert child.exitstatus == 3
    child = spawn(alone, "import", str(document))
    child.expect(r"\[y/N\]: ")
    child.sendline("y")
    assert "1 created, 0 updated, 0 unchanged, 0 skipped" in read_all(child)
    child = spawn(alone, "import", str(document))
    assert "[y/N]" not in read_all(child), "what is here was agreed to"
    assert child.exitstatus == 0


def test_deleting_asks_and_takes_no_for_an_answer(program: Inside) -> None:
    assert program("download", "acme/tiny-llm", "-q").code == 0
    assert program("activate", "acme/tiny-llm").code == 0
    child = spawn(program, "delete", "acme/tiny-llm")
    refused = read_all(child)
    assert ("is active as llm" in refused, "freed?" in refused) == (True, False)
    assert child.exitstatus == 5
    assert program("deactivate", "llm").code == 0
    child = spawn(program, "delete", "acme/tiny-llm")
    child.expect(r"Delete hf:acme/tiny-llm: 3 files, .* freed\? \[y/N\]: ")
    child.sendline("")
    assert "nothing was deleted" in read_all(child)
    assert child.exitstatus == 1
    child = spawn(program, "delete", "acme/tiny-llm")
    child.expect(r"\[y/N\]: ")
    child.sendintr()
    assert "interrupted" in read_all(child)
    assert child.exitstatus == 130
    child = spawn(program, "delete", "acme/tiny-llm")
    child.expect(r"\[y/N\]: ")
    child.sendline("y")
    assert "3 files deleted" in read_all(child)
    assert child.exitstatus == 0


@pytest.mark.parametrize("columns", [40, 80])
def test_tables_keep_to_the_width(lived_in: Inside, columns: int) -> None:
    shown = read_all(spawn(lived_in, "search", "acme", columns=columns, NO_COLOR="1"))
    assert "\x1b" not in shown
    lines = shown.replace("\r\n", "\n").splitlines()
    assert max(len(line) for line in lines) <= columns
    assert ("hf:acme/tiny-llm" in shown) == (columns >= 80)


def test_colours_only_where_they_are_wanted(lived_in: Inside) -> None:
    assert "\x1b[1m" in read_all(spawn(lived_in, "search", "acme"))
    assert "\x1b[" not in read_all(spawn(lived_in, "show", "acme/no-such-model", NO_COLOR="1"))


WAITS = """
import logging, sys
from tui_hub.cli.options import Options
from tui_hub.cli.running import prepare
prepare(Options(home=sys.argv[1], verbose=int(sys.argv[2]), quiet="quiet" in sys.argv))
logging.getLogger("tui_hub.sources.waiting").info("hub.example limits the rate: waiting 3 s")
"""
"""What a verb does before its work, and then a source that waits."""


@pytest.mark.parametrize(
    ("arguments", "terminal", "piped"), [(["0"], 1, 0), (["1"], 1, 1), (["0", "quiet"], 0, 0)]
)
def test_waiting_for_a_rate_limit_is_told(
    tmp_path: Path, arguments: list[str], terminal: int, piped: int
) -> None:
    command = ["-c", WAITS, str(tmp_path), *arguments]
    shown = read_all(pexpect.spawn(sys.executable, command, encoding="utf-8", timeout=60))
    assert shown.count("hub.example limits the rate: waiting 3 s") == terminal
    result = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert result.stdout == ""
    assert result.stderr.count("hub.example limits the rate: waiting 3 s") == piped


def test_a_sync_that_waits_says_so(program: Inside, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.RATE_LIMITED, path="/api/models", times=1, seconds=1))
    child = spawn(program, "sync", "hf:text-generation")
    child.expect(r"127\.0\.0\.1:\d+ limits the rate: waiting \d+ s")
    read_all(child)
    assert child.exitstatus == 0


def test_the_demo_hub_ends_quietly() -> None:
    child = pexpect.spawn(sys.executable, ["-m", "tui_hub.demo"], encoding="utf-8", timeout=60)
    child.expect("}")
    child.sendintr()
    assert read_all(child).strip() == "^C"
    assert child.exitstatus == 130
