"""A server that webhooks are sent to, and homes whose settings name it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Told:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The body."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


class Receiver:
    """Keeps what it was told; answers `statuses` in turn, then 204."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.statuses: list[int] = []
        self.location = ""
        """Where a redirect leads."""
        self.gate = threading.Event()
        """Cleared, no answer comes."""
        self.gate.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.told.append(Told(self.path, headers, body))
                receiver.gate.wait()
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                if receiver.location:
                    self.send_header("location", receiver.location)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """The address to name in the settings."""
        return f"http://127.0.0.1:{self._server.server_port}/hook/s3cret-path"

    def events(self) -> list[str]:
        """What it was told of, in order."""
        return [one.document["event"] for one in self.told]

    def close(self) -> None:
        """Let every answer go, and serve no more."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver for the length of a block."""
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()


def write_hooks(home: Path, **hooks: dict[str, object]) -> None:
    """Write the settings of a home: its hooks by name."""
    lines = []
    for name, hook in hooks.items():
        lines.append(f"[hooks.{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in hook.items()]
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text("\n".join(lines) + "\n")
