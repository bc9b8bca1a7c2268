"""Slots whose models are on a GPU: activate, attach, switch, roll back, deactivate."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from activation_homes import FIRST, SECOND, children, home, install
from homes import Configure
from real_gpu import DEVICE, MIB, SLACK, figures, filled, needs_gpu, used_again
from safetensors.torch import load_file

import tui_hub
from tui_hub.domain.errors import DoesNotFitError
from tui_hub.domain.fit import GPU_RUNTIME, LEAST_MARGIN
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.services import Services

pytestmark = needs_gpu

TIGHT = GPU_RUNTIME + LEAST_MARGIN - 8 * MIB
"""Bytes free in which a second model has room, and not its margin: the first has to leave."""


def same(services: Services, path: str) -> bool:
    """Whether the slot's tensors are those of a folder."""
    files = load_file(Path(path) / "model.safetensors")
    with tui_hub.attach("llm", environment=services.configuration.environment) as weights:
        assert weights.device == DEVICE
        return all(weights[name].cpu().equal(tensor) for name, tensor in files.items())


async def test_from_the_first_model_to_an_empty_slot(gpu_home: Configure) -> None:
    before, _ = figures()
    async with home(gpu_home()) as services:
        await install(services, FIRST, SECOND)
        first = await services.activation.activate(FIRST)
        assert (first.status, first.device) == ("active", DEVICE), first.error
        assert same(services, first.path or "")
        (gpu, *_) = (await services.hardware.read()).gpus
        assert first.pid in [one.pid for one in gpu.processes] or gpu.unnamed
        second = await services.activation.switch(SECOND)
        assert (second.status, second.previous) == ("active", f"hf:{FIRST}")
        assert same(services, second.path or "")
        reloaded = await services.activation.reload("llm")
        assert reloaded.status == "active" and reloaded.pid != second.pid
        assert (await services.activation.deactivate("llm")).status == "inactive"
        assert children(services.configuration) == []
    await used_again(before, SLACK)  # this process had the weights too


@pytest.mark.parametrize("parked", [True, False])
async def test_a_switch_that_fails_brings_the_old_model_back(
    gpu_home: Configure, monkeypatch: pytest.MonkeyPatch, parked: bool
) -> None:
    if not parked:
        monkeypatch.setattr("tui_hub.services.holders.torch_holder._PARKING_SHARE", 0)
    before, _ = figures()
    async with home(gpu_home()) as services:
        await install(services, FIRST, "acme/nan")
        first = await services.activation.activate(FIRST)
        with filled(free=TIGHT):
            result = await services.activation.switch("acme/nan")
        assert result.status == "rolled_back"
        assert (result.pid == first.pid) is parked
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.FAILED,))
        assert ("waits in the memory of the host" in " ".join(job.log)) is parked
        assert same(services, first.path or "")
        await services.activation.deactivate("llm")
    await used_again(before, SLACK)


async def test_a_switch_ends_what_waited_in_the_host(gpu_home: Configure) -> None:
    before, _ = figures()
    async with home(gpu_home()) as services:
        await install(services, FIRST, SECOND)
        await services.activation.activate(FIRST)
        with filled(free=TIGHT):
            second = await services.activation.switch(SECOND)
        assert second.status == "active"
        assert [one.pid for one in children(services.configuration)] == [second.pid]
        await services.activation.deactivate("llm")
    await used_again(before)


async def test_a_full_gpu_is_refused_before_anything_is_changed(gpu_home: Configure) -> None:
    async with home(gpu_home()) as services:
        await install(services, FIRST)
        with filled(free=256 * MIB), pytest.raises(DoesNotFitError, match="too little"):
            await services.activation.activate(FIRST)
        assert (await services.activation.activate(FIRST)).status == "active"


async def test_the_variables_of_a_user_are_no_hindrance(gpu_home: Configure) -> None:
    uuid = f"GPU-{torch.cuda.get_device_properties(0).uuid}"
    variables = {
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True,backend:cudaMallocAsync",
        "CUDA_VISIBLE_DEVICES": uuid,
        "CUDA_DEVICE_ORDER": "FASTEST_FIRST",
    }
    async with home(gpu_home(**variables)) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST)
        assert first.device == DEVICE and same(services, first.path or "")
