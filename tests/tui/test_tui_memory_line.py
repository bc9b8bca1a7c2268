"""The line with the memory of the box: by holder, at every width, and never drawn for nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from nvml_driver import GIB, StubDriver
from screen_driver import NARROW, Driver, fill, made, screen

from tui_hub.domain.hardware import BoxSample, GpuProcess, GpuSample, HostSample
from tui_hub.events import HardwareSampled
from tui_hub.settings import Configuration, load_configuration
from tui_hub.tui.drawing.draw import width_of
from tui_hub.tui.drawing.glyphs import ASCII, UNICODE, Glyphs
from tui_hub.tui.drawing.memory_line import memory_line
from tui_hub.tui.widgets.memory_bar import MemoryBar
from tui_hub.tui.words.gpu import gpu_bar, gpu_cells

HOST = HostSample(
    memory_total=64 * GIB,
    memory_used=23 * GIB,
    cpu_percent=12.0,
    disk_total=900 * GIB,
    disk_free=400 * GIB,
)


def gpu(index: int = 0, used: int = 50, ours: int = 0, **fields: object) -> GpuSample:
    """A GPU of 100 GiB, of which the driver keeps 10."""
    values: dict[str, object] = {
        "index": index,
        "uuid": f"GPU-{index}",
        "name": "NVIDIA H200",
        "memory_total": 100 * GIB,
        "memory_used": used * GIB,
        "memory_free": (90 - used) * GIB,
        "memory_reserved": 10 * GIB,
        "utilization": 78,
        "temperature": 54,
        "processes": (GpuProcess(pid=1, memory=ours * GIB, slot="llm"),),
    }
    return GpuSample(**{**values, **fields})  # type: ignore[arg-type]


LOST = GpuSample(index=1, uuid="GPU-1", name="NVIDIA H200", error="lost: it fell off the bus")


def line(room: int, *gpus: GpuSample, glyphs: Glyphs = UNICODE, error: str | None = None) -> str:
    """The text of the line, which must fit."""
    pieces = memory_line(BoxSample(host=HOST, gpus=gpus, error=error), room, glyphs)
    assert width_of(pieces) <= room
    return "".join(text for text, _ in pieces)


def test_a_bar_is_shared_by_holder() -> None:
    pieces = gpu_bar(gpu(used=50, ours=20), 10, UNICODE)
    assert pieces == [("██", "bar"), ("▓▓▓", "partial"), ("░░░░", "rest"), ("╱", "faint")]
    assert gpu_bar(gpu(used=50, ours=20), 10, ASCII)[0] == ("##", "bar")
    for width in range(30):
        assert width_of(gpu_bar(gpu(used=37, ours=11), width, UNICODE)) == width


def test_a_cell_says_how_full_a_gpu_is_and_whether_it_is_ours() -> None:
    cells = gpu_cells([gpu(used=0), gpu(used=50, ours=1), gpu(used=90), LOST], UNICODE)
    assert cells == [("▁", "partial"), ("▅", "bar"), ("▇", "partial"), ("!", "bad")]


def test_no_gpu() -> None:
    assert line(110, error="no GPU: nothing here") == (
        "no GPU  ram ▕██████▏░░░░░░░░░░▏ 23.0/64.0 GiB  cpu  12%  "
        "disk ▕█████████▌░░░░░░░▏ 400.0 GiB free of 900.0 GiB"
    )
    assert line(60, error="GPU driver hangs: no answer").startswith("GPU driver hangs  ram")


def test_one_gpu_at_three_widths() -> None:
    one = gpu(used=50, ours=20)
    assert line(76, one) == (
        "GPU0 ▕██▓▓░░░╱▏  50.0/100.0 GiB  78%  ram 23.0/64.0 GiB  disk 400.0 GiB free"
    )
    assert "GPU0 H200 ▕" in line(116, one) and " 78% 54°C  ram ▕" in line(116, one)
    assert "of 900.0 GiB" in line(196, one)


def test_what_does_not_fit_one_by_one_folds_to_cells() -> None:
    many = [gpu(index, used=10 * index, temperature=40 + index) for index in range(8)]
    many[1] = LOST
    assert "GPU7" in line(300, *many)
    assert line(116, *many).startswith("8 GPUs ▕▁!▂▃▄▅▅▆▏ 270.0/700.0 GiB  78% 47°C  ram ▕")
    assert line(60, *many, glyphs=ASCII).startswith("8 GPUs [_!.-=++*] 270.0/700.0")


def test_a_gpu_that_is_gone_says_so() -> None:
    assert "54°C  GPU1 lost  ram" in line(116, gpu(), LOST)
    assert "GPU1 lost" in line(50, LOST)
    assert line(116, *[LOST] * 12).startswith("12 GPUs ▕!!!!!!!!!!!!▏  ram ▕")


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_width_holds_with_steady_figures(glyphs: Glyphs) -> None:
    boxes = [(), (gpu(),), (gpu(), gpu(1)), (gpu(), LOST), tuple(gpu(n) for n in range(9))]
    for gpus in boxes:
        for room in range(58, 260):
            line(room, *gpus, glyphs=glyphs)
    for room in (60, 76, 116, 196):
        places = {
            line(room, gpu(used=used, utilization=busy), glyphs=glyphs).index("ram")
            for used, busy in ((0, 0), (9, 7), (90, 100))
        }
        assert len(places) == 1


def home(path: Path, **environment: str) -> Configuration:
    """A home that is read four times a second."""
    given = {"TUI_HUB_HOME": str(path), "HF_HUB_OFFLINE": "1", "TUI_HUB_GPU__INTERVAL": "0.25"}
    return load_configuration(environment={**given, **environment})


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (NARROW, ["GPU0 ▕", " 61.2/140.4  GPU1 ▕", " 12.0/140.4"]),
        ((120, 36), ["GPU0 ▕", " 61.2/140.4 GiB  78%  GPU1 ▕", " 12.0/140.4 GiB   3%"]),
        ((200, 50), ["GPU0 H200 ▕", " 78% 54°C  GPU1 H200 ▕", "  3% 31°C  ram ▕", "disk ▕"]),
    ],
)
async def test_two_gpus_in_the_frame(
    driver: StubDriver, tmp_path: Path, size: tuple[int, int], words: list[str]
) -> None:
    driver.two_gpus()
    async with screen(home(tmp_path / "home"), size) as shown:
        for number in range(1, 7):
            await shown.press(str(number))
            await shown.sees(*words)
            assert {len(line) for line in shown.lines()} == {size[0]}


async def test_the_frame_follows_the_gpus(driver: StubDriver, tmp_path: Path) -> None:
    driver.two_gpus(compute=f"{os.getpid()}:40000000000")
    async with screen(home(tmp_path / "home"), (200, 50)) as shown:
        await shown.sees("▕▓▓▓▓▓▓░░░░", "GPU1 H200")

        def owned() -> bool:
            # Whoever reads the slots tells anew which processes are ours.
            shown.services.hardware.own({os.getpid(): "llm"})
            return "▕████▓▓░" in shown.text()

        await shown.until(owned)
        driver.gpu(1, used=100 * GIB, free=40 * GIB, utilization=100, temperature=88)
        await shown.sees("100.0/140.4 GiB 100% 88°C")
        driver.gpu(1, fail=15)
        await shown.sees("GPU1 lost")
        driver.tell(count=1)
        await shown.sees("GPU1 vanished")
        driver.two_gpus()
        driver.gpu(1, fail=None)
        await shown.sees("GPU1 H200", "12.0/140.4 GiB")
        driver.tell(nvmlDeviceGetCount_v2=9)
        await shown.sees("no GPU driver  ram")


async def test_ascii(driver: StubDriver, tmp_path: Path) -> None:
    driver.two_gpus()
    async with screen(home(tmp_path / "home", TUI_HUB_SCREEN__ASCII="1"), (200, 50)) as shown:
        await shown.sees("GPU0 H200 [", " 78% 54C  GPU1")
        assert shown.row("GPU0").isascii()


async def test_a_reading_that_looks_the_same_is_not_drawn_again(
    offline: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    render = MemoryBar.render_line

    def counting(bar: MemoryBar, y: int) -> object:
        strip = render(bar, y)
        drawn.append(strip.text)
        return strip

    monkeypatch.setattr(MemoryBar, "render_line", counting)
    monkeypatch.setattr("tui_hub.services.hardware.Hardware.start", lambda self: None)

    async def take(shown: Driver, used: int) -> None:
        """A reading, carried to its end."""
        changed = gpu(used=50, memory_used=50 * GIB + used)
        shown.services.hardware.sample = BoxSample(host=HOST, gpus=(changed,))
        seen: list[object] = []
        shown.app.event_signal.subscribe(shown.app.screen, seen.append)

        def arrived() -> bool:
            # Whoever carries events may not listen yet.
            shown.services.bus.publish(HardwareSampled())
            return HardwareSampled() in seen

        await shown.until(arrived)
        shown.app.event_signal.unsubscribe(shown.app.screen)
        await shown.pilot.pause()

    await fill(offline, [made(0)])
    async with screen(offline) as shown:
        # What fits was asked of the box itself, once, and drawn.
        await shown.sees("model-0000", "no GPU")
        await take(shown, 0)
        await shown.sees("50.0/100.0 GiB")
        await shown.settled()
        count = len(drawn)
        for used in range(1, 5):
            await take(shown, used)
        assert len(drawn) == count
        await take(shown, 3 * GIB)
        await shown.sees("53.0/100.0 GiB")
        assert len(drawn) == count + 1
