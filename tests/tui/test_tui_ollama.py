"""What Ollama's daemon has in memory, on the Active screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from homes import Configure
from ollama_server import OllamaServer
from screen_driver import WIDE, screen

from tui_hub.tui.screens.activation import ActivationQuestion
from tui_hub.tui.screens.active import ActiveScreen
from tui_hub.tui.screens.confirm import Confirm
from tui_hub.tui.screens.model import ModelScreen


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    server = OllamaServer()
    for name in ("llama3.1:8b", "qwen3:4b"):
        server.hold(name)
    server.memory["\x1b[31m"] = {"name": "\x1b[31m", "size": 1, "size_vram": 0}
    server.memory["[/]"] = {"name": "[/]", "size": 1, "size_vram": 0}
    server.memory["qwen3:4b"] = {"name": "qwen3:4b", "size": 8_000_000, "size_vram": 2_000_000}
    server.hold("[/]")
    yield server
    server.close()


async def test_what_stands_in_no_slot_is_let_go_when_the_person_agrees(
    configure: Configure, ollama: OllamaServer
) -> None:
    configuration = configure(
        OLLAMA_HOST=ollama.url, TUI_HUB_SYNC__ENABLED="false", TUI_HUB_RUNTIME__USE="auto"
    )
    async with screen(configuration, WIDE) as driver:
        await driver.services.activation.activate("ollama:llama3.1:8b")
        await driver.press("3")
        await driver.until(lambda: isinstance(driver.app.screen, ActiveScreen))
        await driver.sees("In Ollama's daemon", "llm llama3.1:8b", "25% on GPU", ollama.url)
        await driver.press("f")
        await driver.until(lambda: isinstance(driver.app.screen, Confirm))
        await driver.sees("qwen3:4b", "[/]")
        await driver.press("y")
        await driver.until(lambda: set(ollama.memory) == {"llama3.1:8b", "\x1b[31m"})
        await driver.until(lambda: "frees what stands" not in driver.text())


async def test_a_model_of_the_daemon_is_activated_without_a_download(
    configure: Configure, ollama: OllamaServer
) -> None:
    configuration = configure(
        OLLAMA_HOST=ollama.url, TUI_HUB_SYNC__ENABLED="false", TUI_HUB_RUNTIME__USE="auto"
    )
    async with screen(configuration, WIDE) as driver:
        await driver.services.sync.run(["ollama:local"])
        model = await driver.services.catalogue.get("ollama:llama3.1:8b")
        await driver.app.push_screen(ModelScreen(model))
        await driver.until(lambda: isinstance(driver.app.screen, ModelScreen))
        await driver.press("a")
        await driver.until(lambda: isinstance(driver.app.screen, ActivationQuestion))
        await driver.sees("The Ollama daemon loads it")
        await driver.press("y")
        await driver.until(lambda: "llama3.1:8b" in ollama.memory)
        await driver.until(lambda: any("is active as llm" in note for note in driver.notes()))
