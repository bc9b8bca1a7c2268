"""The Active screen with real torch on the processor: changes as they go, and how they end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from activation_homes import FIRST, SECOND, children, install, torch_repositories
from homes import Configure
from nvml_driver import GIB, StubDriver, sleeper
from screen_driver import NARROW, Driver, screen
from small_models import tensors_file
from textual.strip import Strip

import tui_hub
from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.slots import Slot
from tui_hub.events import Event, HardwareSampled
from tui_hub.runtime.torch_children import TorchChild
from tui_hub.services import open_services
from tui_hub.settings import Configuration
from tui_hub.tui.screens.activation import ActivationQuestion
from tui_hub.tui.screens.active import ActiveScreen
from tui_hub.tui.screens.confirm import Confirm
from tui_hub.tui.screens.model import ModelScreen
from tui_hub.tui.widgets.memory_pane import MemoryPane

pytestmark = pytest.mark.usefixtures("warm_torch")

MEDIUM = (120, 36)
LORA = Repository(
    id="acme/lora",
    files=(
        RepositoryFile("adapter_config.json", b'{"base_model_name_or_path": "acme/first"}'),
        RepositoryFile("adapter_model.safetensors", tensors_file(5)),
    ),
    task="text-generation",
    library="peft",
)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    models = [*torch_repositories(tmp_path), LORA]
    with DemoHub(per_connection=0, total=0, repositories=models) as running:
        yield running


@pytest.fixture
def configuration(configure: Configure) -> Configuration:
    """A home where models are loaded into memory."""
    return configure(
        TUI_HUB_RUNTIME__USE="auto", TUI_HUB_SYNC__ENABLED="false", TUI_HUB_GPU__INTERVAL="0.25"
    )


@asynccontextmanager
async def torch_screen(
    configuration: Configuration, *models: str, size: tuple[int, int] = MEDIUM
) -> AsyncIterator[Driver]:
    """A screen over a home with some models, none of whose processes is left at the end."""
    try:
        async with screen(configuration, size) as driver:
            await install(driver.services, *models)
            yield driver
            await driver.app.changes.close()
    finally:
        for process in children(configuration):
            os.kill(process.pid, signal.SIGKILL)


async def ask(driver: Driver, model: str) -> None:
    """Open the page of a model, and ask for its activation."""
    await driver.app.push_screen(ModelScreen(await driver.services.catalogue.get(model)))
    await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
    await driver.press("a")
    await driver.until(lambda: isinstance(driver.app.screen, ActivationQuestion))


async def noted(driver: Driver, words: str) -> None:
    """Wait for a note."""
    await driver.until(lambda: any(words in note for note in driver.notes()), words)


async def held(driver: Driver) -> Slot:
    """The slot of language models, with its process."""
    slot = await driver.services.activation.active("llm")
    assert slot is not None and slot.pid is not None
    return slot


@dataclass
class Stopper:
    """Stops the next process that is to hold a model while it imports torch."""

    armed: bool = False
    pid: int | None = None


@pytest.fixture
def stopper(monkeypatch: pytest.MonkeyPatch) -> Stopper:
    """Armed by hand."""
    start = TorchChild.start
    stopper = Stopper()

    async def stopped(**arguments: Any) -> TorchChild:
        child = await start(**arguments)
        if stopper.armed:
            os.kill(child.pid, signal.SIGSTOP)
            stopper.armed, stopper.pid = False, child.pid
        return child

    monkeypatch.setattr(TorchChild, "start", stopped)
    return stopper


async def held_up(driver: Driver, stopper: Stopper) -> int:
    """The process that was stopped."""
    await driver.until(lambda: stopper.pid and driver.app.live.swaps)
    assert stopper.pid is not None
    return stopper.pid


def focus(driver: Driver) -> str | None:
    """The answer that the question rests on."""
    return driver.app.focused.id if driver.app.focused else None


async def test_a_model_is_activated_and_one_that_fails_leaves_it(
    configuration: Configuration, stopper: Stopper
) -> None:
    async with torch_screen(configuration, FIRST, "acme/nan") as driver:
        await ask(driver, FIRST)
        await driver.until(lambda: focus(driver) == "yes")
        await driver.sees("leaves   nothing", "torch on host memory", "weights 1.5 MiB")
        await driver.sees("it was not loaded here before", "Fits: to work it needs")
        stopper.armed = True
        await driver.press("enter", "3")
        child = await held_up(driver, stopper)
        await driver.sees("Changing llm", "comes   hf:acme/first", "↻ checking", "Active ↻")
        os.kill(child, signal.SIGCONT)
        await noted(driver, "hf:acme/first is active as llm: ")
        await driver.sees("●  llm", "hf:acme/first", "by torch on cpu", "needed 1.5 MiB", "load ")
        first = await held(driver)
        await driver.sees(str(first.pid), "▏ llm ", "▏ others", "▏ free", "no GPU: ")

        await ask(driver, "acme/nan")
        await driver.sees("gives back", "torch on host memory")
        await driver.press("y", "3")
        await noted(driver, "NaN, not numbers\nhf:acme/first is active as llm, as before.")
        await driver.sees("llm was not changed", "! hf:acme/nan did not come: ", "✓ hf:acme/first")
        assert (await held(driver)).pid == first.pid
        await driver.press("j")
        await driver.until(lambda: "did not come" not in driver.text())
        assert driver.app.live.failures == ()


async def test_a_slot_whose_process_is_gone_says_so_and_r_mends_it(
    configuration: Configuration,
) -> None:
    async with torch_screen(configuration, FIRST, size=NARROW) as driver:
        await driver.services.activation.activate(FIRST)
        await driver.press("3")
        await driver.sees("hf:acme/first", "by torch on cpu")
        first = await held(driver)
        os.kill(first.pid or 0, signal.SIGKILL)
        await driver.sees("!  llm", "not in memory hf:acme/first", "Active !1")
        await driver.sees(f"the process {first.pid} that held it in memory is gone")
        await driver.sees("r loads it again")
        await driver.press("r")
        await noted(driver, "hf:acme/first is active as llm: ")
        await driver.sees("r reload", "by torch on cpu")
        second = await held(driver)
        await driver.press("r")
        await driver.sees("Reload?", "hf:acme/first")
        await driver.press("n")
        assert (await held(driver)).pid == second.pid


async def test_who_uses_a_model_is_seen_and_told_before_it_leaves(
    configuration: Configuration,
) -> None:
    async with torch_screen(configuration, FIRST, SECOND) as driver:
        await driver.services.activation.activate(FIRST)
        await driver.press("3")
        await driver.sees("hf:acme/first", "by torch on cpu")
        assert "used by" not in driver.text()
        environment = configuration.environment
        with await asyncio.to_thread(tui_hub.attach, "llm", environment=environment):
            me = str(os.getpid())
            await driver.sees("used by", "1 program: ", me)
            for key, question in (("x", "Deactivate?"), ("r", "Reload?")):
                await driver.press(key)
                await driver.sees(question, "1 program uses it: ", me, "keeps")
                await driver.press("n")
                await driver.until(lambda: isinstance(driver.app.screen, ActiveScreen))
            await driver.press("a")
            await driver.sees("A model for llm", "1 program uses it: ", me)
            await driver.press("escape")
            await ask(driver, SECOND)
            await driver.sees("leaves   hf:acme/first", "1 program uses it: ", me)
            await driver.press("n", "escape")
        await driver.until(lambda: "used by" not in driver.text() and "held" in driver.text())


async def test_a_change_goes_on_elsewhere_and_can_be_cancelled(
    configuration: Configuration, stopper: Stopper
) -> None:
    async with torch_screen(configuration, FIRST, SECOND) as driver:
        await driver.services.activation.activate(FIRST)
        await ask(driver, SECOND)
        stopper.armed = True
        await driver.press("enter")
        child = await held_up(driver, stopper)
        await driver.press("escape", "1")
        await driver.sees("1 Browse", "Active ●1 ↻")
        await driver.press("3")
        await driver.sees("c cancel", "Changing llm", "leaves  hf:acme/first")
        await driver.press("c")
        await driver.sees("Cancel the change?", "hf:acme/first stays")
        await driver.until(lambda: focus(driver) == "no")
        os.kill(child, signal.SIGCONT)
        await driver.press("y")
        await noted(driver, "Cancelled. hf:acme/first is active as llm, as before.")
        await driver.until(lambda: not driver.app.live.swaps)
        (job, *_) = await driver.services.jobs.list((JobType.ACTIVATE,))
        assert job.status is JobStatus.CANCELLED
        await driver.until(lambda: "c cancel" not in driver.lines()[-1])
        await driver.until(lambda: "r reload" in driver.lines()[-1])


async def test_pickle_files_need_a_second_word(configuration: Configuration) -> None:
    async with torch_screen(configuration, "acme/pickle") as driver:
        for answer in ("enter", "y"):
            await ask(driver, "acme/pickle")
            await driver.sees("pickle files need your consent")
            await driver.press("y")
            await driver.sees("Load pickle files?", "can run any program")
            await driver.until(lambda: focus(driver) == "no")
            await driver.press(answer)
            await driver.until(lambda: not isinstance(driver.app.screen, Confirm))
            if answer == "enter":
                assert await driver.services.activation.slots() == ()
        await noted(driver, "hf:acme/pickle is active as llm: ")


async def test_what_does_not_fit_says_why_and_rests_on_no(
    driver: StubDriver, configuration: Configuration
) -> None:
    driver.two_gpus()
    for number in (0, 1):
        driver.gpu(number, free=200 * 1024**2, used=139 * GIB)
    async with torch_screen(configuration, FIRST) as shown:
        await ask(shown, FIRST)
        await shown.sees("it needs 513.5 MiB of GPU 0 H200", "too little")
        await shown.until(lambda: focus(shown) == "no")


async def test_a_slot_is_filled_from_what_is_installed(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with torch_screen(configuration, FIRST, SECOND) as driver:
        await driver.press("3", "a")
        await driver.sees("A model for llm", "Memory, as it would be", "host memory")
        await driver.sees("now", "then", "leaves  nothing", "How long it takes is not known")
        await driver.press("G")
        await driver.sees("▒ comes   hf:acme/second")
        await driver.until(lambda: "x deactivate" not in driver.lines()[-1])
        await driver.until(lambda: "⏎ take" in driver.lines()[-1])
        await driver.press("escape")
        await driver.sees("No model stands for llm", "─ Memory ─", "a fill")
        assert driver.app.current_mode == "active"
        await driver.press("a")
        await driver.sees("A model for llm", "hf:acme/second")
        await driver.press("g")
        await driver.sees("▒ comes   hf:acme/first")
        await driver.sees("How long it takes")
        await driver.press("enter")
        await noted(driver, "hf:acme/first is active as llm: ")
        assert not any("is on its way" in note for note in driver.notes())
        await driver.sees("●  llm", "─ Memory ─")

        await driver.press("a")
        await driver.sees("▒ comes   hf:acme/second", "╳ leaves  hf:acme/first")
        await driver.sees("Loads in about", "as the last loads")
        await driver.press("k")
        await driver.sees("▒ comes   hf:acme/first", "as its last load")
        await driver.press("enter")
        await driver.until(lambda: any("stands there already" in one for one in driver.notes()))
        await driver.press("escape")
        await driver.sees("─ Memory ─")
        await driver.press("j", "a")
        await driver.until(lambda: any("No image_gen model" in one for one in driver.notes()))
        await driver.until(lambda: "A model for" not in driver.text())


async def test_adapters_are_not_offered_to_a_slot(configuration: Configuration) -> None:
    async with torch_screen(configuration, FIRST, LORA.id, size=NARROW) as driver:
        await driver.press("3", "a")
        await driver.sees("A model for llm", "hf:acme/first")
        await driver.sees("1 adapter: its base model's Configuration takes it")
        assert "hf:acme/lora" not in driver.text()
        await driver.press("escape")
        await driver.until(lambda: "1 adapter" not in driver.text())
        await driver.services.storage.delete(FIRST)
        await driver.press("a")
        words = "No llm model is installed, but 1 adapter: its base model's Configuration takes"
        await driver.until(lambda: any(words in note for note in driver.notes()))


async def test_a_change_of_another_process_is_seen(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, gate = TorchChild.load, asyncio.Event()

    async def gated(child: TorchChild, *arguments: Any) -> Any:
        await gate.wait()
        return await load(child, *arguments)

    async with torch_screen(configuration, FIRST, SECOND) as driver:
        await driver.services.activation.activate(FIRST)
        monkeypatch.setattr(TorchChild, "load", gated)
        async with open_services(configuration) as elsewhere:
            change = asyncio.create_task(elsewhere.activation.switch(SECOND))
            await driver.press("3")
            await driver.sees("Changing llm", "hf:acme/second", "in another process", "Active ●1 ↻")
            await driver.press("c")
            await driver.until(lambda: any("Another process" in one for one in driver.notes()))
            gate.set()
            assert (await change).status == "active"
            await driver.until(lambda: not driver.app.live.swaps)
            await driver.sees("●  llm", "hf:acme/second", "by torch on cpu")


async def test_what_does_not_fit_a_slot_is_not_taken(
    driver: StubDriver, configuration: Configuration
) -> None:
    driver.two_gpus()
    for number in (0, 1):
        driver.gpu(number, free=200 * 1024**2, used=139 * GIB)
    async with torch_screen(configuration, FIRST, size=NARROW) as shown:
        await shown.press("3", "a")
        await shown.sees("A model for llm", "it needs 513.5 MiB of GPU 0 H200", "313.5 MiB")
        await shown.press("enter")
        await shown.until(lambda: any("513.5 MiB" in note for note in shown.notes()))
        assert shown.app.live.swaps == ()
        await shown.sees("A model for llm")


async def test_the_choice_is_seen_on_gpus_at_every_size(
    driver: StubDriver, configuration: Configuration
) -> None:
    driver.two_gpus()
    for size in (NARROW, MEDIUM):
        async with torch_screen(configuration, FIRST, size=size) as shown:
            await shown.press("3", "a")
            await shown.sees("▒ comes   hf:acme/first", "now ", "then ", "░", "How long it takes")
            assert {len(line) for line in shown.lines()} == {size[0]}
            await shown.sees("hf:acme/first  safetensors", "⏎ take")


@pytest.mark.parametrize("size", [NARROW, MEDIUM, (200, 50)])
async def test_gpus_stand_by_holder_with_their_processes(
    driver: StubDriver, configuration: Configuration, tmp_path: Path, size: tuple[int, int]
) -> None:
    hostile = tmp_path / "[red]x\x1b[2J\u202e"
    hostile.write_bytes(Path("/bin/sleep").read_bytes())
    hostile.chmod(0o755)
    with sleeper(hostile) as other:
        async with torch_screen(configuration, FIRST, size=size) as shown:
            await shown.services.activation.activate(FIRST)
            pid = (await held(shown)).pid
            driver.two_gpus(compute=f"{pid}:30000000000,{other}:20000000000")
            await shown.press("3")
            await shown.sees("─ Memory ─", "GPU0", "61.2/140.4", "GPU1", "12.0/140.4")
            if size == NARROW:
                await shown.sees("78% 54°C 312/700 W", "host ▕", "GPU0 ▕█████")
            else:
                figures = ["GiB  ", "█ llm", "▓ others"]
                if size != MEDIUM:
                    figures = ["61.2/140.4 GiB", "▏ llm", "▏ others", "12.0/140.4 GiB"]
                await shown.sees("busy", "Host", " 61.2", " 12.0", *figures)
                shown.app.screen.query_one("#memory").focus()
                await shown.press("G")
                await shown.sees(
                    "not seen from here", str(other), "[red]x", "llm python", "27.9 GiB"
                )
            assert {len(line) for line in shown.lines()} == {size[0]}
            assert "\x1b" not in shown.text() and "\u202e" not in shown.text()


async def test_leaving_asks_while_a_slot_is_being_changed(
    configuration: Configuration, stopper: Stopper
) -> None:
    async with torch_screen(configuration, FIRST) as driver:
        await ask(driver, FIRST)
        stopper.armed = True
        await driver.press("enter", "3")
        child = await held_up(driver, stopper)
        await driver.press("q")
        await driver.sees("Leave?", "The slot llm is being changed", "the slot stays empty")
        await driver.until(lambda: focus(driver) == "no")
        await driver.press("n")
        await driver.until(lambda: isinstance(driver.app.screen, ActiveScreen))
        os.kill(child, signal.SIGCONT)
        await noted(driver, "hf:acme/first is active as llm: ")


async def test_readings_draw_the_lines_alone_that_they_change(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    render = MemoryPane.render_line

    def counting(pane: MemoryPane, y: int) -> Strip:
        drawn.append(y)
        return render(pane, y)

    async with screen(configuration, MEDIUM) as driver:
        await driver.press("3")
        await driver.sees("Host memory")
        await driver.settled()
        readings: list[Event] = []
        driver.app.event_signal.subscribe(driver.app.screen, readings.append)
        monkeypatch.setattr(MemoryPane, "render_line", counting)
        await driver.until(lambda: readings.count(HardwareSampled()) >= 3 and drawn)
        why_no_gpu = 0
        assert why_no_gpu not in drawn
