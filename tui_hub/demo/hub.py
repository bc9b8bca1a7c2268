"""The private hub: real wire format, two origins, models made on the spot."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tui_hub.demo.faults import Faults, RequestLog
from tui_hub.demo.limits import RateLimits, Throttle
from tui_hub.demo.registry import Registry
from tui_hub.demo.repository import Repository

if TYPE_CHECKING:
    from tui_hub.demo.server import Server

PER_CONNECTION = 6_000_000
"""Bytes a second that one answer gets unless told otherwise."""
TOTAL = 24_000_000
"""Bytes a second that all answers together get unless told otherwise."""


class DemoHub:
    """A Hugging Face Hub of one's own on loopback, for trying things out and for tests.

    Args:
        root: a folder whose `<organisation>/<name>/` folders are served as repositories too.
        per_connection: bytes a second for one answer; 0 is no limit.
        total: bytes a second for all answers together; 0 is no limit.
        repositories: what the hub holds; `None` makes the demo's own models and catalogue.
        extra: repositories beside those.
        port, cdn_port: ports on loopback; 0 takes any that are free.
        quotas: requests per window for `api`, `resolvers` and `pages`; `None` is generous.
        window: seconds of that window.
        page_size: the most models on one page of a listing.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        per_connection: int = PER_CONNECTION,
        total: int = TOTAL,
        repositories: Iterable[Repository] | None = None,
        extra: Sequence[Repository] = (),
        port: int = 0,
        cdn_port: int = 0,
        quotas: Mapping[str, int] | None = None,
        window: float = 300.0,
        page_size: int = 1000,
    ) -> None:
        self.throttle = Throttle(per_connection, total)
        self.faults = Faults()
        self.requests = RequestLog()
        self.limits = RateLimits(window=window)
        if quotas is not None:
            self.limits.quotas = {**self.limits.quotas, **quotas}
        self.token = f"hf_demo{secrets.token_hex(15)}"
        """A token with access to everything."""
        self.outsider_token = f"hf_demo{secrets.token_hex(15)}"
        """A good token without access to what is gated or private."""
        self.registry = Registry(_contents(root, repositories, extra))
        self.endpoint = ""
        """Scheme, host and port of the hub; empty before it is started."""
        self.cdn = ""
        """Scheme, host and port of the second origin."""
        self._ports = (port, cdn_port)
        self._page_size = page_size
        self._server: Server | None = None

    def put(self, repository: Repository) -> str:
        """Add a repository, or a new commit to one that is there; the commit."""
        return self.registry.put(repository).commit

    def start(self) -> DemoHub:
        """Serve, in a thread of its own. Returns when both ports answer.

        Raises:
            OSError: when a port is taken.
        """
        # Starlette and uvicorn cost a start-up that only needs the names of this room.
        from tui_hub.demo.access import Access
        from tui_hub.demo.application import Application
        from tui_hub.demo.cdn import Cdn
        from tui_hub.demo.server import Server, address_of, open_socket

        sockets: list[socket.socket] = [open_socket(port) for port in self._ports]
        self.endpoint, self.cdn = map(address_of, sockets)
        access = Access(self.registry, self.token, self.outsider_token, self.endpoint)
        cdn = Cdn(self.cdn, self.throttle, self.faults)
        application = Application(
            access, cdn, sockets[1].getsockname()[1], self.limits, self.requests, self.faults,
            self._page_size,
        )  # fmt: skip
        self._server = Server(application, sockets, lambda: self.faults.offline)
        self._server.start()
        return self

    def stop(self) -> None:
        """Close both ports. Stalled answers end."""
        self.faults.clear()
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> DemoHub:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _contents(
    root: Path | None, repositories: Iterable[Repository] | None, extra: Sequence[Repository]
) -> list[Repository]:
    if repositories is None:
        from tui_hub.demo.models import demo_repositories

        repositories = demo_repositories()
    found = [] if root is None else sorted(path for path in root.glob("*/*") if path.is_dir())
    folders = [
        Repository.from_folder(folder, f"{folder.parent.name}/{folder.name}") for folder in found
    ]
    return [*repositories, *folders, *extra]
