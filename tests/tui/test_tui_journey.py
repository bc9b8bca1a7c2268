"""The installed program on a real terminal: the whole way through the demo, by keys alone."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from command_line import until
from terminal import RESTORED, Terminal, living

COMMAND = Path(sysconfig.get_path("scripts"), "tui-hub")
ENTER, ESCAPE = "\r", "\x1b"


def tell(home: Path, *arguments: str) -> Any:
    """What a command says of the home, with no network."""
    ran = subprocess.run(
        [COMMAND, "--home", str(home), "--offline", "--json", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def find(terminal: Terminal, model: str) -> None:
    """Search for a model, and let the cursor stand on it."""
    terminal.press("1")
    terminal.sees("Filters", "f filters")
    terminal.press("/")
    terminal.sees("leave")
    terminal.press(model)
    terminal.until(lambda: f"demo-lab/{model} " in terminal.row("▸"), f"{model} is not the first")
    terminal.press(ENTER)
    terminal.sees("d download", "a activate")


def fetch(terminal: Terminal, model: str, done: int) -> None:
    """Look at the page of the model under the cursor, and download it."""
    terminal.press(ENTER)
    terminal.sees(f"hf:demo-lab/{model}", "Revisions", "At a glance")
    terminal.press("d")
    terminal.sees("to transfer", "disk free", "enter starts")
    terminal.press(ENTER)
    terminal.sees("is in line")
    terminal.press("2")
    terminal.sees("History", f"{done} done")


def put(terminal: Terminal, model: str) -> None:
    """Make the model under the cursor the active one."""
    terminal.press("a")
    terminal.sees("comes", model, "n  Leave it")
    terminal.press("y")
    terminal.press("3")
    terminal.until(
        lambda: f"{model} " in terminal.row(" llm ") and "●" in terminal.row(" llm "),
        f"{model} is not active",
    )


def look_over_the_store(terminal: Terminal) -> None:
    """Hash everything again."""
    terminal.press("5")
    terminal.sees("By model", "demo-lab/lumen-chat-large")
    terminal.press("v")
    terminal.sees("Verified", "blobs sound")


def bring_up_to_date(terminal: Terminal) -> None:
    """Sync all feeds, and see that job end."""
    terminal.press("6")
    terminal.sees("Feeds", "hf:litert", "s sync all")
    terminal.press("s")
    terminal.press("4")
    terminal.until(
        lambda: terminal.text.count("sync      completed") >= 3, "the third sync does not end"
    )
    terminal.sees("activate  completed", "download  completed", "verify    completed")


def change_a_setting(terminal: Terminal) -> None:
    """Go up from the last setting to one that can be turned over, and do so."""
    terminal.press("7")
    terminal.sees("Settings", "⏎ change")
    terminal.press("G")
    terminal.sees("screen.ascii")
    while "screen.ascii" not in (before := terminal.row("▸")):
        terminal.press("k")
        terminal.until(lambda last=before: terminal.row("▸") != last, "the cursor stands still")
    terminal.press(ENTER)
    terminal.sees("true from the next start")


def read_the_help(terminal: Terminal) -> None:
    """Open the keys of the screen and close them."""
    terminal.press("?")
    terminal.sees("Keys", "Change this setting", "esc closes")
    terminal.press("G")
    terminal.sees("Show the keys of this screen.")
    terminal.press(ESCAPE)
    # Not before the list is whole again: a key right behind an escape would be one with it.
    terminal.until(
        lambda: "from the next start" in terminal.row("▸") and "esc closes" not in terminal.text,
        "the help stays",
    )


def empty_the_slot(terminal: Terminal) -> None:
    """Take the active model out of memory."""
    terminal.press("3")
    terminal.sees("Slots", "x deactivate")
    terminal.press("x")
    terminal.sees("Deactivate?")
    terminal.press("y")
    terminal.until(lambda: " empty " in terminal.row(" llm "), "the slot is not empty")


@pytest.mark.skipif(not COMMAND.exists(), reason="NOT TESTED: the program is not installed")
def test_the_whole_way_through_the_demo(tmp_path: Path) -> None:
    home = tmp_path / "home"
    arguments = ("--demo", "--home", str(home))
    terminal = Terminal(home, *arguments, command=COMMAND, size=(140, 45))
    terminal.sees("Browse", "demo", "q quit")
    terminal.sees("demo-lab/lumen-chat-large", "just now")  # the first sync has brought them
    for number, model in enumerate(("lumen-chat", "lumen-chat-large"), 1):
        find(terminal, model)
        fetch(terminal, model, number)
        find(terminal, model)
        put(terminal, model)
    look_over_the_store(terminal)
    bring_up_to_date(terminal)
    change_a_setting(terminal)
    read_the_help(terminal)
    empty_the_slot(terminal)
    terminal.press("q")
    assert terminal.ends() == 0
    assert all(sequence in terminal.raw for sequence in RESTORED)
    until(lambda: not living(home))

    jobs = tell(home, "jobs")["jobs"]
    assert {job["status"] for job in jobs} == {"completed"}
    count = Counter(job["type"] for job in jobs)
    assert (count["download"], count["verify"], count["sync"]) == (2, 1, 3)
    assert count["activate"] >= 2
    assert tell(home, "active") == {"slots": []}
    installed = tell(home, "search", "--installed")["models"]
    assert {model["name"] for model in installed} == {"lumen-chat", "lumen-chat-large"}
    assert tell(home, "config", "get", "screen.ascii")["value"] is True
    assert tell(home, "verify")["damaged"] == []
