"""What the tests of the transfer room share."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from carrying import Beside
from content import CONTENT, SHA256
from hostile import Hostile
from plain_file import PlainFile
from threads import own_threads

from tui_hub.transfer import HostPauses, Lanes, Options, Pool, Request, Transfer
from tui_hub.transfer.beside import Carrier
from tui_hub.transfer.patience import Clock

HASTE = 50
"""How much faster the clock of these tests runs, so that pauses and windows of speed are short."""


class FastClock:
    """A clock that runs fifty times as fast, and remembers every pause."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.skipped = 0.0
        self.haste = HASTE
        """0 lets it stand still but for the pauses, which a busy box then cannot shorten."""

    def now(self) -> float:
        return time.monotonic() * self.haste + self.skipped

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.pauses.append(seconds)
        happened = event.wait(min(seconds, 1) / HASTE)
        self.skipped += seconds
        return happened

    @property
    def clock(self) -> Clock:
        return Clock(now=self.now, wait=lambda event, seconds: self.wait(event, seconds))


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    """A thread that a test left behind would be blamed on another test."""
    yield
    deadline = time.monotonic() + 60
    while own_threads():
        assert time.monotonic() < deadline, f"{own_threads()} did not end with the transfer"
        time.sleep(0.002)


@pytest.fixture
def pauses() -> FastClock:
    return FastClock()


@pytest.fixture
def server() -> Iterator[Hostile]:
    with (
        Hostile(CONTENT, sha256=SHA256) as storage,
        Hostile(CONTENT, sha256=SHA256, other=storage) as origin,
    ):
        yield origin


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[PlainFile]:
    file = PlainFile(tmp_path / "partial")
    yield file
    file.close()


@pytest.fixture
def make(destination: PlainFile, pauses: FastClock) -> Callable[..., Transfer]:
    """Build a transfer into the destination, on the fast clock."""

    def build(url: str, *, pool: Pool | None = None, **known: object) -> Transfer:
        settings = {
            "connections": known.pop("connections", 1),
            "piece_size": known.pop("piece_size", 256 * 1024),
            "stall": known.pop("stall", 10.0),
            "retries": known.pop("retries", 5),
        }
        options = Options(timeout=30, environment=known.pop("environment", {}), **settings)
        limiter = known.pop("limiter", None)
        request = Request(url=url, **known)
        return Transfer(request, destination, options, limiter, pool, clock=pauses.clock)

    return build


@pytest.fixture
def pauses_of_hosts() -> HostPauses:
    return HostPauses()


@pytest.fixture
def shared_lanes() -> Lanes:
    """The connections that this process and the one beside it share."""
    return Lanes(8)


@pytest.fixture
def carrier(shared_lanes: Lanes, pauses_of_hosts: HostPauses) -> Iterator[Carrier]:
    carrier = Carrier(shared_lanes, dict(os.environ), pauses_of_hosts)
    yield carrier
    carrier.close()
    for thread in threading.enumerate():
        if thread.name == "transfers":
            thread.join(60)


@pytest.fixture
def beside(carrier: Carrier, destination: PlainFile) -> Beside:
    return Beside(carrier, destination)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 with its key, that nobody trusts who is not told to."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", path, "-out", f"{path}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def secure_server(certificate: Path) -> Iterator[Hostile]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Hostile(CONTENT, sha256=SHA256, tls=context) as origin:
        yield origin
