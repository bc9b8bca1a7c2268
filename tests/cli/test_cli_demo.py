"""`--demo`: any verb on a hub of its own, in a home that goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Ran, until

SLOW = {"TUI_HUB_DOWNLOADS__LIMIT": "200000"}
"""A large model takes minutes, and what ends its download comes in the middle of it."""


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the program with its temporary files under a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "tui_hub", "--demo", *arguments],
        env={
            **os.environ,
            "TMPDIR": str(folder),
            "MODEL_STORE_PATH": str(folder / "not-this-store"),
            "TUI_HUB_HOME": str(folder / "not-this-home"),
            "HTTP_PROXY": "http://127.0.0.1:1",
            "REPLICATE_API_TOKEN": "r8_notthistoken",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(folder: Path, *arguments: str) -> Ran:
    """Run the program to its end with its temporary files under a folder."""
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out, err)


def test_a_verb_in_a_temporary_home(tmp_path: Path) -> None:
    result = run(tmp_path, "download", "demo-lab/lumen-chat", "config.json", "--json")
    assert result.code == 0, result.err
    document = result.document
    assert document["status"] == "completed"
    assert not Path(document["path"]).exists()
    assert list(tmp_path.iterdir()) == []


def test_the_screen_of_the_demo_needs_a_terminal_too(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_verb_finds_a_full_catalogue(tmp_path: Path) -> None:
    result = run(tmp_path, "search", "lumen-chat", "--json")
    assert (result.code, result.err) == (0, "")
    assert "hf:demo-lab/lumen-chat" in [model["id"] for model in result.document["models"]]
    assert list(tmp_path.iterdir()) == []


def test_a_sync_finds_an_empty_catalogue_and_a_home_that_was_named_stays(tmp_path: Path) -> None:
    home = tmp_path / "kept"
    result = run(tmp_path, "--home", str(home), "sync", "--json")
    assert result.code == 0, result.err
    assert sum(feed["created"] for feed in result.document["feeds"]) > 100
    asked = {feed["source"] for feed in result.document["feeds"] if feed["status"] != "skipped"}
    assert asked == {"hf", "ollama", "curated"}, (
        "its hub speaks for these, and nobody else is asked"
    )
    assert (home / "catalogue.db").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["show", "demo-lab/no-such-model"], 4, "not_found"),
        (["search", "--nonsense"], 2, "usage"),
    ],
)
def test_a_verb_that_fails(tmp_path: Path, arguments: list[str], code: int, error: str) -> None:
    result = run(tmp_path, "--json", *arguments)
    assert (result.code, result.err) == (code, "")
    assert result.error == error
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_verb(tmp_path: Path) -> None:
    process = start(tmp_path, "download", "demo-lab/lumen-chat-large", "--json", **SLOW)
    until(lambda: list(tmp_path.glob("*/store/temp/*.part")))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert json.loads(out)["error"]["code"] == "interrupted"
    assert list(tmp_path.iterdir()) == []


def test_the_next_demo_clears_away_what_a_killed_one_left(tmp_path: Path) -> None:
    (tmp_path / "tui-hub-demo-of-somebody").mkdir()
    large = ("download", "demo-lab/lumen-chat-large")
    alive, killed = (start(tmp_path, *large, **SLOW) for _ in range(2))
    until(lambda: len(list(tmp_path.glob("*/store/temp/*.part"))) > 1)
    before = set(tmp_path.iterdir())
    killed.kill()
    killed.communicate()
    assert run(tmp_path, "paths").code == 0
    (gone,) = before - set(tmp_path.iterdir())
    alive.send_signal(signal.SIGINT)
    alive.communicate(timeout=60)
    assert [path.name for path in tmp_path.iterdir()] == ["tui-hub-demo-of-somebody"]
    assert alive.returncode == 130 and gone.name.startswith("tui-hub-demo-")


def test_settings_of_the_environment_hold_in_the_demo_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUI_HUB_STORE__RESERVE", str(2**60))
    monkeypatch.setenv("TUI_HUB_STORE__PATH", str(tmp_path / "not-this-store"))
    result = run(tmp_path, "download", "demo-lab/lumen-chat", "--json")
    assert (result.code, result.document["error"]["code"]) == (5, "no_space")
    assert list(tmp_path.iterdir()) == []
