"""How long a keystroke, a page and the facets take in a catalogue of the whole Hub. Run by hand:

    python tests/benchmarks/bench_load.py 2500000 --keep FILE
    python tests/benchmarks/bench_search.py FILE [--sync]

Each beginning of each query is asked once, as it is typed. Wall and CPU milliseconds are given: on
a machine with other work the second are to be trusted. With `--sync` a sync writes meanwhile, and
the longest time that the loop stood still is given too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hub_shape import Shape, model

from tui_hub.database import CatalogueDatabase
from tui_hub.domain.catalogue import Search, Sort
from tui_hub.domain.feeds import FeedStatus

QUERIES = (
    "llama", "llama 8b instruct", "qwen2.5 7b gguf", "mistral", "whisper large", "stable diffusion",
    "bert base", "vit q4_k_m 0.5b", "wav2vec2 finetuned", "transformers gguf", "safetensors",
    "munmunro18", "llama lora v2", "transfusion", "transformersx", "zzzz", "deepseek coder 1.5b",
    "meta-llama/Llama-3.1-8B-Instruct", "llama3 8b", "text-to-image lora", "kafe7 qwen",
    "abliterated", "flux.1", "apache-2.0 gguf 7b", "bnb-4bit", "sentence-transformers bge",
)  # fmt: skip
FILTERS = {
    "no filter": Search(),
    "a common task": Search(tasks=("text-generation",)),
    "a rare task and a licence": Search(tasks=("summarization",), licenses=("mit",)),
    "licence and library": Search(licenses=("mit",), libraries=("peft",)),
    "open access": Search(gated=False),
}
PLACES = 20


def keystrokes() -> list[str]:
    """Every beginning of every query."""
    return sorted({query[:end] for query in QUERIES for end in range(1, len(query) + 1)})


async def measure(what: str, ask: Callable[[str], Awaitable[object]], texts: Sequence[str]) -> None:
    """Ask for each text once, and print how long it took."""
    walls: list[tuple[float, str]] = []
    cpus: list[float] = []
    for text in texts:
        wall, cpu = time.perf_counter(), time.process_time()
        await ask(text)
        walls.append(((time.perf_counter() - wall) * 1000, text))
        cpus.append((time.process_time() - cpu) * 1000)
    print(
        f"{what:52} {_spread([wall for wall, _ in walls])} | CPU {_spread(cpus)} {max(walls)[1]!r}"
    )


def _spread(values: list[float]) -> str:
    ordered = sorted(values)
    p99 = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
    return f"{statistics.median(ordered):7.2f} p99 {p99:7.2f} max {ordered[-1]:7.2f}"


async def scroll(catalogue: CatalogueDatabase, search: Search, what: str) -> None:
    """A page at places all over the list, each found by walking there once."""
    keys: list[str | None] = [None]
    after = None
    for _ in range(PLACES):
        for _ in range(15):
            after = (await catalogue.models.search(search, 1000, after)).after
        if after is None:
            break
        keys.append(after)
    random.Random(3).shuffle(keys)
    texts = [str(number) for number in range(len(keys))]
    await measure(
        f"a page of 50, {what}",
        lambda text: catalogue.models.search(search, 50, keys[int(text)]),
        texts,
    )


@contextlib.asynccontextmanager
async def syncing(catalogue: CatalogueDatabase) -> AsyncIterator[None]:
    """Pages of changes are written, one after the other, until this ends."""
    rows = [model(entry) for entry in Shape().entries(60_000)]
    written = 0
    stopped: list[float] = []

    async def write() -> None:
        nonlocal written
        for number in itertools.count(1):
            start = number * 5000 % len(rows)
            page = [
                replace(
                    row, likes=row.likes + number, downloads=row.downloads * (1 + place % 10 // 9)
                )
                for place, row in enumerate(rows[start : start + 5000])
            ]
            await catalogue.write_page("hf:bench", page, FeedStatus(feed="hf:bench"))
            written += len(page)

    async def watch() -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.001)
            stopped.append((time.perf_counter() - begun - 0.001) * 1000)

    begun = time.perf_counter()
    tasks = [asyncio.create_task(write()), asyncio.create_task(watch())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        rate = written / (time.perf_counter() - begun)
        print(
            f"a sync wrote {rate:.0f} rows/s meanwhile; the loop stood still {_spread(stopped)} ms"
        )


async def ask_everything(catalogue: CatalogueDatabase) -> None:
    """Keystrokes under each filter, then the orders, counts, facets and places of the list."""
    table = catalogue.models
    texts = keystrokes()
    await measure("to warm up", lambda text: table.search(Search(text=text)), texts)
    for what, search in FILTERS.items():
        await measure(
            f"keystroke, {what}",
            lambda text, search=search: table.search(search.with_text(text)),  # type: ignore[misc]
            texts,
        )
    likes = Search(sort=Sort.LIKES)
    await measure("keystroke, by likes", lambda text: table.search(likes.with_text(text)), texts)
    await measure("count", lambda text: table.count(Search(text=text)), texts)
    whole = [text for text in QUERIES for _ in range(2)]
    for what, search in FILTERS.items():
        await measure(
            f"facets of whole queries, {what}",
            lambda text, search=search: table.facets(search.with_text(text)),  # type: ignore[misc]
            whole,
        )
    await measure("facets, keystroke", lambda text: table.facets(Search(text=text)), texts)
    await measure("facets of everything", lambda _: table.facets(Search()), ["", ""])
    for sort in Sort:
        await scroll(catalogue, Search(sort=sort), f"by {sort}")
    await scroll(catalogue, Search(text="safetensors"), "of 'safetensors'")
    await scroll(catalogue, FILTERS["a common task"], "a common task")


async def main(path: Path, *, sync: bool) -> None:
    async with await CatalogueDatabase.open(path) as catalogue:
        print(f"{await catalogue.models.total()} rows, {path.stat().st_size / 1e6:.0f} MB")
        if sync:
            async with syncing(catalogue):
                for what, search in FILTERS.items():
                    await measure(
                        f"keystroke in a sync, {what}",
                        lambda text, search=search: catalogue.models.search(  # type: ignore[misc]
                            search.with_text(text)
                        ),
                        keystrokes(),
                    )
        else:
            await ask_everything(catalogue)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="what bench_load.py kept")
    parser.add_argument("--sync", action="store_true", help="while a sync writes")
    options = parser.parse_args()
    sys.setswitchinterval(0.001)  # as the program does
    asyncio.run(main(options.file, sync=options.sync))
