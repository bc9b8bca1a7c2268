"""What the doctor finds where all is well, and of the network and the tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path

import pytest
from examining import ERROR, OK, WARNING, errors, examined, of, server, the
from homes import Configure
from nvml_driver import StubDriver

from tui_hub.blobs import BlobStore
from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.domain.doctor import Finding
from tui_hub.domain.errors import HubError
from tui_hub.services.doctor.checks import Check, run
from tui_hub.services.doctor.findings import ok

UTF8 = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


async def test_a_box_in_order(
    configure: Configure, hub: DemoHub, driver: StubDriver, tmp_path: Path
) -> None:
    driver.two_gpus()
    configuration = configure(HF_TOKEN=hub.token, **UTF8)
    BlobStore(configuration.paths.store).prepare()
    found = await examined(configuration)
    assert {finding.status for finding in found} == {OK}
    assert {finding.check for finding in found} == {
        "settings", "terminal", "network", "clock", "token", "gpu", "driver", "torch",
        "permissions", "disk", "store",
        "processes", "database", "schedule", "feeds", "agent", "slots", "models", "jobs",
    }  # fmt: skip
    assert the(found, "token").message == "accepted, for the account demo-member"
    assert [one.message for one in of(found, "gpu")] == [
        "GPU 0 NVIDIA H200: 78.7 GiB free of 140.4 GiB",
        "GPU 1 NVIDIA H200: 127.6 GiB free of 140.4 GiB",
    ]
    assert list(configuration.paths.store.joinpath("temp").iterdir()) == []
    assert hub.token not in repr(found)


# Checks -----------------------------------------------------------------------------------------


async def test_a_check_that_fails_or_hangs_keeps_what_it_found_before() -> None:
    async def hangs() -> AsyncIterator[Finding]:
        yield ok("first", "fine")
        await asyncio.Event().wait()

    async def refuses() -> AsyncIterator[Finding]:
        raise HubError("no", hint="Do this.")
        yield

    async def stumbles() -> AsyncIterator[Finding]:
        yield ok("third", "fine")
        raise ZeroDivisionError("a fault")

    looks = (hangs, refuses, stumbles)
    found = await run([Check(look.__name__, look, 0.1) for look in looks])
    assert [(one.check, one.status, one.message) for one in found] == [
        ("first", OK, "fine"),
        ("hangs", ERROR, "no answer within 0 s"),
        ("refuses", ERROR, "no"),
        ("third", OK, "fine"),
        ("stumbles", ERROR, "this could not be looked at: ZeroDivisionError: a fault"),
    ]
    assert found[2].mend == "Do this."


# Network ----------------------------------------------------------------------------------------


async def test_a_hub_that_is_down_is_no_fault_of_this_box(
    configure: Configure, hub: DemoHub
) -> None:
    hub.faults.offline = True
    found = await examined(configure(HF_TOKEN=hub.token))
    network = the(found, "network")
    assert (network.status, errors(found)) == (WARNING, set())
    assert "cannot be reached" in network.message
    assert network.mend is not None and "What is here works without it." in network.mend


async def test_offline_is_said_and_nothing_is_asked(configure: Configure, hub: DemoHub) -> None:
    found = await examined(configure(HF_HUB_OFFLINE="1"))
    network = the(found, "network")
    assert (network.status, len(hub.requests)) == (OK, 0)
    assert "offline" in network.message


async def test_a_server_that_never_answers(configure: Configure) -> None:
    async with server(None) as endpoint:
        async with asyncio.timeout(60):
            found = await examined(configure(HF_ENDPOINT=endpoint, TUI_HUB_NETWORK__TIMEOUT="0.5"))
    network = the(found, "network")
    assert (network.status, "no answer within" in network.message) == (WARNING, True)
    assert the(found, "slots").status is OK


async def test_a_proxy_is_said(configure: Configure, hub: DemoHub) -> None:
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]") as proxy:
        found = await examined(configure(http_proxy=proxy.replace("//", "//user:secret-word@")))
    network = the(found, "network")
    assert (network.status, "answers through a proxy in" in network.message) == (OK, True)
    assert len(hub.requests) == 0
    assert "secret-word" not in repr(found)
    gone = the(await examined(configure(http_proxy=proxy)), "network")
    assert (gone.status, "proxy" in str(gone.mend)) == (WARNING, True)


async def test_an_endpoint_that_is_none(configure: Configure) -> None:
    network = the(await examined(configure(HF_ENDPOINT="ftp://hub")), "network")
    assert (network.status, "HF_ENDPOINT" in network.message) == (ERROR, True)


@pytest.mark.parametrize(("off", "words"), [(3630.0, " behind "), (-330.0, " ahead of ")])
async def test_a_clock_that_is_wrong(configure: Configure, off: float, words: str) -> None:
    date = formatdate(time.time() + off, usegmt=True)
    head = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\n"
    answer = f"{head}Content-Length: 2\r\n\r\n[]".encode()
    async with server(answer) as endpoint:
        found = await examined(configure(HF_ENDPOINT=endpoint))
    clock = the(found, "clock")
    assert (clock.status, words in clock.message) == (ERROR, True)
    assert the(found, "network").status is OK


async def test_a_token_that_the_hub_does_not_know(configure: Configure, hub: DemoHub) -> None:
    secret = "hf_ThisTokenIsLongExpired00"
    found = await examined(configure(HF_TOKEN=secret))
    token = the(found, "token")
    assert (token.status, token.mend is not None) == (ERROR, True)
    assert "hf auth login" in str(token.mend)
    assert the(found, "network").status is OK
    assert secret not in repr(found)


async def test_no_token_and_a_whoami_that_fails(configure: Configure, hub: DemoHub) -> None:
    token = the(await examined(configure()), "token")
    assert (token.status, "HF_TOKEN" in str(token.mend)) == (OK, True)
    hub.faults.add(Fault(FaultKind.HTML, path="/api/whoami-v2", times=-1))
    token = the(await examined(configure(HF_TOKEN=hub.token)), "token")
    assert (token.status, "could not be tried" in token.message) == (WARNING, True)


@pytest.mark.parametrize(("mode", "status"), [(0o644, WARNING), (0o600, OK)])
async def test_tokens_in_files_that_others_may_read(
    configure: Configure, tmp_path: Path, mode: int, status: object
) -> None:
    home, login = tmp_path / "home", tmp_path / "hf-home"
    home.mkdir()
    login.mkdir()
    for file in (home / "config.toml", login / "token"):
        file.write_text("# hf_AbcdefghIjklmnopQrst\n")
        file.chmod(mode)
    found = await examined(configure(HF_HUB_OFFLINE="1"))
    assert of(found, "settings")[-1].status is status
    assert [one.status for one in of(found, "token")] == ([WARNING] if status is WARNING else [])
    assert "hf_Abc" not in repr(found)
