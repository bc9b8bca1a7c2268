"""The screen on a real pseudo-terminal: its first frame, and every way in which it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from screen_driver import fill, made
from terminal import RESTORED, Terminal
from test_tui_hostile import CLIPBOARD, EVIL

from tui_hub.settings import Configuration

PROGRAM = ("-m", "tui_hub", "--offline")
QUIET = {"TUI_HUB_SYNC__ENABLED": "false"}


def start(home: Path, *arguments: str) -> Terminal:
    """The program on a home that asks nobody."""
    return Terminal(home, *(arguments or PROGRAM), **QUIET)


@pytest.mark.parametrize(
    ("end", "code"), [("q", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_every_end_restores_the_terminal(tmp_path: Path, end: str | int, code: int) -> None:
    terminal = start(tmp_path)
    terminal.sees("no GPU")
    if isinstance(end, str):
        terminal.child.send(end)
    else:
        os.kill(terminal.child.pid, end)
    assert terminal.ends() == code
    assert all(sequence in terminal.raw for sequence in RESTORED)


def test_the_terminal_takes_lines_again_afterwards(tmp_path: Path) -> None:
    """The flags are read through a shell that outlives the program."""
    shell = pexpect.spawn(
        "/bin/sh",
        ["-c", f"{sys.executable} -m tui_hub --offline; echo code=$?; stty -a; sleep 1"],
        env={
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "TUI_HUB_HOME": str(tmp_path),
            "TUI_HUB_SYNC__ENABLED": "false",
        },
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=60,
    )
    shell.expect("no GPU")
    shell.send("q")
    shell.expect("code=0")
    shell.expect(r" icanon.* echo ")
    shell.close()


def test_a_lost_terminal_ends_the_program(tmp_path: Path) -> None:
    terminal = start(tmp_path)
    terminal.sees("no GPU")
    assert terminal.close() == 129


def test_a_fault_names_the_log_and_shows_no_variables(tmp_path: Path) -> None:
    terminal = start(tmp_path, str(Path(__file__).with_name("crashing_screen.py")))
    assert terminal.ends() == 1
    assert "RuntimeError" in terminal.raw and "logs" in terminal.raw
    assert "Traceback" not in terminal.raw
    assert "hf_secret" not in terminal.raw
    assert all(sequence in terminal.raw for sequence in RESTORED)


async def _fill_with_harm(configuration: Configuration) -> None:
    await fill(
        configuration,
        [made(0, id="hf:evil/name", name=EVIL, author=EVIL, description=EVIL, tags=(EVIL,))],
    )


async def test_a_hostile_name_does_not_reach_the_terminal(offline: Configuration) -> None:
    await _fill_with_harm(offline)
    home = offline.paths.home
    assert home is not None
    terminal = Terminal(home, *PROGRAM, size=(100, 24), **QUIET)
    terminal.sees("[red]x")
    terminal.child.send("v")
    terminal.sees("[@click=app.quit]")
    terminal.child.send("\r")
    terminal.sees("Revisions")
    terminal.child.send("q")
    assert terminal.ends() == 0
    assert CLIPBOARD not in terminal.raw
    assert "\x1b]52" not in terminal.raw and "\u202e" not in terminal.raw


def test_nothing_heavy_is_loaded_before_the_first_frame(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from functools import partial
from tui_hub.settings import load_configuration
from tui_hub.services import open_services
from tui_hub.tui.app import HubApp

async def main():
    async with open_services(load_configuration(offline=True)) as services:
        app = HubApp(services.configuration, partial(asyncio.sleep, 0, services))
        loaded = []
        app.open_home = lambda: loaded.extend(sys.modules)
        async with app.run_test() as pilot:
            while not loaded:
                await pilot.pause(0.01)
        heavy = {"httpx", "huggingface_hub", "rich.markdown", "markdown_it", "torch", "pygments"}
        print(sorted(heavy & set(loaded)))

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TUI_HUB_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"
