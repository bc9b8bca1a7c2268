"""Children that certainly end, and weights to give them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from starting import Start
from waiting import gone

from tui_hub import processes
from tui_hub.domain.jobs import Owner
from tui_hub.runtime.torch_children import TorchChild


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts children, which are killed after the test if they live then."""
    started: list[TorchChild] = []

    async def _start(name: str = "llm", **arguments: Any) -> TorchChild:
        arguments = {
            "python": None,
            "folder": tmp_path / "state",
            "log": tmp_path / f"{name}.log",
            "environment": dict(os.environ),
            **arguments,
        }
        child = await TorchChild.start(name=name, **arguments)
        started.append(child)
        return child

    yield _start
    for child in started:
        await child.close()
        if processes.known_alive(child.owner):
            os.kill(child.pid, signal.SIGKILL)


@pytest.fixture
def doomed() -> Iterator[Callable[[int], None]]:
    """Has a process killed after the test, if it lives then."""
    owners: list[Owner] = []
    yield lambda pid: owners.append(processes.identity(pid))
    for owner in owners:
        if processes.known_alive(owner):
            os.kill(owner.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a child named `shared`, which no test may load a model into."""
    folder = tmp_path_factory.mktemp("shared")

    async def begin() -> int:
        child = await TorchChild.start(
            python=None,
            folder=folder,
            name="shared",
            log=folder / "log",
            environment=dict(os.environ),
        )
        await child.ready()
        await child.keep()
        await child.close()
        return child.pid

    pid = asyncio.run(begin())
    yield folder
    os.kill(pid, signal.SIGTERM)
    assert gone(pid)


@pytest_asyncio.fixture
async def child(shared_folder: Path) -> AsyncIterator[TorchChild]:
    """The shared child."""
    child = await TorchChild.attach(shared_folder, "shared")
    assert child is not None
    yield child
    await child.close()
