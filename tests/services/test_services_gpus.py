"""Models that go to GPUs, by a driver that tells of some and a torch that is made to believe it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from activation_homes import FIRST, home, install, torch_repositories
from homes import Configure
from nvml_driver import StubDriver

from tui_hub.demo import DemoHub
from tui_hub.domain.runtime import Loaded, LoadRequest, TorchInfo
from tui_hub.runtime.torch_children import TorchChild


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    with DemoHub(per_connection=0, total=0, repositories=torch_repositories(tmp_path)) as running:
        yield running


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[LoadRequest]:
    """What a torch with CUDA was asked to load, which it then says it did."""
    asked: list[LoadRequest] = []

    async def built_for_cuda(child: TorchChild, timeout: float) -> TorchInfo:
        return TorchInfo(version="2.13.0", cuda="13.0")

    async def load(child: TorchChild, request: LoadRequest, progress: object) -> Loaded:
        asked.append(request)
        return Loaded(
            device=request.device, device_name="NVIDIA H200", tensors=1, parameters=1,
            bytes=4, seconds=1, test_seconds=1, memory_used=4, memory_peak=4,
        )  # fmt: skip

    monkeypatch.setattr(TorchChild, "ready", built_for_cuda)
    monkeypatch.setattr(TorchChild, "load", load)
    return asked


@pytest.fixture
def gpu_home(configure: Configure) -> Configure:
    """Homes where models are loaded into memory."""
    return lambda name="home", **more: configure(name, **{"TUI_HUB_RUNTIME__USE": "auto", **more})


async def test_a_gpu_or_a_slice_is_named_to_torch_by_what_both_know_it_by(
    gpu_home: Configure, driver: StubDriver, asked: list[LoadRequest]
) -> None:
    driver.two_gpus()
    async with home(gpu_home(TUI_HUB_RUNTIME__DEVICE="cuda:1")) as services:
        await install(services, FIRST)
        result = await services.activation.activate(FIRST)
        assert (result.device, asked[-1].device, asked[-1].gpu) == ("cuda:1", "cuda:1", "GPU-bbbb")
        await services.activation.deactivate("llm")
        driver.gpu(1, mig=1)
        for number, free in enumerate((10**8, 15 * 10**9)):
            driver.gpu(
                f"1.{number}", uuid=f"MIG-{number}", name="NVIDIA H200 MIG 1g.18gb",
                total=16 * 10**9, used=10**9, free=free,
            )  # fmt: skip
        await services.activation.activate(FIRST)
        assert (asked[-1].device, asked[-1].gpu) == ("cuda:1", "MIG-1")
