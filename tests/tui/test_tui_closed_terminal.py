"""A terminal that closes at any moment: nothing is lost, and nothing is left behind."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command_line import BIG, Program, repositories, until
from terminal import RESTORED, Terminal, living

from tui_hub.demo import DemoHub

LIVES, MOMENTS = 4, 5
"""Homes, and terminals that are closed on each."""
FARTHEST = 15_000
"""Characters of output after which the latest terminal closes: some screens after the start."""
KEYS = ("1", "2", "3", "4", "5", "6", "7", "j", "k", "d", "a", "s", "v", "\r", "\x1b")
DRAWN = "\x1b[?1049h"
"""What a screen begins with; before that, keys would only be echoed."""
WAYS = {"close": 129, signal.SIGHUP: 129, signal.SIGTERM: 143}
"""How it ends, and with which exit code."""


def sound(database: Path) -> bool:
    """Whether a database is whole, or not made yet."""
    if not database.exists():
        return True
    with closing(sqlite3.connect(database)) as opened:
        return bool(opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


def sent(hub: DemoHub) -> int:
    """Bytes of large files that the hub gave."""
    return sum(seen.sent for seen in hub.requests if seen.origin == "cdn")


def begin_download(program: Program, hub: DemoHub) -> None:
    """A download that loses its terminal on the way, so that the next screen goes on with it."""
    process = program.start("download", "acme/painter")
    until(lambda: sent(hub) > 1_000_000)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 129


def use_until(terminal: Terminal, moment: int, chance: random.Random) -> None:
    """Press keys until so much was drawn."""
    while len(terminal.raw) < moment:
        if DRAWN in terminal.raw:
            terminal.press(chance.choice(KEYS))
        assert terminal.read(), terminal.raw[-2000:]


def end(terminal: Terminal, way: str | signal.Signals) -> int:
    """End the program, and give its exit code; a signal's shell code where it came too early."""
    if not isinstance(way, signal.Signals):
        code = terminal.close()
    else:
        os.kill(terminal.child.pid, way)
        code = terminal.ends()
        drawn = DRAWN in terminal.raw
        assert not drawn or all(sequence in terminal.raw for sequence in RESTORED)
    return 128 - code if code < 0 else code


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_terminal_that_closes_at_any_moment(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with DemoHub(repositories=repositories(), per_connection=500_000, total=1_500_000) as hub:
        program = Program(tmp_path / "home", {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.token})
        begin_download(program, hub)
        hub.throttle.total = 100_000  # no screen sees its end, however slow the box is
        for _ in range(MOMENTS):
            moment, way = chance.randrange(FARTHEST), chance.choice(list(WAYS))
            terminal = Terminal(program.home, "-m", "tui_hub", **program.whole({}))
            use_until(terminal, moment, chance)
            assert end(terminal, way) == WAYS[way], (moment, way)
            until(lambda: not living(program.home))
            assert sound(program.home / "hub.db") and sound(program.home / "catalogue.db")
        hub.throttle.connection = hub.throttle.total = 0
        done = program.json("download", "acme/painter").document
        given = sent(hub)
    weights = max(done["files"], key=lambda file: file["size"])
    assert (done["status"], weights["resumed_from"] > 0) == ("completed", True)
    assert BIG <= given < 1.5 * BIG
    blob = program.home / "store" / "blobs" / "sha256" / weights["sha256"]
    assert hashlib.sha256(blob.read_bytes()).hexdigest() == weights["sha256"]
    assert program("verify").code == 0
