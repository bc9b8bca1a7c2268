"""Models that go to GPUs, by a driver that tells of some and a torch that is made to believe it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from activation_homes import FIRST, SECOND, home, install, torch_repositories
from homes import Configure
from nvml_driver import StubDriver

from tui_hub.demo import DemoHub
from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.domain.fit import GPU_RUNTIME, Device
from tui_hub.domain.runtime import Loaded, LoadRequest, TorchInfo
from tui_hub.domain.slots import Slot
from tui_hub.runtime.torch_children import TorchChild
from tui_hub.services.holders.memory import Memory


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    with DemoHub(per_connection=0, total=0, repositories=torch_repositories(tmp_path)) as running:
        yield running


@pytest.fixture
def refused() -> list[str]:
    """The devices that the next model does not get onto."""
    return []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, refused: list[str]) -> list[LoadRequest]:
    """What a torch with CUDA was asked to load, which it then says it did."""
    asked: list[LoadRequest] = []

    async def built_for_cuda(child: TorchChild, timeout: float) -> TorchInfo:
        return TorchInfo(version="2.13.0", cuda="13.0")

    async def load(child: TorchChild, request: LoadRequest, progress: object) -> Loaded:
        asked.append(request)
        if request.device in refused:
            refused.remove(request.device)
            raise HubError("memory ran out")
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


async def test_the_old_model_comes_back_once_the_memory_is_there_that_the_new_one_took(
    gpu_home: Configure,
    driver: StubDriver,
    asked: list[LoadRequest],
    refused: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver.two_gpus()
    waits: list[tuple[int | None, int]] = []

    async def wait_back(memory: Memory, device: Device, used: int) -> str:
        waits.append((device.index, len(asked)))
        return "memory back"

    monkeypatch.setattr(Memory, "wait_back", wait_back)
    async with home(gpu_home(TUI_HUB_RUNTIME__DEVICE="cuda:1")) as services:
        await install(services, FIRST, SECOND)
        await services.activation.activate(FIRST)
        # Room for one without its margin: the old one leaves first.
        driver.gpu(1, free=GPU_RUNTIME + 10_000_000)
        refused.append("cuda:1")
        result = await services.activation.switch(SECOND)
        assert (result.status, result.error) == ("rolled_back", "memory ran out")
        assert waits == [(1, 1), (1, 2)], "before the new one, and once that had failed"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ({"nvmlInitWithFlags": 18}, "no GPU can be used: reboot for the GPU"),
        ({"0.fail": 15, "1.fail": 15}, "no GPU can be used: lost"),
    ],
)
async def test_a_gpu_that_does_not_answer_is_no_reason_to_fill_the_host(
    gpu_home: Configure, driver: StubDriver, code: dict[str, int], words: str
) -> None:
    driver.two_gpus()
    async with home(gpu_home()) as services:
        await install(services, FIRST)
        await services.hardware.read()
        driver.tell(**code)
        services.hardware._close_probe()
        with pytest.raises(RefusedError, match=words) as told:
            await services.activation.activate(FIRST)
        assert "device=cpu" in (told.value.hint or "")
        await services.configuring.change(FIRST, {"device": "cpu"})
        assert (await services.activation.activate(FIRST)).device == "cpu"


async def test_weights_do_not_wait_in_memory_that_is_the_gpu_s_too(
    gpu_home: Configure, driver: StubDriver, asked: list[LoadRequest]
) -> None:
    driver.tell(count=1)
    driver.gpu(0, uuid="GPU-spark", name="NVIDIA GB10", total=0)
    parked: list[Slot] = []

    async def park(slot: Slot) -> None:
        parked.append(slot)

    async with home(gpu_home()) as services:
        await install(services, FIRST)
        await services.activation.activate(FIRST)
        services.activation._children.park = park  # type: ignore[method-assign]
        slot = await services.activation.active("llm")
        assert slot is not None and slot.device == "cuda:0"
        assert not await services._holders.park(slot)
        driver.gpu(0, total=10**9, free=10**8)
        assert await services._holders.park(slot) and parked == [slot]
