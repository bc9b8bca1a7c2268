"""How long a keystroke takes, and how many rows a second a sync writes. Run by hand:

    python tests/benchmarks/bench_search.py [rows] [--keep FILE]

The rows are made up after the Hub's: names of families, sizes and formats, authors with a long
tail, half of the models never downloaded, a dozen tags each.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tui_hub.database import CatalogueDatabase
from tui_hub.domain.catalogue import Search, Sort
from tui_hub.domain.feeds import FeedStatus
from tui_hub.domain.models import Model
from tui_hub.domain.types import type_of_task

PAGE = 5000
FAMILIES = [
    "Llama-3.1",
    "Qwen2.5",
    "Mistral",
    "gemma-2",
    "phi-4",
    "bert",
    "roberta",
    "whisper",
    "stable-diffusion",
    "flux.1",
    "vit",
    "t5",
    "wav2vec2",
    "deepseek",
    "yi",
    "smollm",
    "falcon",
    "mixtral",
    "ppo",
    "sdxl",
    "clip",
]
SIZES = [
    "0.5B",
    "1B",
    "1.5B",
    "3B",
    "7B",
    "8B",
    "13B",
    "32B",
    "70B",
    "base",
    "large",
    "small",
    "tiny",
]
KINDS = [
    "Instruct",
    "GGUF",
    "AWQ",
    "fp8",
    "Q4_K_M",
    "lora",
    "finetuned",
    "it",
    "v2",
    "mlx",
    "abliterated",
    "merged",
    "coder",
    "chat",
    "LunarLander",
    "ner",
]
TASKS = ["text-generation", "text-classification", "text-to-image", "automatic-speech-recognition"]
TASKS += ["fill-mask", "summarization", "image-classification", "reinforcement-learning"]
LIBRARIES = [
    "transformers",
    "diffusers",
    "peft",
    "gguf",
    "mlx",
    "stable-baselines3",
    "sentence-transformers",
]
LICENSES = ["apache-2.0", "mit", "llama3.1", "gemma", "cc-by-nc-4.0", "openrail", "other"]
QUERIES = [
    "llama",
    "llama 8b instruct",
    "qwen2.5 7b gguf",
    "mistral",
    "whisper large",
    "stable diffusion",
    "bert base",
    "vit q4_k_m 0.5b",
    "wav2vec2 finetuned",
    "transformers gguf",
    "safetensors",
    "author77",
    "TheBloke",
    "llama lora v2",
    "transfusion",
    "zzzz",
    "author12 qwen",
    "abliterated",
    "flux.1",
    "deepseek coder 1.5b",
]


def models(count: int) -> Iterator[Model]:
    """Made-up models, the same ones at each run."""
    chance = random.Random(7)
    for number in range(count):
        family, size = chance.choice(FAMILIES), chance.choice(SIZES)
        author = f"author{min(int(chance.paretovariate(0.7)), 200_000)}"
        name = f"{family}-{size}-{chance.choice(KINDS)}-{number}"
        task = chance.choices(TASKS, (30, 10, 8, 5, 5, 1, 5, 10))[0]
        library, license_ = chance.choice(LIBRARIES), chance.choice(LICENSES)
        yield Model(
            id=f"hf:{author}/{name}",
            source="hf",
            name=name,
            author=author,
            type=type_of_task(task),
            task=task,
            library=library,
            license=license_,
            gated="manual" if chance.random() < 0.03 else False,
            tags=(
                library,
                "safetensors",
                family.lower(),
                task,
                "en",
                f"license:{license_}",
                f"base_model:{author}/{family}-{size}",
                "endpoints_compatible",
                "region:us",
            ),
            downloads=0 if chance.random() < 0.5 else int(chance.paretovariate(0.5)),
            likes=0 if chance.random() < 0.8 else int(chance.paretovariate(0.8)),
            trending=chance.random() if chance.random() < 0.01 else 0.0,
            params=int(chance.random() * 7e10) if chance.random() < 0.4 else None,
            last_modified=f"20{chance.randrange(22, 27)}-0{chance.randrange(1, 10)}-01T00:00:00Z",
            revision=f"{chance.getrandbits(160):040x}",
            origin="sync",
            owner="hf_sync_system",
            upstream_id=f"{chance.getrandbits(96):024x}",
        )


def keystrokes() -> list[str]:
    """Every beginning of every query."""
    return sorted({query[:end] for query in QUERIES for end in range(1, len(query) + 1)})


async def write(catalogue: CatalogueDatabase, rows: list[Model], what: str) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(rows), PAGE):
        page = rows[start : start + PAGE]
        await catalogue.write_page("hf:bench", page, FeedStatus(feed="hf:bench", cursor=str(start)))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"{what:44} {len(rows) / cpu:9.0f} rows/cpu-s {len(rows) / wall:9.0f} rows/s  {wall:6.1f} s"
    )


async def measure(what: str, ask: Callable[[str], Awaitable[object]]) -> None:
    times: list[tuple[float, str]] = []
    for text in keystrokes():
        begun = time.perf_counter()
        await ask(text)
        times.append(((time.perf_counter() - begun) * 1000, text))
    values = sorted(value for value, _ in times)
    print(
        f"{what:44} median {statistics.median(values):7.2f}  p99"
        f" {values[int(len(values) * 0.99)]:7.2f}  max {values[-1]:7.2f} ms ({max(times)[1]!r})"
    )


async def main(count: int, path: Path) -> None:
    async with await CatalogueDatabase.open(path) as catalogue:
        if await catalogue.models.total() == 0:
            rows = list(models(count))
            await write(catalogue, rows, "new rows")
            await write(catalogue, rows[:50_000], "the same again")
            more = [replace(row, likes=row.likes + 1) for row in rows[:50_000]]
            await write(catalogue, more, "counters changed")
            more = [
                replace(row, tags=(*row.tags, "seen"), downloads=row.downloads * 2) for row in more
            ]
            await write(catalogue, more, "words and rank changed")
            del rows, more
        print(f"{await catalogue.models.total()} rows, {path.stat().st_size / 1e6:.0f} MB")
        search, table = Search(), catalogue.models
        for _ in range(2):
            await measure("keystroke", lambda text: table.search(search.with_text(text)))
        task = Search(tasks=("text-generation",))
        await measure("keystroke, one task", lambda text: table.search(task.with_text(text)))
        rare = Search(tasks=("summarization",), licenses=("mit",))
        await measure(
            "keystroke, rare task and licence", lambda text: table.search(rare.with_text(text))
        )
        likes = Search(sort=Sort.LIKES)
        await measure("keystroke, by likes", lambda text: table.search(likes.with_text(text)))
        await measure("count", lambda text: table.count(search.with_text(text)))
        await measure("count to 1000", lambda text: table.count(search.with_text(text), 1000))
        await measure("facets", lambda text: table.facets(search.with_text(text)))
        for sort in Sort:
            for what, found in (("", Search(sort=sort)), (", one task", replace(task, sort=sort))):
                begun = time.perf_counter()
                after = None
                for _ in range(20):
                    after = (await table.search(found, 50, after)).after
                print(f"20 pages by {sort}{what}: {(time.perf_counter() - begun) * 1000:.1f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=250_000)
    parser.add_argument(
        "--keep", type=Path, help="a file to keep the catalogue in, or to read it from"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(options.rows, options.keep or Path(folder) / "catalogue.db"))
