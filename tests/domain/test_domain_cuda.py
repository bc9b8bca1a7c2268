"""What CUDA shows of the GPUs that the driver lists, and how torch is told to take memory."""

from __future__ import annotations

import pytest

from tui_hub.domain.cuda import shareable, visible
from tui_hub.domain.hardware import GpuSample

GPUS = [GpuSample(index=n, uuid=f"GPU-{n}aa{n}", name="NVIDIA H200") for n in range(3)]
SLICES = [
    GpuSample(index=0, uuid=f"MIG-{n}", name="NVIDIA H200 MIG 1g.18gb", parent="GPU-big", slice=n)
    for n in range(2)
]


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("2,0", [2, 0]),
        (" 1 , 2 ", [1, 2]),
        ("GPU-1aa1", [1]),
        ("GPU-2,0", [2, 0]),
        ("GPU-", []),
        ("0,-1,1", [0]),
        ("0,9,1", [0]),
        ("1,1", [1]),
        ("GPU-nothing,1", []),
        ("none", []),
        ("²", []),
    ],
)
def test_numbers_and_uuids_in_the_order_that_is_given(
    setting: str | None, shown: list[int]
) -> None:
    assert [gpu.index for gpu in visible(GPUS, setting)] == shown


def test_slices_are_meant_by_their_own_uuid_and_by_that_of_their_gpu() -> None:
    gpus = [*SLICES, GPUS[1]]
    assert visible(gpus, "MIG-1") == (SLICES[1],)
    assert visible(gpus, "GPU-big") == tuple(SLICES)
    assert visible(gpus, "0,1") == (*SLICES, GPUS[1])


@pytest.mark.parametrize(
    ("setting", "kept"),
    [
        ("expandable_segments:True", ""),
        (" expandable_segments : True ,max_split_size_mb:64", "max_split_size_mb:64"),
        (
            "roundup_power2_divisions:[256:1,512:2,>:4],expandable_segments:True,backend:native",
            "roundup_power2_divisions:[256:1,512:2,>:4],backend:native",
        ),
        ("expandable_segments:False, backend:native", "expandable_segments:False, backend:native"),
        ("garbage, expandable_segments", "garbage, expandable_segments"),
        ("backend:cudaMallocAsync", ""),
        ("max_split_size_mb:64, backend : cudaMallocAsync ", "max_split_size_mb:64"),
        ("", ""),
    ],
)
def test_memory_that_nobody_else_can_open_is_left_out_and_nothing_else(
    setting: str, kept: str
) -> None:
    assert shareable(setting) == kept
