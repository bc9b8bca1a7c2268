"""The engine alone in a process of its own: from an address to a verified file in a store.

Prints its figures as one JSON object; all seconds but `commit` end with the hash of the last
byte. What the disk takes from there on, also for a checkpoint that is on its way, is `commit`.
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
    """Sets no limit; remembers when the last bytes were written, and when the hash was known."""

    last = 0.0
    hashed = 0.0
    _waiting: threading.Thread | None = None

    def take(self, count: int, stopped: threading.Event) -> None:
        """Called after each write."""
        self.last = time.monotonic()
        if self._waiting is None:
            self._waiting = threading.Thread(target=self._wait_for_hash)
            self._waiting.start()

    def join(self) -> None:
        """Wait until `hashed` is known."""
        if self._waiting is not None:
            self._waiting.join()

    def _wait_for_hash(self) -> None:
        for thread in threading.enumerate():
            if thread.name == "transfer-hash":
                thread.join()
        self.hashed = time.monotonic()


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
    watch.join()
    end = watch.hashed
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
