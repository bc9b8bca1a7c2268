"""The ways to the Hub: a mirror below a path, and proxies, for listings and bytes alike."""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from homes import Configure
from proxies import Relay, Socks
from small_models import WEIGHTS

from tui_hub.demo import DemoHub
from tui_hub.domain.feeds import FeedState
from tui_hub.domain.jobs import JobStatus
from tui_hub.services import Services, open_services

PREFIX = "/api/huggingfaceml/hub"
FEED = "hf:text-generation"
USER, PASSWORD = "me", "CANARYpassword"


@contextmanager
def mirror(hub: DemoHub) -> Iterator[tuple[str, list[str]]]:
    """A mirror of the Hub below a path, as Artifactory and Nexus are; and what it was asked."""
    asked: list[str] = []

    class Mirror(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            own = f"http://127.0.0.1:{self.server.server_port}{PREFIX}"
            upstream = http.client.HTTPConnection(hub.endpoint.partition("//")[2])
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            upstream.request("GET", self.path.removeprefix(PREFIX), headers=headers)
            with upstream.getresponse() as response:
                body = response.read()
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() in ("content-length", "transfer-encoding", "connection"):
                        continue
                    if name.lower() in ("location", "link"):
                        value = value.replace(hub.endpoint, own)
                        value = PREFIX + value if value.startswith("/") else value
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def sync_and_download(services: Services) -> None:
    (feed,) = (await services.sync.run([FEED])).feeds
    assert (feed.state, feed.counts.fetched) == (FeedState.COMPLETED, 3)
    job = await services.downloads.start("acme/tiny")
    done = await services.downloads.wait(job.id)
    assert (done.status, done.error) == (JobStatus.COMPLETED, None)
    assert (Path(done.path or "") / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_mirror_below_a_path(configure: Configure, hub: DemoHub, slash: str) -> None:
    with mirror(hub) as (endpoint, asked):
        settings = {"HF_ENDPOINT": endpoint + slash, "TUI_HUB_HUGGINGFACE__PAGE_SIZE": "2"}
        async with open_services(configure(**settings)) as services:
            await sync_and_download(services)
    assert all(path.startswith(f"{PREFIX}/") and "//" not in path for path in asked)
    assert any("cursor=" in path for path in asked), "the second page too"


@pytest.mark.parametrize("kind", [Relay, Socks])
async def test_everything_goes_through_the_proxy_and_its_password_nowhere_else(
    configure: Configure,
    hub: DemoHub,
    tmp_path: Path,
    kind: type[Relay | Socks],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with kind(USER, PASSWORD) as proxy:
        settings = {"http_proxy": proxy.url(f"{USER}:{PASSWORD}@")}
        async with open_services(configure(**settings)) as services:
            await sync_and_download(services)
        assert len(proxy.seen) > 2
    async with open_services(configure("other", http_proxy=proxy.url("me:CANARYpassword@"))) as one:
        report = await one.sync.run([FEED])
        assert "CANARY" not in str(report)
        assert report.feeds[0].state is not FeedState.COMPLETED, "the proxy is gone"
    assert PASSWORD not in caplog.text
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files and not any(PASSWORD.encode() in path.read_bytes() for path in files)
