"""Every verb once, through the command that the installation puts on the path."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path

from tui_hub.demo import DemoHub

COMMAND = Path(sysconfig.get_path("scripts"), "tui-hub")

STEPS: tuple[tuple[tuple[str, ...], set[str]], ...] = (
    (("sync",), {"status", "feeds"}),
    (("search", "tiny"), {"total", "models"}),
    (("show", "acme/tiny-llm"), {"id", "files", "variants", "versions", "requirements", "links"}),
    (("files", "acme/tiny-llm"), {"files"}),
    (("register", "acme/tiny-llm", "--vendor", "Acme"), {"id", "registration"}),
    (("add", "acme/tiny-llm"), {"id", "status"}),
    (("edit", "acme/tiny-llm", "--favourite"), {"id", "favourite"}),
    (("check", "acme/tiny-llm"), {"model", "verdict", "devices", "need", "warnings"}),
    (("requirements", "acme/tiny-llm"), {"model", "memory", "disk", "torch", "warnings"}),
    (("download", "acme/tiny-llm"), {"job", "status", "files", "bytes_total", "path"}),
    (("jobs",), {"jobs"}),
    (("activate", "acme/tiny-llm"), {"slot", "model", "status", "path", "memory"}),
    (("active",), {"slots"}),
    (("env", "llm"), {"type", "model", "environment"}),
    (("switch", "acme/tiny-llm"), {"slot", "previous"}),
    (("reload", "llm"), {"slot", "model", "pid", "memory", "seconds"}),
    (("deactivate", "llm"), {"slot", "status"}),
    (("check", "acme/tiny-llm"), {"model", "verdict", "devices", "need", "warnings"}),
    (("requirements", "acme/tiny-llm"), {"model"}),
    (("agent", "--status"), {"running", "holder"}),
    (("storage",), {"blobs", "bytes", "bytes_saved", "by_type", "disk_free"}),
    (("feeds",), {"feeds"}),
    (("gpus",), {"gpus", "host", "error"}),
    (("scheduler",), {"running", "holder", "jobs"}),
    (("doctor",), {"findings"}),
    (("paths",), {"home", "store"}),
    (("delete", "acme/tiny-llm", "--yes"), {"model", "files", "bytes_freed"}),
)


def test_every_verb_of_the_installed_command(hub: DemoHub, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TUI_HUB_HOME": str(tmp_path / "home"),
        "HF_ENDPOINT": hub.endpoint,
        "HF_TOKEN": hub.token,
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    for arguments, keys in STEPS:
        ended = run(*arguments, "--json")
        assert ended.returncode == 0, (arguments, ended.stderr)
        document = json.loads(ended.stdout)
        assert keys <= document.keys(), (arguments, keys - document.keys())
        if arguments[0] == "activate":
            started = run("run", "llm", "--", "sh", "-c", 'ls "$TUI_HUB_MODEL_PATH"; exit 9')
            assert started.returncode == 9
            assert "model.safetensors" in started.stdout.split()
