"""The hub as a process of its own: quick to come, certain to go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tui_hub.demo import DemoHub, launch

PARENT = """
import sys
from tui_hub.demo import launch
demo = launch()
print(demo.endpoint, demo.process.pid, flush=True)
sys.stdin.read()
"""


def gone(pid: int, seconds: float = 60.0) -> bool:
    """Whether a process that is no child of ours ends in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_it_is_ready_when_it_says_so_and_ends_with_the_block() -> None:
    with launch(per_connection=0, total=0) as demo:
        headers = {"Authorization": f"Bearer {demo.token}"}
        assert httpx.get(f"{demo.endpoint}/api/whoami-v2", headers=headers).status_code == 200
        assert len(httpx.get(f"{demo.endpoint}/api/models").json()) > 500
        assert httpx.get(f"{demo.cdn}/x").status_code == 403
        assert demo.token not in repr(demo)
    assert demo.process.returncode == 0


def test_it_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    endpoint, pid = parent.stdout.readline().split()
    assert httpx.get(f"{endpoint}/api/models?limit=1").status_code == 200
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    assert gone(int(pid))


def test_a_port_may_be_chosen_and_folders_are_served(tmp_path: Path) -> None:
    folder = tmp_path / "my-lab" / "mine"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_bytes(b"hello")
    with DemoHub(tmp_path, repositories=[]) as first:
        port = int(first.endpoint.rpartition(":")[2])
        address = f"{first.endpoint}/my-lab/mine/resolve/main/sub/a.txt"
        assert httpx.get(address, follow_redirects=True).content == b"hello"
    with DemoHub(repositories=[], port=port) as second:
        assert second.endpoint == first.endpoint
        assert httpx.get(f"{second.endpoint}/api/models").json() == []
