"""The engine alone in a process of its own: from an address to a verified file in a store.

Prints its figures as one JSON object; all seconds but `commit` end with the verified hash.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from pathlib import Path

from tui_hub.blobs import BlobStore
from tui_hub.transfer import Options, RateLimiter, Request, Transfer


class Watch(RateLimiter):
    """Sets no limit; remembers when the last bytes were written."""

    last = 0.0

    def take(self, count: int, stopped: threading.Event) -> None:
        """Called after each write."""
        self.last = time.monotonic()


def peak() -> float:
    """The most memory that this process has used so far, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Fetch one file as the first argument asks, given as JSON."""
    asked = json.loads(sys.argv[1])
    store = BlobStore(Path(asked["store"]))
    store.prepare()
    watch = Watch()
    program = peak()
    before = resource.getrusage(resource.RUSAGE_SELF)
    begin = time.monotonic()
    partial = store.open_partial(asked["sha256"], asked["size"])
    options = Options(
        connections=asked.get("connections", 8), environment=asked.get("environment", {})
    )
    request = Request(url=asked["url"], size=asked["size"], sha256=asked["sha256"])
    result = Transfer(request, partial, options, watch).run()
    end = time.monotonic()
    after = resource.getrusage(resource.RUSAGE_SELF)
    store.commit(partial, result.sha256)
    partial.close()
    figures = {
        "inner": end - begin,
        "tail_ms": (end - watch.last) * 1000,
        "commit": time.monotonic() - end,
        "engine_cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "grown": peak() - program,
        "transferred": result.bytes_transferred,
        "resumed_from": result.resumed_from,
        "MB/s": result.bytes_transferred / (end - begin) / 1e6,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
