"""A terminal that takes nothing for a while, as over SSH from a laptop that sleeps."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from command_line import BIG, Program, repositories, until
from terminal import Terminal

from tui_hub.demo import DemoHub
from tui_hub.tui.terminal.output import TerminalOutput

SMALL = """
import tui_hub.tui.terminal.output as output
from tui_hub.cli import main
output._MOST = 2_000  # a few figures, where the real one takes minutes to fill
main()
"""


def test_work_goes_on_and_the_screen_is_whole_afterwards(tmp_path: Path) -> None:
    with DemoHub(repositories=repositories(), per_connection=500_000, total=4_000_000) as hub:
        environment = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token}
        program = Program(tmp_path / "home", environment)
        assert program("sync", "hf:text-to-image").code == 0
        terminal = Terminal(program.home, "-c", SMALL, size=(200, 50), **program.whole({}))
        terminal.sees("acme/painter", "d download")
        terminal.press("/")
        terminal.sees("leave")
        terminal.press("painter")
        terminal.until(lambda: "acme/painter" in terminal.row("▸"), "it is not found")
        terminal.press("\r")
        terminal.sees("a activate")
        terminal.press("d")
        terminal.sees("disk free")
        terminal.press("\r")
        terminal.sees("is in line")
        terminal.press("2")
        terminal.sees("unet/model.safetensors", "conn")

        def download() -> dict[str, object]:
            (job,) = program.json("jobs", "--type", "download").document["jobs"]
            return dict(job)

        until(lambda: download()["status"] == "completed", 60)
        assert download()["attempts"] == 1
    drawn = len(terminal.raw)
    terminal.sees("History", "1 done", "acme/painter", "Downloads")
    assert len(terminal.raw) - drawn < BIG / 100
    top, bottom = terminal.text.splitlines()[1], terminal.text.splitlines()[-3]
    assert (top[0], top[-1], bottom[0], bottom[-1]) == ("╭", "╮", "╰", "╯"), terminal.text
    terminal.press("q")
    assert terminal.ends() == 0


def test_what_waits_too_long_is_dropped_and_told() -> None:
    reading, writing = os.pipe()
    told = threading.Event()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        output = TerminalOutput(stream, told.set)
        output.write("the first words")
        assert os.read(reading, 65536) == b"the first words"
        for _ in range(3000):
            output.write("x" * 1000)
        output.write("the last words")
        read = b""
        while not read.endswith(b"the last words"):
            read += os.read(reading, 65536)
        output.drain(60)
        assert told.wait(60)
    os.close(reading)
    assert len(read) < 1_200_000


def test_nothing_is_lost_where_another_program_made_the_terminal_impatient() -> None:
    """Programs before this one may have left it so that writing to a full one fails."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        output = TerminalOutput(stream, lambda: None)
        output.write("x" * 500_000)
        output.write("the last words")
        read = b""
        while not read.endswith(b"the last words"):
            read += os.read(reading, 65536)
        output.drain(60)
    os.close(reading)
    assert len(read) == 500_014
