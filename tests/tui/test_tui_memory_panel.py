"""Bars by holder, and words about slots: exact widths, nothing cut without a sign."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_tui_memory_line import HOST, LOST, gpu

from tui_hub.domain.hardware import BoxSample, GpuMoment, GpuProcess, GpuSample
from tui_hub.domain.invocation import Invocation
from tui_hub.domain.jobs import Owner
from tui_hub.domain.slots import MemoryFigures, Slot
from tui_hub.domain.swaps import SwapPicture, SwapStep
from tui_hub.domain.types import ModelType
from tui_hub.tui.drawing.draw import Line, width_of
from tui_hub.tui.drawing.glyphs import ASCII, UNICODE, Glyphs
from tui_hub.tui.drawing.holders import (
    Holder,
    after_change,
    bar_lines,
    before_change,
    gpu_holders,
    host_holders,
    legend,
    shares,
)
from tui_hub.tui.drawing.memory_panel import Box, brief_lines, full_lines
from tui_hub.tui.words.slot import slot_lines, swap_lines

GIB = 1024**3
INVOCATION = Invocation("tui-hub --home /h")
ON_HOST = Slot(
    type=ModelType.TTS,
    model="hf:acme/voice",
    revision="1",
    runtime="torch",
    path="/store/voice",
    device="cpu",
    holder=Owner(host="box", pid=77, started=0.0),
    memory=MemoryFigures(used_after=3 * GIB),
)


def words(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def test_a_bar_names_its_holders() -> None:
    holders = gpu_holders(gpu(used=50, ours=20), UNICODE)
    assert words(bar_lines(holders, 42, 3, UNICODE)) == [
        "▕████████▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░░░░░░░╱╱╱╱▏",
        "▕█ llm ██▓▓ others ▓▓░░░░░ free ░░░░░╱╱╱╱▏",
        "▕████████▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░░░░░░░╱╱╱╱▏",
    ]
    assert words(legend(holders, 45)) == [
        "█ llm  20.0 GiB  ▓ others  30.0 GiB",
        "░ free  40.0 GiB  ╱ driver  10.0 GiB",
    ]


def test_what_comes_stands_hatched_where_the_old_one_leaves() -> None:
    now = gpu_holders(gpu(used=50, ours=20), UNICODE)
    after = after_change(now, "llm", 30 * GIB, 20 * GIB, UNICODE)
    sizes = [(one.name, one.bytes // GIB, one.sign) for one in after]
    assert sizes == [
        ("llm", 30, "▒"), ("others", 30, "▓"), ("free", 30, "░"), ("driver", 10, "╱")
    ]  # fmt: skip
    untold = after_change(gpu_holders(gpu(used=50), UNICODE), "llm", 30 * GIB, 20 * GIB, UNICODE)
    assert [(one.name, one.bytes // GIB) for one in untold][:2] == [("llm", 30), ("others", 30)]


def test_what_leaves_stands_crossed_out() -> None:
    for ours in (20, 5, 0):
        now = gpu_holders(gpu(used=50, ours=ours), UNICODE)
        before = before_change(now, "llm", 20 * GIB, UNICODE)
        sizes = [(one.name, one.bytes // GIB, one.sign) for one in before]
        assert sizes == [
            ("leaves", 20, "╳"), ("others", 30, "▓"), ("free", 40, "░"), ("driver", 10, "╱")
        ], "also what the driver does not tell to be its"  # fmt: skip
    empty = before_change(gpu_holders(gpu(used=50), UNICODE), "llm", 0, UNICODE)
    assert [one.name for one in empty] == ["others", "free", "driver"]


def test_the_host_tells_slots_from_the_rest() -> None:
    held = {one.name: one.bytes // GIB for one in host_holders(HOST, [ON_HOST], UNICODE)}
    assert held == {"tts": 3, "others": 20, "free": 41}


def box(*gpus: GpuSample, error: str | None = None) -> Box:
    history = {one.uuid: [GpuMoment(memory_used=one.memory_used, utilization=5)] for one in gpus}
    sample = BoxSample(host=HOST, gpus=gpus, error=error)
    return Box(sample=sample, slots=[ON_HOST], history=history, host_history=[GIB, 2 * GIB])


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_no_line_is_wider_than_the_panel(glyphs: Glyphs) -> None:
    hostile = GpuProcess(pid=4_194_304, user="somebody-else", name="x" * 300, memory=GIB)
    boxes = [
        box(),
        box(error="no GPU: " + "why " * 40),
        box(gpu(processes=(hostile,)), LOST),
        box(*(gpu(number) for number in range(9))),
    ]
    for one in boxes:
        for width in range(30, 140, 7):
            for rows in (3, 20, 45):
                lines = [
                    *brief_lines(one, width, rows, glyphs),
                    *full_lines(one, width, rows, glyphs),
                ]
                assert max(map(width_of, lines)) <= width


def test_many_gpus_fold_to_one_line() -> None:
    lines = words(brief_lines(box(*(gpu(number) for number in range(9))), 60, 4, UNICODE))
    assert [line[:14].strip() for line in lines] == [
        "GPU0 ▕▓▓▓▓▓▓▓▓", "GPU1 ▕▓▓▓▓▓▓▓▓", "7 more GPUs ▅▅", "host ▕██▓▓▓▓▓▓"
    ]  # fmt: skip


def test_a_device_is_a_tower_as_high_as_there_is_room_for() -> None:
    alone = replace(box(gpu(used=50, ours=20)), slots=[])
    tall = words(full_lines(alone, 60, 26, UNICODE))
    assert tall[0] == "GPU0 H200" + " " * 36 + " 50.0/100.0 GiB"
    tower = [line for line in tall if line.startswith("▕")]
    assert "".join(line[1] for line in tower) == "░░░░░░░░▓▓▓▓▓▓████╱╱"
    beside = [line[22:].split() for line in tower if line[22:].strip()]
    assert beside == [
        ["free", "40.0", "GiB"],
        ["others", "30.0", "GiB"],
        ["llm", "20.0", "GiB"],
        ["driver", "10.0", "GiB"],
    ]
    assert tall[len(tower) + 1].endswith("78%  54°C")
    low = words(full_lines(alone, 60, 12, UNICODE))
    assert sum(line.startswith("▕") for line in low) == 7
    lowest = words(full_lines(alone, 60, 8, UNICODE))
    assert sum(line.startswith("▕") for line in lowest) == 1, "a bar that lies takes less room"


def test_the_tower_of_a_host_that_stands_alone_is_as_high_as_it_has_to_tell() -> None:
    for slots, high in (([], 6), ([ON_HOST], 9)):
        lines = words(full_lines(replace(box(), slots=slots), 80, 45, UNICODE))
        assert sum(line.startswith("▕") for line in lines) == high
    beside = words(full_lines(box(gpu()), 80, 45, UNICODE))
    assert sum(line.startswith("▕") for line in beside) == 20, "towers stand on one ground"


def test_many_gpus_stand_side_by_side_with_rows_of_figures() -> None:
    many = [gpu(number, used=10 * number, ours=10 if number == 3 else 0) for number in range(8)]
    many[1] = LOST
    lines = words(full_lines(replace(box(*many), slots=[]), 70, 30, UNICODE))
    assert lines[0].split() == [f"GPU{number}" for number in range(8)]
    figures = {line.split()[0]: line.split()[1:] for line in lines if line[:4].strip()}
    assert figures["GiB"] == ["0.0", "20.0", "30.0", "40.0", "50.0", "60.0", "70.0"]
    assert figures["busy"] == ["78%"] * 7
    floor = next(line for line in lines if "llm" in line)
    assert floor.count("▕") == 7, "the tower of the one that is lost is not drawn"
    assert any(" lost " in line for line in lines)
    assert "GPU1 lost: it fell off the bus" in lines
    wide = words(full_lines(replace(box(*many, *many), slots=[]), 40, 60, UNICODE))
    assert sum(line.startswith("busy") for line in wide) == 3, "in three rows"


@pytest.mark.parametrize("rows", range(4, 24))
def test_what_is_drawn_is_shared_by_size_and_shows_whoever_is_there(rows: int) -> None:
    holders = [
        Holder("llm", 60, "█", "bar"),
        Holder("tts", 1, "█", "good"),
        Holder("others", 30, "▓", "partial"),
        Holder("free", 109, "░", "rest"),
        Holder("driver", 0, "╱", "faint"),
    ]
    cells = shares(holders, rows)
    assert sum(cells) == rows and cells[-1] == 0
    assert min(cells[:4]) >= 1
    assert cells[3] == max(cells) or rows < 6
    crowd = [Holder(str(number), number + 1, "█", "bar") for number in range(30)]
    assert sum(shares(crowd, rows)) == rows and shares(crowd, rows)[-1] == 1
    nothing = [Holder("others", 0, "▓", "partial"), Holder("free", 0, "░", "rest")]
    assert shares(nothing, rows) == [0, rows]


def test_what_is_not_known_is_said() -> None:
    shared = replace(box(gpu(memory_shared=True)), slots=[])
    told = " ".join(words(full_lines(shared, 60, 30, UNICODE)))
    assert "GPU0 has no memory of its own" in told
    some = replace(box(gpu(), gpu(1, hidden=True)), slots=[])
    told = " ".join(words(full_lines(some, 60, 30, UNICODE)))
    assert "CUDA_VISIBLE_DEVICES keeps models from GPU1." in told


def test_a_change_shows_its_present_step_in_any_room() -> None:
    picture = SwapPicture(
        type=ModelType.LLM,
        model="hf:acme/new",
        previous="hf:acme/old",
        step=SwapStep.LOADING,
        passed=("checked", "released hf:acme/old", "memory back after 1 s"),
        done=41 * GIB,
        total=67 * GIB,
        speed=3.1 * GIB,
    )
    assert words(swap_lines(picture, 100, 8, UNICODE)) == [
        "leaves  hf:acme/old   comes   hf:acme/new",
        "✓ checked",
        "✓ released hf:acme/old",
        "✓ memory back after 1 s",
        f"↻ loading ▕{'█' * 24}▌{'░' * 15}▏  61%  41.0/67.0 GiB    3.1 GiB/s",
    ]
    for width in (40, 60, 80):
        lines = swap_lines(picture, width, 5, UNICODE)
        assert len(lines) <= 4
        assert words(lines)[-1].startswith("↻ loading ▕")
        assert words(lines)[-2].rstrip().endswith("✓ memory back after 1 s") or width == 40


def test_no_address_is_shown_of_a_server_that_is_gone() -> None:
    slot = Slot(
        type=ModelType.LLM,
        model="hf:acme/new",
        revision="1",
        runtime="command",
        path="/m",
        url="http://127.0.0.1:8000",
    )
    for error, shown in ((None, True), ("the process that kept it is gone", False)):
        told = replace(slot, error=error)
        lines = slot_lines(told, None, (), 80, UNICODE, lambda one: one.key, INVOCATION)
        assert ("http://127.0.0.1:8000" in " ".join(words(lines))) is shown
        assert "tui-hub --home /h active llm --path" in " ".join(words(lines))
        assert "tui-hub --home /h run llm -- COMMAND" in " ".join(words(lines))
