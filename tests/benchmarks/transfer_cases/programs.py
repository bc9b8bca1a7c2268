"""The programs that the cases measure: ours, and those that people use instead."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from transfer_cases.hub import Content, Hub
from transfer_cases.measuring import Command, Figures

REPOSITORY = "bench/model"


def engine(hub: Hub, base: str, content: Content, connections: int = 8) -> Command:
    """The engine alone, into a fresh store."""
    store = hub.folder / "engine"
    asked = {
        "url": base + hub.path_of(REPOSITORY, content.path),
        "size": content.size,
        "sha256": content.sha256,
        "store": str(store),
        "connections": connections,
        "environment": {"SSL_CERT_FILE": str(hub.certificate)},
    }

    def finish(figures: Figures) -> None:
        figures["to hash"] = figures["wall"] - figures["commit"]
        remove(store)

    program = str(Path(__file__).with_name("engine.py"))
    return Command([sys.executable, program, json.dumps(asked)], finish=finish)


def ours(hub: Hub, base: str, repository: str = REPOSITORY, *options: str) -> Command:
    """The whole command, in a fresh home."""
    home = hub.folder / "home"
    return Command(
        [
            *(sys.executable, "-m", "tui_hub", "download", repository, "--json", "-q"),
            *("--home", str(home), *options),
        ],
        environment(hub, base),
        finish=lambda figures: remove(home),
    )


def hf(hub: Hub, base: str, repository: str = REPOSITORY, *options: str) -> Command:
    """`hf download`, which does not compare any hash; the whole repository is its snapshot."""
    program = Path(sys.executable).with_name("hf")
    cache = hub.folder / "hf"
    return Command(
        [str(program), "download", repository, *options, "--quiet"],
        environment(hub, base),
        finish=lambda figures: remove(cache),
    )


def curl(hub: Hub, base: str, content: Content, *, digest: bool = False) -> Command:
    """`curl` into a file, and then perhaps its hash by `openssl`."""
    out = hub.folder / "curl.out"
    url = base + hub.path_of(REPOSITORY, content.path)
    line = f"curl -sS --fail --http1.1 --cacert {hub.certificate} -o {out} {url}"
    if digest:
        line += f" && openssl dgst -sha256 {out}"
    return Command(["sh", "-c", line], finish=lambda figures: remove(out))


def aria2(hub: Hub, base: str, content: Content, connections: int = 8) -> Command | None:
    """`aria2c` over several connections, unverified; `None` where it is not installed."""
    program = shutil.which("aria2c")
    if program is None:
        return None
    out = hub.folder / "aria2.out"
    url = base + hub.path_of(REPOSITORY, content.path)
    arguments = [
        *(program, "-q", f"-x{connections}", f"-s{connections}"),
        *("--no-conf", "-d", str(out.parent), "-o", out.name, url),
    ]
    return Command(arguments, finish=lambda figures: remove(out))


def environment(hub: Hub, base: str) -> dict[str, str]:
    """What points ours and `hf` at the hub, and away from anything else."""
    return {
        "HF_ENDPOINT": base,
        "HF_HOME": str(hub.folder / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "SSL_CERT_FILE": str(hub.certificate),
        "TUI_HUB_SYNC__ENABLED": "false",
    }


def remove(*paths: Path) -> None:
    """Remove files and folders, there or not."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def chosen(commands: dict[str, Command | None]) -> dict[str, Command]:
    """The programs that are installed."""
    return {name: command for name, command in commands.items() if command is not None}
