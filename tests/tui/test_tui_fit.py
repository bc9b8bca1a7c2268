"""The Fit tab: parts and devices as bars, for the context and batch that are chosen."""

from __future__ import annotations

import re

import pytest
from nvml_driver import StubDriver
from screen_driver import NARROW, WIDE, Driver, screen
from test_tui_models import open_model

from tui_hub.demo import DemoHub, Fault, FaultKind
from tui_hub.demo.models import demo_repositories
from tui_hub.domain.errors import HubError, UsageError
from tui_hub.settings import Configuration
from tui_hub.tui.widgets.fit_pane import parse_tokens

CHAT = "demo-lab/lumen-chat-large"


@pytest.fixture(autouse=True)
def chat_models(hub: DemoHub) -> None:
    """Models with real headers."""
    for repository in demo_repositories():
        if repository.id.startswith("demo-lab/"):
            hub.put(repository)


async def open_fit(driver: Driver, model: str = CHAT) -> None:
    """Open the page of a model, and the tab."""
    await driver.services.repositories.details(model)
    await open_model(driver, f"hf:{model}")
    await driver.sees("Files ")
    await driver.press("right", "right")


def part(driver: Driver, name: str) -> str:
    """The size of a part, as it is shown."""
    found = re.search(rf"{name}\s+([\d.]+ \wi?B)", driver.text())
    assert found, driver.text()
    return found[1]


@pytest.mark.parametrize("size", [NARROW, WIDE, (200, 50)])
async def test_the_parts_stand_on_each_gpu(
    online: Configuration, driver: StubDriver, size: tuple[int, int]
) -> None:
    driver.two_gpus()
    async with screen(online, size=size) as shown:
        await open_fit(shown)
        await shown.sees("fits on GPU 1 now", "GPU 0 H200", "GPU 1 H200", "weights", "47.0 MiB")
        await shown.sees("header", "3 headers of its weights", "8 192", "batch 1")
        for word in ("kv cache", "activations", "runtime", "margin", "together"):
            await shown.sees(word)
        await shown.until(lambda: "host memory" not in shown.text())
        bars = [line for line in shown.lines() if "▕" in line and "░" in line]
        assert len(bars) >= 2
        # Half of the first one is others', and what comes takes less than a cell or one.
        assert all("─" in bar for bar in bars[:2])


async def test_without_a_gpu_it_says_so(online: Configuration) -> None:
    async with screen(online, size=NARROW) as shown:
        await open_fit(shown)
        await shown.sees("host memory", "fits in memory now")
        await shown.until(lambda: "no GPU" in shown.text() or "driver" in shown.text())


async def test_context_and_batch_change_the_figures_at_once(
    online: Configuration, hub: DemoHub
) -> None:
    async with screen(online) as shown:
        await open_fit(shown)
        await shown.sees("32.0 MiB", "8 192")
        hub.requests.clear()
        await shown.press("left_square_bracket")
        await shown.until(lambda: part(shown, "kv cache") == "16.0 MiB", "half of it")
        await shown.press("right_square_bracket", "greater_than_sign")
        await shown.until(lambda: part(shown, "kv cache") == "64.0 MiB", "two sequences")
        await shown.press("less_than_sign", "less_than_sign")
        await shown.until(lambda: part(shown, "kv cache") == "32.0 MiB", "one is the least")
        await shown.press("c", "ctrl+u", *"1k", "enter")
        await shown.until(lambda: part(shown, "kv cache") == "4.0 MiB", "as typed")
        await shown.press("c", "ctrl+u", *"many", "enter")
        await shown.sees("'many' is no number of tokens.")
        await shown.press("escape")
        assert hub.requests.select("*.safetensors") == [], "nobody is asked again"


async def test_variants_are_looked_at_one_after_the_other(online: Configuration) -> None:
    async with screen(online) as shown:
        await open_fit(shown, "demo-lab/lumen-chat-gguf")
        await shown.sees("variant Q4_K_M")
        first = part(shown, "weights")
        await shown.press("v")
        await shown.until(
            lambda: "variant Q4_K_M" not in shown.text() and "together" in shown.text()
        )
        assert part(shown, "weights") != first


async def test_the_memory_of_the_box_is_followed(online: Configuration, driver: StubDriver) -> None:
    driver.two_gpus()
    async with screen(online) as shown:
        await open_fit(shown)
        await shown.sees("fits on GPU 1 now")
        for number in (0, 1):
            driver.gpu(number, free=10_000_000, used=140_000_000_000)
        await shown.sees("too big", "fits only with a part in host memory", "host memory")


async def test_it_goes_on_once_a_box_can_be_read_again(
    online: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable() -> None:
        raise HubError("this box cannot be read")

    async with screen(online) as shown:
        await open_fit(shown)
        await shown.sees("32.0 MiB", "8 192")
        with monkeypatch.context() as patch:
            patch.setattr(shown.services.hardware, "read", unreadable)
            await shown.press("greater_than_sign")
            await shown.sees("this box cannot be read")
        await shown.press("less_than_sign")
        await shown.sees("32.0 MiB", "8 192")
        await shown.until(lambda: "cannot be read" not in shown.text())


async def test_headers_are_asked_for_when_somebody_looks(
    online: Configuration, hub: DemoHub
) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="*.safetensors", times=-1))
    async with screen(online) as shown:
        await shown.services.repositories.details(CHAT)
        await open_model(shown, f"hf:{CHAT}")
        await shown.sees("Files ")
        assert not stall.hits
        await shown.press("right", "right")
        await shown.sees("reading the headers of its weights")
        await shown.until(lambda: stall.hits)
        # The page can be left meanwhile, and nothing comes up on another one.
        await shown.press("right")
        stall.release()
        hub.faults.clear()
        await shown.press("left")
        await shown.sees("kv cache", "47.0 MiB")


async def test_a_model_without_a_context_says_so(online: Configuration) -> None:
    async with screen(online) as shown:
        await open_fit(shown, "demo-lab/still-diffusion")
        await shown.sees("activations", "unet")
        await shown.press("right_square_bracket")
        await shown.sees("This model keeps no context.")


@pytest.mark.parametrize(
    ("words", "tokens"),
    [("8192", 8192), ("8 192", 8192), ("32k", 32768), (" 1M ", 1048576), ("4,096", 4096)],
)
def test_tokens_as_people_write_them(words: str, tokens: int) -> None:
    assert parse_tokens(words) == tokens


@pytest.mark.parametrize("words", ["", "k", "0", "-1", "1.5k", "9" * 30, "８", "4096M"])
def test_what_is_no_number_of_tokens(words: str) -> None:
    with pytest.raises(UsageError):
        parse_tokens(words)
