"""What a page of the Hub's listing costs from JSON to catalogue rows. Run by hand:

    python tests/benchmarks/bench_decode.py [pages]

Medians of seven runs over pages of 1000 entries shaped like the Hub's, in CPU seconds.
"""

from __future__ import annotations

import gc
import itertools
import statistics
import sys
import time
from collections.abc import Callable

import msgspec
from hub_shape import LATEST, Shape

from tui_hub.sources.huggingface_entries import read_entries
from tui_hub.sources.huggingface_records import read_model, read_models
from tui_hub.sources.records import split_list

PAGE = 1000
RUNS = 7


def measure(name: str, work: Callable[[bytes], object], pages: list[bytes]) -> None:
    seconds = []
    for _ in range(RUNS):
        begun = time.process_time()
        for page in pages:
            work(page)
        seconds.append(time.process_time() - begun)
    each = statistics.median(seconds) / len(pages) / PAGE
    print(f"{name:24} {each * 1e6:6.2f} us/row {1 / each:9.0f} rows/CPU s")


def main() -> None:
    entries = Shape().entries(PAGE * (int(sys.argv[1]) if len(sys.argv) > 1 else 20))
    pages = []
    while page := list(itertools.islice(entries, PAGE)):
        pages.append(msgspec.json.encode(page))
    one_odd = [page[:-1] + b',{"id":"a/b","cardData":[]}]' for page in pages]
    gc.freeze()
    measure("JSON alone", read_entries, pages)
    measure("a page", lambda page: read_models(page, "hub", LATEST), pages)
    measure("with one odd entry", lambda page: read_models(page, "hub", LATEST), one_odd)
    measure(
        "entry by entry",
        lambda page: [read_model(row, LATEST) for row in split_list(page, "hub")],
        pages,
    )


if __name__ == "__main__":
    main()
