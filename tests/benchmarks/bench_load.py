"""What a first load of the whole Hub costs, and what a page of changes does. Run by hand:

    python tests/benchmarks/bench_load.py [rows] [--keep FILE] [--page ROWS]

Entries shaped like the Hub's go through the real path: JSON, records, `write_page`. Making them up
is not counted; CPU seconds are those of the whole process, SQLite's threads included.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import resource
import tempfile
import time
from pathlib import Path

import msgspec
from hub_shape import LATEST, Shape

from tui_hub.database import CatalogueDatabase
from tui_hub.domain.feeds import FeedStatus
from tui_hub.sources.huggingface_records import read_models

EVERY = 50
"""Pages between two lines of figures."""


class Meter:
    """CPU and wall seconds spent inside it."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def __enter__(self) -> None:
        self._begun = time.process_time(), time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.cpu += time.process_time() - self._begun[0]
        self.wall += time.perf_counter() - self._begun[1]

    def rate(self, rows: int) -> str:
        each = self.cpu / rows
        return f"{self.cpu:7.1f} CPU s {each * 1e6:6.1f} us/row {1 / each:8.0f} rows/CPU s"


async def load(catalogue: CatalogueDatabase, rows: int, page: int) -> None:
    entries = Shape().entries(rows)
    reading, writing = Meter(), Meter()
    done = size = 0
    for number in itertools.count(1):
        body = msgspec.json.encode(list(itertools.islice(entries, page)))
        if body == b"[]":
            break
        size += len(body)
        with reading:
            models, _ = read_models(body, "hub", LATEST)
        status = FeedStatus(feed="hf:bench", cursor=str(number))
        with writing:
            await catalogue.write_page("hf:bench", models, status)
        done += len(models)
        if number % EVERY == 0 or done == rows:
            print(f"{done:9} read {reading.rate(done)}  write {writing.rate(done)}", flush=True)
    with writing:
        await catalogue.models.finish(done)
    print(f"{done:9} with the last of the indexes: write {writing.rate(done)}")
    print(
        f"{size / done:.0f} bytes of JSON a row, wall {writing.wall:.1f} s, peak memory "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"
    )


async def main(rows: int, path: Path, page: int) -> None:
    async with await CatalogueDatabase.open(path) as catalogue:
        gc.freeze()
        await load(catalogue, rows, page)
    print(f"{path.stat().st_size / rows:.0f} bytes a row in {path.name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=250_000)
    parser.add_argument("--keep", type=Path, help="a file to keep the catalogue in")
    parser.add_argument("--page", type=int, default=5000, help="rows to a transaction")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "catalogue.db"
        asyncio.run(main(options.rows, path, options.page))
