"""Servers of the user's: started, asked after, started again, ended with all they started."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from waiting import gone

from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.domain.runtime import ServerOrder
from tui_hub.runtime.refusals import ServerFailedError
from tui_hub.runtime.server_children import ServerChild
from tui_hub.runtime.server_listening import stranger_at
from tui_hub.runtime.server_process import LOG_BYTES

SCRIPT = Path(__file__).parents[1] / "server_script.py"

Keep = Callable[..., Awaitable[ServerChild]]


@pytest.fixture
def port() -> int:
    """A port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def order(port: int, tmp_path: Path) -> Callable[..., ServerOrder]:
    """Makes an order, by what the server's arguments say."""

    def make(*arguments: str, **more: Any) -> ServerOrder:
        values = {
            "program": (sys.executable, str(SCRIPT), str(port), *arguments),
            "folder": str(tmp_path),
            "host": "127.0.0.1",
            "port": port,
            "health": f"http://127.0.0.1:{port}/health",
            "timeout": 20.0,
            "stop_timeout": 5.0,
            "log": str(tmp_path / "log"),
        }
        return ServerOrder(**(values | more))

    return make


@pytest_asyncio.fixture
async def keep(tmp_path: Path) -> AsyncIterator[Keep]:
    """Starts keepers, which are killed after the test if they live then."""
    started: list[ServerChild] = []

    async def start(name: str = "llm", **environment: str) -> ServerChild:
        child = await ServerChild.start(
            folder=tmp_path / "state",
            name=name,
            log=tmp_path / "log",
            environment={**os.environ, **environment},
        )
        started.append(child)
        return child

    yield start
    for child in started:
        with suppress(psutil.NoSuchProcess):
            for process in [*below(child.pid), psutil.Process(child.pid)]:
                process.kill()
        await child.close()


def below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


async def ask(port: int, path: str = "/health") -> str:
    def fetch() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(fetch)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_a_server_is_started_found_again_and_ended(
    keep: Keep, order: Callable[..., ServerOrder], port: int, tmp_path: Path
) -> None:
    child = await keep()
    await child.serve(order("--delay", "0.5", "--model", "hello"))
    assert await ask(port) == "hello"
    assert (await child.status()).state == "running"
    with pytest.raises(RefusedError, match="already"):
        await child.serve(order())
    await child.keep()
    await child.close()
    found = await ServerChild.attach(tmp_path / "state", "llm")
    assert found is not None and found.owner == child.owner
    (server,) = below(found.pid)
    await found.end()
    assert gone(server.pid) and gone(child.pid)
    assert not (tmp_path / "state" / "llm").exists()


async def test_a_log_that_cannot_be_put_aside_holds_up_no_server(
    keep: Keep, order: Callable[..., ServerOrder], port: int, tmp_path: Path
) -> None:
    child = await keep()
    logs = tmp_path / "logs"
    logs.mkdir()
    going = asyncio.create_task(
        child.serve(order("--talk", str(4 * LOG_BYTES), "--wait", "go", log=str(logs / "log")))
    )
    await until(lambda: asyncio.to_thread((logs / "log").exists))
    (logs / "log").unlink()
    logs.rmdir()
    (tmp_path / "go").touch()
    await going
    assert await ask(port) == ""
    await child.end()


async def test_it_runs_without_secrets_and_with_what_the_user_adds(
    keep: Keep, order: Callable[..., ServerOrder], port: int
) -> None:
    secrets = {"HF_TOKEN": "hf_s1", "REPLICATE_API_TOKEN": "s2", "AWS_ACCESS_KEY_ID": "s3"}
    child = await keep(**secrets, FRIENDLY="yes")
    await child.serve(order(environment={"VLLM_API_KEY": "wanted"}))
    seen = dict(line.split("=", 1) for line in (await ask(port, "/environment")).splitlines())
    assert not secrets.keys() & seen.keys()
    assert (seen["FRIENDLY"], seen["VLLM_API_KEY"]) == ("yes", "wanted")
    (server,) = below(child.pid)
    assert server.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert os.getsid(server.pid) == server.pid


async def test_one_that_ends_early_says_why(
    keep: Keep, order: Callable[..., ServerOrder], tmp_path: Path
) -> None:
    child = await keep()
    with pytest.raises(ServerFailedError) as failed:
        await child.serve(order("--fail"))
    assert "exit status 3: error: this model is no good" in failed.value.message
    assert failed.value.said == ("loading the model", "error: this model is no good")
    assert "exit status 3" in (tmp_path / "log").read_text().splitlines()[-1]
    await child.end()


async def test_one_that_cannot_be_run_says_why(
    keep: Keep, order: Callable[..., ServerOrder]
) -> None:
    child = await keep()
    with pytest.raises(ServerFailedError, match="no-such-program cannot be run: No such file"):
        await child.serve(order(program=("/nowhere/no-such-program",)))
    await child.end()


async def test_one_that_never_gets_ready_is_given_up(
    keep: Keep, order: Callable[..., ServerOrder]
) -> None:
    child = await keep()
    with pytest.raises(ServerFailedError, match=r"was not ready within 1 s: .*answers 503"):
        await child.serve(order("--delay", "600", timeout=1.0))
    assert below(child.pid) == [], "it was ended before that was said"
    await child.end()


