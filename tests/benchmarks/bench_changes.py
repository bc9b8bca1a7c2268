"""What a page of 5,000 known models costs in a catalogue of the whole Hub. Run by hand:

    python tests/benchmarks/bench_load.py 2500000 --keep FILE
    python tests/benchmarks/bench_changes.py FILE

The models are picked at random. Medians of some rounds are given: the CPU time of all threads, the
longest time that the loop stood still, and the longest time that a reader waited for a row.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import random
import sqlite3
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tui_hub.database import CatalogueDatabase
from tui_hub.domain.feeds import FeedStatus
from tui_hub.domain.models import Model

ROUNDS = 5
PAGE = 5000


def counted(place: int, model: Model, turn: int) -> Model:
    """Other counters; one model in ten is in another step of downloads."""
    downloads = model.downloads + (turn if place % 10 else 3 * (model.downloads + 1))
    if place % 10 and model.downloads < 50:
        downloads = model.downloads
    return replace(model, likes=model.likes + turn, downloads=downloads)


def pushed(place: int, model: Model, turn: int) -> Model:
    """Another commit at another time, and other counters."""
    return replace(
        counted(place, model, turn),
        revision=f"{turn:020x}{place:020x}",
        last_modified=f"2026-11-{turn + 1:02}T{place % 24:02}:00:00Z",
    )


KINDS: dict[str, Callable[[int, Model, int], Model]] = {
    "nothing changed": lambda place, model, turn: model,
    "counters changed": counted,
    "counters, commit and time changed": pushed,
}


async def stand_still(longest: list[float]) -> None:
    """Note how late the loop comes back."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(0.001)
        longest.append((time.perf_counter() - begun - 0.001) * 1000)


async def read(catalogue: CatalogueDatabase, known: str, longest: list[float]) -> None:
    """Note how long a reader waits."""
    while True:
        begun = time.perf_counter()
        await catalogue.models.get(known)
        longest.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0.002)


async def measure(catalogue: CatalogueDatabase, ids: list[str]) -> None:
    """Write pages of each kind of change."""
    for what, change in KINDS.items():
        cpus, lags, waits = [], [], []
        for turn in range(1, ROUNDS + 1):
            chosen = random.Random(turn).sample(ids, PAGE)
            models = [model for name in chosen if (model := await catalogue.models.get(name))]
            page = [change(place, model, turn) for place, model in enumerate(models)]
            lag: list[float] = [0.0]
            wait: list[float] = [0.0]
            begun = time.process_time()
            await catalogue.write_page("hf:bench", page, FeedStatus(feed="hf:bench"))
            cpus.append((time.process_time() - begun) * 1000)
            watching = [
                asyncio.create_task(stand_still(lag)),
                asyncio.create_task(read(catalogue, ids[0], wait)),
            ]
            page = [change(place, model, turn + 40) for place, model in enumerate(page)]
            counts = await catalogue.write_page("hf:bench", page, FeedStatus(feed="hf:bench"))
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            lags.append(max(lag))
            waits.append(max(wait))
        print(
            f"{what:36} {statistics.median(cpus):7.1f} ms CPU (worst {max(cpus):.1f}), loop stood"
            f" still {statistics.median(lags):.1f} (worst {max(lags):.1f}), a reader waited"
            f" {statistics.median(waits):.1f} (worst {max(waits):.1f})  {counts}",
            flush=True,
        )


async def main(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT id FROM models ORDER BY random() LIMIT 50000")
        ids = [row[0] for row in rows]
    async with await CatalogueDatabase.open(path) as catalogue:
        gc.freeze()
        await measure(catalogue, ids)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="what bench_load.py kept; it is written to")
    asyncio.run(main(parser.parse_args().file))
