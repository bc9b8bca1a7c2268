"""The screen on a real pseudo-terminal: its first frame, and every way in which it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pyte
import pytest
from screen_driver import fill, made
from test_tui_hostile import CLIPBOARD, EVIL

from tui_hub.settings import Configuration

PROGRAM = ["-m", "tui_hub", "--offline"]
RESTORED = ("\x1b[?1049l", "\x1b[?25h")
"""Back from the alternate screen, with the cursor shown."""


class Terminal:
    """The program on a pseudo-terminal, with what a person would see of it."""

    def __init__(self, home: Path, *arguments: str, **environment: str) -> None:
        inherited = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self.child = pexpect.spawn(
            sys.executable,
            list(arguments or PROGRAM),
            env={
                **inherited,
                "TUI_HUB_HOME": str(home),
                "TUI_HUB_SYNC__ENABLED": "false",
                **environment,
            },
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=30,
        )
        self.raw = ""
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.Stream(self._screen)

    def sees(self, words: str) -> None:
        """Read until some words stand on the screen."""
        deadline = time.monotonic() + 30
        while not any(words in line for line in self._screen.display):
            assert time.monotonic() < deadline, "\n".join(self._screen.display)
            self._read()

    def _read(self) -> bool:
        try:
            new = self.child.read_nonblocking(65536, timeout=0.2)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += new
        self._stream.feed(re.sub(r"\x1b\[[<>=?][\d;]*[a-zA-Z]", "", new))
        return True

    def ends(self) -> int:
        """Read to the end, and give the exit code."""
        while self._read():
            pass
        self.child.wait()
        assert self.child.signalstatus is None
        status: int = self.child.exitstatus
        return status


@pytest.mark.parametrize(
    ("end", "code"), [("q", 0), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_every_end_restores_the_terminal(tmp_path: Path, end: str | int, code: int) -> None:
    terminal = Terminal(tmp_path)
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
        timeout=30,
    )
    shell.expect("no GPU")
    shell.send("q")
    shell.expect("code=0")
    shell.expect(r" icanon.* echo ")
    shell.close()


def test_a_lost_terminal_ends_the_program(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.sees("no GPU")
    pid = terminal.child.pid
    terminal.child.ptyproc.fileobj.close()
    terminal.child.closed = terminal.child.ptyproc.closed = True
    deadline = time.monotonic() + 20
    status = None
    while status is None:
        assert time.monotonic() < deadline, "it goes on without a terminal"
        done, raw = os.waitpid(pid, os.WNOHANG)
        status = raw if done else None
        time.sleep(0.02)
    assert os.waitstatus_to_exitcode(status) == 129


def test_a_fault_names_the_log_and_shows_no_variables(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, str(Path(__file__).with_name("crashing_screen.py")))
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
    terminal = Terminal(home)
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
from tui_hub.settings import load_configuration
from tui_hub.services import open_services
from tui_hub.tui.app import HubApp

async def main():
    async with open_services(load_configuration(offline=True)) as services:
        app = HubApp(services)
        loaded = []
        app.begin = lambda: loaded.extend(sys.modules)
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
