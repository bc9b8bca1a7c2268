"""How many rows a second a sync brings into the catalogue, through the real code path.

A child process serves ready-made pages in the Hub format on loopback; the sync asks, decodes,
merges, indexes and commits them. Run by hand: `python tests/benchmarks/bench_sync.py [models]`.
"""

from __future__ import annotations

import asyncio
import http.server
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from tui_hub.services import open_services
from tui_hub.settings import load_configuration

PAGE = 1000
WORDS = ("llama", "qwen", "flux", "tiny", "coder", "vision", "speech", "lora", "instruct", "mini")


def entry(number: int, chance: random.Random) -> dict[str, object]:
    """One made-up model of a realistic shape and size."""
    name = f"org-{number % 977}/{chance.choice(WORDS)}-{chance.choice(WORDS)}-{number}"
    return {
        "_id": f"{number:024x}",
        "id": name,
        "author": f"org-{number % 977}",
        "downloads": int(chance.paretovariate(0.6)) - 1,
        "likes": int(chance.paretovariate(0.9)) - 1,
        "tags": ["transformers", "safetensors", "text-generation", "license:mit", "region:us"],
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "lastModified": "2026-01-01T00:00:00.000Z",
        "createdAt": "2025-01-01T00:00:00.000Z",
        "sha": f"{number:040x}",
        "gated": False,
        "usedStorage": number * 1000,
        "safetensors": {"total": number * 10, "parameters": {"BF16": number * 10}},
        "cardData": {"license": "mit", "base_model": "org/base"},
    }


def serve(models: int, pipe: Connection) -> None:
    """Answer `/api/models` with ready-made pages until killed."""
    chance = random.Random(1)
    pages = [
        json.dumps([entry(n, chance) for n in range(start, min(start + PAGE, models))]).encode()
        for start in range(0, models, PAGE)
    ]

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            number = int(self.path.partition("cursor=")[2] or 0)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(pages[number])))
            if number + 1 < len(pages):
                port = self.server.server_address[1]
                following = f"http://127.0.0.1:{port}/api/models?cursor={number + 1}"
                self.send_header("Link", f'<{following}>; rel="next"')
            self.end_headers()
            self.wfile.write(pages[number])

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


async def measure(port: int, home: str) -> None:
    """Sync once into an empty catalogue and once more, and print the figures."""
    Path(home, "config.toml").write_text('[feeds."hf:everything"]\nqueries = [{}]\n')
    configuration = load_configuration(
        home=home, environment={"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_TOKEN": ""}
    )
    async with open_services(configuration) as services:
        for name in ("first", "again, nothing changed"):
            wall, cpu = time.perf_counter(), time.process_time()
            (feed,) = (await services.sync.run(["hf:everything"])).feeds
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            fetched = feed.counts.fetched
            print(
                f"{name}: {fetched} rows, {wall:.2f} s, {fetched / wall:.0f} rows/s, "
                f"{cpu:.2f} CPU s, {fetched / cpu:.0f} rows/CPU s, {feed.counts}"
            )
    size = configuration.paths.catalogue_database.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"database {size / fetched:.0f} bytes a row, peak memory {peak:.0f} MiB")


def main() -> None:
    models = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(models, theirs))
    server.start()
    try:
        with tempfile.TemporaryDirectory() as home:
            asyncio.run(measure(ours.recv(), home))
    finally:
        server.kill()


if __name__ == "__main__":
    main()
