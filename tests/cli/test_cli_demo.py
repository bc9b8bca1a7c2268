"""`--demo`: any verb on a hub of its own, in a home that goes away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program with its temporary files under a folder."""
    return subprocess.run(
        [sys.executable, "-m", "tui_hub", "--demo", *arguments],
        env={
            **os.environ,
            "TMPDIR": str(folder),
            "MODEL_STORE_PATH": str(folder / "not-this-store"),
            "TUI_HUB_HOME": str(folder / "not-this-home"),
            "HTTP_PROXY": "http://127.0.0.1:1",
        },
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def test_a_verb_in_a_temporary_home(tmp_path: Path) -> None:
    result = run(tmp_path, "download", "demo-lab/lumen-chat", "config.json", "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["status"] == "completed"
    assert not Path(document["path"]).exists()
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_was_named_stays(tmp_path: Path) -> None:
    home = tmp_path / "kept"
    result = run(tmp_path, "--home", str(home), "sync", "hf:text-to-image", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["feeds"][0]["created"] > 0
    assert (home / "catalogue.db").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_screen_of_the_demo_needs_a_terminal_too(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.returncode == 2
    assert list(tmp_path.iterdir()) == []
