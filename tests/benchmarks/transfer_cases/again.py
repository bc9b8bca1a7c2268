"""What is here already: a download that was interrupted, and bytes under another name."""

from __future__ import annotations

import os
from dataclasses import replace

from transfer_cases.hub import Content, Hub
from transfer_cases.measuring import (
    GIB,
    Command,
    Figures,
    goal,
    interleave,
    measure,
    median,
    table,
)
from transfer_cases.programs import engine, ours, remove
from tui_hub.blobs import BlobStore

SHARE = 0.9
"""How much of the file is here when the download goes on."""


def resumed(hub: Hub, content: Content, rounds: int) -> None:
    """Nine tenths are here: they are hashed again while the rest arrives."""
    here = int(content.size * SHARE)
    commands = {
        "engine": _going_on(engine(hub, hub.plain, content), hub, content, "engine"),
        "tui-hub download": _going_on(ours(hub, hub.plain), hub, content, "home/store"),
    }
    results = interleave(hub.folder, commands, rounds, content.size - here)
    keys = ("wall", "inner", "cpu", "sent", "tail_ms", "commit")
    table(f"{content.size / GIB:g} GiB, {SHARE:.0%} here", results, keys)
    for name, rows in results.items():
        goal(f"share sent to {name}", median(rows, "sent") / content.size, 0.11)
    seconds = median(results["engine"], "inner") / (here / GIB)
    goal("seconds for each GiB that is here", seconds, 0.6)


def renamed(hub: Hub, content: Content, names: list[str]) -> None:
    """The same bytes in other repositories, one after the other into one home."""
    measure(replace(ours(hub, hub.plain), finish=lambda figures: None))
    rows = []
    for name in names:
        command = replace(ours(hub, hub.plain, name), finish=lambda figures: None)
        before = _sent(hub)
        rows.append({**measure(command), "sent": _sent(hub) - before})
    remove(hub.folder / "home")
    table(f"{content.size / GIB:g} GiB that are here", {"tui-hub download": rows}, ("wall", "cpu"))
    goal("seconds", median(rows, "wall"), 1.0)
    goal("bytes sent", median(rows, "sent"), 0)


def _going_on(command: Command, hub: Hub, content: Content, store: str) -> Command:
    """A command that finds most of the file in a store, as an interrupted one left it."""
    before = 0

    def prepare() -> None:
        nonlocal before
        folder = hub.folder / store
        folder.mkdir(parents=True)
        _interrupt(BlobStore(folder), hub, content)
        before = _sent(hub)

    def finish(figures: Figures) -> None:
        figures["sent"] = _sent(hub) - before
        command.finish(figures)

    return replace(command, prepare=prepare, finish=finish)


def _interrupt(store: BlobStore, hub: Hub, content: Content) -> None:
    """Leave the beginning of a file in a store."""
    store.prepare()
    end = int(content.size * SHARE)
    partial = store.open_partial(content.sha256, content.size)
    partial.allocate(content.size)
    source = hub.folder / "repositories/bench/model" / content.path
    with source.open("rb") as file:
        done = 0
        while done < end:
            done += os.copy_file_range(file.fileno(), partial.fileno(), end - done)
    partial.checkpoint(((0, end),), None)
    partial.close()


def _sent(hub: Hub) -> int:
    """Bytes of files that the hub has sent so far, with the heads of the answers."""
    lines = (line.split() for line in hub.requests())
    return sum(int(line[2]) for line in lines if "/resolve/" in line[3])
