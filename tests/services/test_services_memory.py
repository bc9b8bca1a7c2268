"""What taking a model out of memory gives back, and on which devices."""

from __future__ import annotations

import pytest

from tui_hub import processes
from tui_hub.domain.errors import DoesNotFitError
from tui_hub.domain.fit import Basis, Device, Need
from tui_hub.domain.slots import MemoryFigures, Slot
from tui_hub.domain.types import ModelType
from tui_hub.services.holders.memory import Memory, holds, room_for

GB = 1_000_000_000
GPUS = tuple(
    Device(index=index, name=f"GPU {index}", total=80 * GB, free=free * GB)
    for index, free in ((0, 10), (1, 10), (None, 60))
)


def on(device: str, used: int = 120 * GB) -> Slot:
    """A slot whose model this process holds."""
    return Slot(
        type=ModelType.LLM,
        model="hf:acme/large",
        revision="1",
        runtime="command",
        path="/models/large",
        device=device,
        holder=processes.this_process(),
        memory=MemoryFigures(used_after=used),
    )


@pytest.mark.parametrize(
    ("device", "returns"),
    [
        ("cpu", {None: 120 * GB}),
        ("cuda:1", {1: 120 * GB}),
        ("cuda:0+1", {0: 60 * GB, 1: 60 * GB}),
        ("gpu", {}),
        ("ollama.example.org", {}),
        ("cuda:0.example.org", {}),
    ],
)
def test_each_device_gets_back_what_it_gave(device: str, returns: dict[int | None, int]) -> None:
    assert holds(on(device)) == returns


async def test_no_gpu_is_thought_to_have_the_room_of_two() -> None:
    async def devices() -> tuple[Device, ...]:
        return GPUS

    held = await Memory(devices).held_by(on("cuda:0+1"))
    assert [(device.index, used) for device, used in held] == [(0, 60 * GB), (1, 60 * GB)]
    need = Need(part="weights", bytes=100 * GB, basis=Basis.HEADER)
    with pytest.raises(DoesNotFitError, match="too little"):
        room_for([need], GPUS, holds(on("cuda:0+1")))


async def test_slices_of_one_gpu_are_told_apart() -> None:
    first, second = (
        Device(index=0, name=f"GPU 0:{n}", total=16 * GB, free=n * GB, uuid=f"MIG-{n}")
        for n in range(2)
    )

    async def devices() -> tuple[Device, ...]:
        return first, second, GPUS[1]

    memory = Memory(devices)
    assert await memory.free(second) == 1 * GB
    assert await memory.held_by(on("cuda:0")) == [], "nobody knows of which to await it"
    assert [device.index for device, _ in await memory.held_by(on("cuda:0+1"))] == [1]