async def test_without_an_address_its_port_counts(
    keep: Keep, order: Callable[..., ServerOrder], port: int
) -> None:
    child = await keep()
    await child.serve(order("--delay", "600", health=""))
    with pytest.raises(urllib.error.HTTPError):
        await ask(port)
    await child.end()


async def test_who_took_its_port_meanwhile_is_not_taken_for_it(
    keep: Keep, order: Callable[..., ServerOrder], port: int
) -> None:
    child = await keep()
    waiting = order("--wait", "never", health="", timeout=600.0)
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(ServerFailedError) as failed:
            await child.serve(waiting)
        held = rf"port {port} is held by .* \(process {os.getpid()}\), which it did not start"
        assert re.search(held, failed.value.message), failed.value.message
        assert 'listener = "any"' in failed.value.message
        assert below(child.pid) == []
        await child.end()
        another = await keep("another")
        await another.serve(order("--wait", "never", health="", strangers=True))
        await another.end()


def test_a_listener_is_known_by_its_process(port: int) -> None:
    here = "127.0.0.1"
    assert stranger_at(here, port, [os.getpid()]) is None, "nobody listens"
    with socket.create_server((here, port)):
        assert stranger_at(here, port, [os.getpid()]) is None, "it is ours"
        assert f"(process {os.getpid()})" in (stranger_at(here, port, []) or "")
        assert stranger_at("localhost", port, []) is not None
        assert stranger_at("no.such.host.invalid", port, []) is not None, "nobody knows"
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        assert stranger_at("::1", port, []) is not None


def test_a_listener_at_another_address_is_in_nobodys_way(port: int) -> None:
    with socket.create_server(("127.0.0.2", port)):
        assert stranger_at("127.0.0.1", port, []) is None
        assert stranger_at("::1", port, []) is None
        assert stranger_at("127.0.0.2", port, []) is not None
    with socket.create_server(("0.0.0.0", port)):
        assert stranger_at("127.0.0.1", port, []) is not None
        assert stranger_at("::1", port, []) is None
    everywhere = ("::", port)
    with socket.create_server(everywhere, family=socket.AF_INET6, dualstack_ipv6=True):
        assert stranger_at("127.0.0.1", port, []) is not None


async def test_one_that_does_not_heed_is_ended_by_force_with_all_it_started(
    keep: Keep, order: Callable[..., ServerOrder], tmp_path: Path
) -> None:
    child = await keep()
    await child.serve(order("--deaf", "--child", str(tmp_path / "pid"), stop_timeout=0.3))
    apart = int((tmp_path / "pid").read_text())
    assert os.getsid(apart) == apart, "it left the session of the server"
    pids = [process.pid for process in below(child.pid)]
    assert apart in pids and len(pids) == 2
    await child.end()
    assert all(gone(pid) for pid in pids)


async def test_what_a_server_leaves_is_asked_to_end_too(
    keep: Keep, order: Callable[..., ServerOrder], tmp_path: Path
) -> None:
    child = await keep()
    await child.serve(order("--child", str(tmp_path / "pid"), stop_timeout=600.0))
    apart = int((tmp_path / "pid").read_text())
    await child.end(grace=20.0)
    assert gone(apart) and gone(child.pid), "long before it would be ended by force"


async def test_whoever_goes_away_before_it_is_kept_takes_it_along(
    keep: Keep, order: Callable[..., ServerOrder]
) -> None:
    child = await keep()
    serving = asyncio.create_task(child.serve(order("--delay", "600", timeout=600.0)))
    await until(lambda: asyncio.to_thread(lambda: bool(below(child.pid))))
    (server,) = below(child.pid)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await child.close()
    assert gone(server.pid) and gone(child.pid)


async def test_its_log_stays_small(
    keep: Keep, order: Callable[..., ServerOrder], tmp_path: Path
) -> None:
    child = await keep()
    await child.serve(order("--talk", "10000000"))
    sizes = [(tmp_path / name).stat().st_size for name in ("log", "log.1")]
    assert max(sizes) <= LOG_BYTES + 100_000
    await child.end()


async def test_one_that_fails_is_started_again_and_in_the_end_not(
    keep: Keep, order: Callable[..., ServerOrder], port: int, tmp_path: Path
) -> None:
    child = await keep()
    await child.serve(order(restarts=1))
    await child.keep()
    (first,) = below(child.pid)
    first.send_signal(signal.SIGKILL)

    async def state(wanted: str) -> bool:
        return (await child.status()).state == wanted

    await until(lambda: state("waiting"))
    trouble = (await child.status()).trouble
    assert "was killed" in trouble and "try 1 of 1" in trouble
    await until(lambda: state("running"))
    (second,) = below(child.pid)
    assert second.pid != first.pid and (await child.status()).trouble == ""
    second.send_signal(signal.SIGKILL)
    await child.died()
    assert "was killed" in (tmp_path / "log").read_text().splitlines()[-1]
    assert gone(second.pid)
    with pytest.raises(HubError):
        await child.status()


async def test_one_that_ends_by_itself_is_not_started_again(
    keep: Keep, order: Callable[..., ServerOrder], tmp_path: Path
) -> None:
    child = await keep()
    await child.serve(order(restarts=5))
    (server,) = below(child.pid)
    server.send_signal(signal.SIGTERM)
    await child.died()
    assert "exit status 0" in (tmp_path / "log").read_text().splitlines()[-1]
