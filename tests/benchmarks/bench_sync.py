"""A sync of the whole Hub through the real code path, and the syncs after it. Run by hand:

    python tests/benchmarks/bench_sync.py [models] [--home FOLDER]

A child process serves entries shaped like the Hub's on loopback, in its format; the sync asks,
decodes, merges, indexes and commits them. Meanwhile a second task measures how late the loop is and
how long a search takes.
"""

from __future__ import annotations

import argparse
import asyncio
import http.server
import itertools
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
from hub_shape import Shape

from tui_hub.domain.catalogue import Search
from tui_hub.services import Services, open_services
from tui_hub.settings import load_configuration

PAGE = 1000
NEWEST = "2026-10-31T12:00:00.000Z"
_QUERIES = ("llama", "qwen 7b", "flux", "bert base", "whisper large v2", "mistral instruct gguf")
_PORT = "http://127.0.0.1:{}/api/models?cursor={}"


class Pages:
    """Ready pages, made in their order and kept on disk, so that any can be asked for again."""

    def __init__(self, models: int, folder: Path) -> None:
        self._left = models
        self._entries = Shape().entries(models)
        self._folder = folder
        self._made = 0
        self.count = -(-models // PAGE)

    def get(self, number: int) -> bytes:
        """The JSON of a page."""
        while self._made <= number:
            rows = list(itertools.islice(self._entries, PAGE))
            for row in rows:
                row["lastModified"] = min(row["lastModified"], NEWEST)
            (self._folder / str(self._made)).write_bytes(msgspec.json.encode(rows))
            self._made += 1
        return (self._folder / str(number)).read_bytes()

    def newest(self) -> bytes:
        """The ten entries that were modified last, of which nothing is new."""
        rows = json.loads(self.get(0))[:10]
        for number, row in enumerate(rows):
            row["lastModified"] = NEWEST if not number else f"2026-10-{20 - number:02}T00:00:00Z"
        return json.dumps(rows).encode()


def serve(models: int, folder: Path, pipe: Connection) -> None:
    """Answer `/api/models` until killed; a short page is asked for by syncs after the first."""
    pages = Pages(models, folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            number = int(query.get("cursor", ["0"])[0])
            glance = query.get("limit") == ["10"]
            body = pages.newest() if glance else pages.get(number)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if number + 1 < pages.count:
                following = _PORT.format(self.server.server_address[1], number + 1)
                self.send_header("Link", f'<{following}>; rel="next"')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


class Watcher:
    """How late the loop is, and how long searches take, while something else runs."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.lags: list[float] = []
        self.searches: list[float] = []

    async def lag(self) -> None:
        """Sleep a little, and see by how much more."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.002)
            self.lags.append(time.perf_counter() - began - 0.002)

    async def search(self) -> None:
        """Ask what a person would ask."""
        for words in itertools.cycle(_QUERIES):
            began = time.perf_counter()
            await self._services.catalogue.search(Search(text=words))
            self.searches.append(time.perf_counter() - began)
            await asyncio.sleep(0.25)

    def words(self) -> str:
        """The figures."""
        return f"loop late {_spread(self.lags)}, search {_spread(self.searches)}"


def _spread(values: list[float]) -> str:
    ordered = sorted(values) or [0.0]
    at = [ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1]]
    return "p50 {:.1f} p99 {:.1f} max {:.1f} ms".format(*(value * 1000 for value in at))


async def measure(port: int, home: str) -> None:
    """Sync into an empty catalogue, then what changed, then everything again."""
    Path(home, "config.toml").write_text('[feeds."hf:everything"]\nqueries = [{}]\n')
    configuration = load_configuration(
        home=home, environment={"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_TOKEN": ""}
    )
    async with open_services(configuration) as services:
        for name, full in _syncs():
            watcher = Watcher(services)
            tasks = [asyncio.create_task(one()) for one in (watcher.lag, watcher.search)]
            wall, cpu = time.perf_counter(), time.process_time()
            (feed,) = (await services.sync.run(["hf:everything"], full)).feeds
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            for task in tasks:
                task.cancel()
            counts = feed.counts
            print(
                f"{name}: {feed.mode}, {feed.requests} requests, {feed.bytes} bytes, "
                f"{wall:.2f} s, {cpu:.2f} CPU s, {counts.fetched / cpu:.0f} rows/CPU s\n"
                f"  {counts}\n  {watcher.words()}\n"
                f"  peak memory {_peak():.0f} MiB",
                flush=True,
            )
    total = counts.fetched or 1
    size = configuration.paths.catalogue_database.stat().st_size
    print(f"database {size / total:.0f} bytes a row")


def _peak() -> float:
    """The most memory that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _syncs() -> Iterator[tuple[str, bool]]:
    yield "first", False
    yield "again, nothing changed", False
    yield "everything again", True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=int, nargs="?", default=100_000)
    parser.add_argument("--home", type=Path, help="a folder to keep the home in")
    options = parser.parse_args()
    sys.setswitchinterval(0.001)  # as the program does
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        pages, home = Path(folder, "pages"), options.home or Path(folder, "home")
        for one in (pages, home):
            one.mkdir(parents=True, exist_ok=True)
        arguments = (options.models, pages, theirs)
        server = multiprocessing.get_context("spawn").Process(target=serve, args=arguments)
        server.start()
        try:
            asyncio.run(measure(ours.recv(), str(home)))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
