"""Tests on a real GPU, with nothing else at work on it: `pytest tests/gpu`, as any user."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pynvml
import pytest
import pytest_asyncio
import torch
from activation_homes import torch_repositories
from homes import Configure
from real_gpu import DEVICE
from weight_files import sparse_weights

from tui_hub import processes
from tui_hub.demo import DemoHub
from tui_hub.domain.runtime import LoadRequest
from tui_hub.runtime.torch_children import TorchChild

KEPT = ("PATH", "HOME", "LD_LIBRARY_PATH")
"""By what torch finds itself and the driver."""


@pytest.fixture(autouse=True)
def no_driver() -> Iterator[None]:
    """The driver is the box's own here, and hidden from no test."""
    pynvml.nvmlInit()
    yield
    pynvml.nvmlShutdown()


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the driver takes once and keeps, for this process and for others."""
    torch.ones(1, device=DEVICE)
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    folder = tmp_path_factory.mktemp("warm")

    async def once() -> None:
        child = await started(folder)
        path = sparse_weights(folder / "w.safetensors", 1024**2)
        await child.load(LoadRequest(files=(path,), device=DEVICE), lambda _: None)
        await child.end()

    asyncio.run(once())


@pytest_asyncio.fixture
async def child(warm: None, tmp_path: Path) -> AsyncIterator[TorchChild]:
    """A process that can hold weights."""
    child = await started(tmp_path)
    yield child
    await child.close()
    if processes.known_alive(child.owner):
        os.kill(child.pid, signal.SIGKILL)


async def started(folder: Path) -> TorchChild:
    """A process that can hold weights."""
    return await TorchChild.start(
        python=None,
        folder=folder / "state",
        name="llm",
        log=folder / "log",
        environment=dict(os.environ),
    )


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    with DemoHub(per_connection=0, total=0, repositories=torch_repositories(tmp_path)) as running:
        yield running


@pytest.fixture
def gpu_home(warm: None, configure: Configure) -> Configure:
    """Homes where models are loaded onto the GPU."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    on_gpu = {"TUI_HUB_RUNTIME__USE": "torch", "TUI_HUB_RUNTIME__DEVICE": DEVICE}
    return lambda name="home", **more: configure(name, **{**kept, **on_gpu, **more})
