"""Repositories of many files, where what each of them costs is all that counts."""

from __future__ import annotations

from dataclasses import replace

from transfer_cases.hub import Hub
from transfer_cases.measuring import Command, Figures, goal, interleave, median, table
from transfer_cases.programs import hf, ours, remove

KEYS = ("wall", "cpu", "rss", "requests", "HEAD")


def many(hub: Hub, repository: str, count: int, size: int, rounds: int) -> None:
    """All files of a repository, against `snapshot_download` with eight workers."""
    commands = {
        "tui-hub download": _counted(hub, ours(hub, hub.plain, repository), "home"),
        "snapshot_download": _counted(
            hub, hf(hub, hub.plain, repository, "--max-workers", "8"), "hf"
        ),
    }
    results = interleave(hub.folder, commands, rounds, count * size)
    remove(*hub.folder.glob("aside-*"))
    table(f"{count} files of {size} bytes", results, KEYS)
    mine, other = results["tui-hub download"], results["snapshot_download"]
    goal("wall / snapshot_download", median(mine, "wall") / median(other, "wall"), 0.65)
    goal("CPU / snapshot_download", median(mine, "cpu") / median(other, "cpu"), 0.35)
    goal("HEAD requests", median(mine, "HEAD"), 0)


def _counted(hub: Hub, command: Command, folder: str) -> Command:
    """The command, and the requests that it makes.

    What it made is put aside until the end: ext4 without a journal looks at every inode that was
    deleted within the last minute before it makes another.
    """
    before = rounds = 0

    def prepare() -> None:
        nonlocal before
        before = len(hub.requests())

    def finish(figures: Figures) -> None:
        nonlocal rounds
        rounds += 1
        lines = hub.requests()[before:]
        figures["requests"] = len(lines)
        figures["HEAD"] = sum(line.startswith("HEAD") for line in lines)
        (hub.folder / folder).rename(hub.folder / f"aside-{folder}-{rounds}")

    return replace(command, prepare=prepare, finish=finish)
