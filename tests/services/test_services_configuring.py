"""What is set for a model: seen in the bytes that are loaded, in servers, in estimates."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from activation_homes import FIRST, SECOND, home, install, torch_repositories
from homes import Configure
from nvml_driver import StubDriver
from ollama_server import OllamaServer
from small_models import tensors_file

from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.demo.models import demo_repositories
from tui_hub.domain.configuration import Effective, Origin
from tui_hub.domain.errors import NotFoundError, RefusedError, UsageError
from tui_hub.domain.slots import Slot
from tui_hub.events import ModelChanged
from tui_hub.services import Services, open_services

pytestmark = pytest.mark.usefixtures("warm_torch")

SCRIPT = Path(__file__).parents[1] / "server_script.py"
LARGE = "demo-lab/lumen-chat-large"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load, and one with a large context."""
    large = [one for one in demo_repositories() if one.id == LARGE]
    quants = Repository(
        id="acme/quants",
        files=(RepositoryFile("quants-Q4_0.gguf", b"GGUF"),),
        task="text-generation",
    )
    repositories = [*torch_repositories(tmp_path), *large, quants]
    with DemoHub(per_connection=0, total=0, repositories=repositories) as running:
        yield running


async def slot(services: Services) -> Slot:
    found = await services.activation.active("llm")
    assert found is not None
    return found


async def loaded(services: Services) -> int:
    """The bytes that the last load of the slot's model brought into memory."""
    last = await services.activation.last_load(await slot(services))
    assert last is not None
    return last.bytes


async def test_a_dtype_is_seen_in_what_is_loaded(configure: Configure) -> None:
    configuration = configure(TUI_HUB_RUNTIME__USE="auto", TUI_HUB_RUNTIME__DTYPE="float16")
    async with home(configuration) as services:
        await install(services, FIRST)
        await services.activation.activate(FIRST)
        assert await loaded(services) == 800_000, "as the settings say"

        told = await services.configuring.change(FIRST, {"dtype": "auto"})
        assert (told.active, told.stale) == (("llm",), ("llm",))
        assert told.effective["dtype"] == Effective("auto", Origin.MODEL)
        weights = (await services.fit.check(FIRST)).judgement.need[0]
        assert weights.bytes == 1_600_000
        await services.activation.reload("llm")
        assert await loaded(services) == 1_600_000, "the model's own word goes before"
        assert (await services.configuring.show(FIRST)).stale == ()

        wider = await services.configuring.change(FIRST, {"dtype": "float64", "context": "7"})
        assert wider.stale == ("llm",)
        again = await services.activation.activate(FIRST)
        assert again.note is None and await loaded(services) == 3_200_000
        pid = again.pid

        await services.configuring.change(FIRST, {"device": "cuda:7"})
        with pytest.raises(RefusedError, match="cuda:7, which is not there"):
            await services.activation.reload(FIRST)
        assert ((await slot(services)).pid, await loaded(services)) == (pid, 3_200_000)
        back = await services.configuring.take_back(FIRST, 2)
        assert (back.version, back.stale) == (4, ()), "it is as it was loaded"
        assert (await services.activation.activate(FIRST)).note == "it was active already"


async def test_an_option_of_activate_goes_first(configure: Configure) -> None:
    async with home(configure(TUI_HUB_RUNTIME__USE="auto")) as services:
        await install(services, FIRST)
        await services.configuring.change(FIRST, {"runtime": "link"})
        assert (await services.activation.preview(FIRST)).runtime == "link"
        torch = await services.activation.activate(FIRST, runtime="torch")
        assert torch.runtime == "torch"
        again = await services.activation.reload("llm")
        assert again.runtime == "torch", "nothing was set since, so it stays as it was asked for"
        await services.configuring.change(FIRST, {"dtype": "bfloat16"}, ["runtime"])
        await services.configuring.change(FIRST, {"runtime": "link"})
        assert (await services.configuring.show(FIRST)).stale == ("llm",)
        await services.activation.deactivate("llm")
        assert (await services.activation.activate(FIRST)).runtime == "link"


async def asked(url: str | None) -> str:
    def fetch() -> str:
        with urllib.request.urlopen(f"{url}/health", timeout=60) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(fetch)


async def test_a_server_gets_it_and_a_roll_back_brings_back_what_was_loaded(
    configure: Configure, tmp_path: Path
) -> None:
    words = [sys.executable, str(SCRIPT), "{port}", "--model", "{context:4096} {options.tone}"]
    words += ["--talk", "{options.talk:0}"]
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text(
        f"[runtime.commands.tiny]\ncommand = {words!r}\nstop_timeout = 3\n"
    )
    async with home(configure(TUI_HUB_RUNTIME__USE="tiny")) as services:
        await install(services, FIRST, SECOND)
        with pytest.raises(RefusedError, match=r"tiny wants \{options.tone\}") as refused:
            await services.activation.activate(FIRST)
        assert "tui-hub configure hf:acme/first options.tone=VALUE" in (refused.value.hint or "")
        with pytest.raises(UsageError, match=r"nothing would take options.tune") as wrong:
            await services.configuring.change(FIRST, {"options.tune": "warm"})
        assert "tiny takes talk, tone" in (wrong.value.hint or "")

        await services.configuring.change(FIRST, {"options.tone": "warm"})
        first = await services.activation.activate(FIRST)
        assert await asked(first.url) == "4096 warm"
        await services.configuring.change(FIRST, {"options.tone": "cold", "context": "512"})
        await services.configuring.change(SECOND, {"options.tone": "x", "options.talk": "loudly"})
        failed = await services.activation.switch(SECOND)
        assert (failed.status, failed.previous) == ("rolled_back", "hf:acme/first")
        assert await asked((await slot(services)).url) == "4096 warm"
        assert (await services.configuring.show(FIRST)).stale == ("llm",)
        second = await services.activation.reload("llm")
        assert await asked(second.url) == "512 cold"


async def test_ollama_is_told(configure: Configure) -> None:
    ollama = OllamaServer()
    try:
        ollama.hold("qwen3:4b")
        environment = {"TUI_HUB_RUNTIME__USE": "auto", "OLLAMA_HOST": ollama.url}
        async with home(configure(**environment)) as services:
            await services.sync.run(["ollama:local"])
            model = "ollama:qwen3:4b"
            await services.configuring.change(
                model,
                {
                    "context": "2048", "options.num_gpu": "0", "options.use_mmap": "false",
                    "options.temperature": "0.5", "options.stop": "END",
                },
            )  # fmt: skip
            await services.activation.activate(model)
            assert options_asked(ollama) == {
                "num_ctx": 2048, "num_gpu": 0, "use_mmap": False, "temperature": 0.5, "stop": "END",
            }  # fmt: skip
            told = await services.configuring.reset(model)
            assert told.stale == ("llm",)
            await services.activation.reload("llm")
            assert options_asked(ollama) is None
    finally:
        ollama.close()


async def test_a_model_that_ollama_is_given_has_it_for_whoever_asks(configure: Configure) -> None:
    ollama = OllamaServer()
    try:
        ollama.daemon = []
        environment = {"TUI_HUB_RUNTIME__USE": "auto", "OLLAMA_HOST": ollama.url}
        async with home(configure(**environment)) as services:
            await install(services, "acme/quants")
            await services.configuring.change(
                "acme/quants", {"runtime": "ollama", "context": "512", "options.seed": "7"}
            )
            assert (await services.activation.activate("acme/quants")).runtime == "ollama"
            (made,) = [json.loads(one.body) for one in ollama.asked if one.path == "/api/create"]
            assert made["parameters"] == {"num_ctx": 512, "seed": 7} == options_asked(ollama)
    finally:
        ollama.close()


def options_asked(ollama: OllamaServer) -> object:
    """The options of the last request to load."""
    wishes = [json.loads(one.body) for one in ollama.asked if one.path == "/api/generate"]
    return [wish for wish in wishes if wish["keep_alive"] == -1][-1].get("options")


async def test_check_counts_the_context_the_dtype_and_the_variant(configure: Configure) -> None:
    async with open_services(configure()) as services:
        report = await services.fit.check(LARGE)
        parts = {need.part: need.bytes for need in report.judgement.need}
        for tokens in (1024, 100_000_000):
            await services.configuring.change(
                LARGE, {"context": str(tokens), "dtype": "float64", "variant": "SAFETENSORS"}
            )
            after = await services.fit.check(LARGE)
            found = {need.part: need.bytes for need in after.judgement.need}
            # Keys and values have the type of the weights that make them: four times 16 bits.
            assert found["kv cache"] == parts["kv cache"] // 8192 * tokens * 4
            assert found["weights"] == parts["weights"] * 4
            assert after.variant == "safetensors"
        assert any("its context is set to 100 000 000 tokens" in one for one in after.warnings)


async def test_check_looks_at_the_device_that_is_set(
    configure: Configure, driver: StubDriver
) -> None:
    driver.two_gpus()
    async with open_services(configure()) as services:
        for wanted, seen in (
            ("auto", [0, 1, None]),
            ("cuda:1", [1, None]),
            ("cpu", [None]),
            ("cuda:7", [0, 1, None]),
        ):
            await services.configuring.change(LARGE, {"device": wanted})
            judged = (await services.fit.check(LARGE)).judgement.devices
            assert [one.index for one in judged] == seen, wanted


async def test_a_context_beyond_the_models_own_is_allowed_and_noted(
    configure: Configure, hub: DemoHub
) -> None:
    limits = {
        "model_type": "llama", "max_position_embeddings": 8192, "hidden_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4,
    }  # fmt: skip
    files = (
        RepositoryFile("config.json", json.dumps(limits).encode()),
        RepositoryFile("model.safetensors", tensors_file(1)),
    )
    hub.put(Repository(id="acme/short", files=files, task="text-generation"))
    async with open_services(configure()) as services:
        await install(services, "acme/short")
        hub.requests.clear()
        change = services.configuring.change
        assert (await change("acme/short", {"context": "8192"})).notes == ()
        words = "the context is set to 9 999 999 tokens; the model's files tell of 8 192"
        report = await change("acme/short", {"context": "9999999"})
        assert (report.configuration.context, report.notes) == (9999999, (words,))
        assert (await services.configuring.show("acme/short")).notes == (words,)
        assert (await services.configuring.reset("acme/short")).notes == ()
        assert len(hub.requests) == 0


async def test_what_cannot_be_is_refused_and_changes_nothing(configure: Configure) -> None:
    async with open_services(configure()) as services:
        configuring = services.configuring
        with pytest.raises(NotFoundError):
            await configuring.change("acme/nobody", {"context": "7"})
        with pytest.raises(NotFoundError, match="no version 1"):
            await configuring.take_back(FIRST, 1)
        for values, why in (
            ({"context": "7", "dtype": "int8"}, "dtype"),
            ({"context": "7", "runtime": "vllm"}, "not known here"),
            ({"context": "7", "variant": "Q9"}, "no variant 'Q9'"),
            ({"context": "7", "options.num_gpu": "1"}, "nothing would take options.num_gpu"),
        ):
            with pytest.raises(UsageError, match=why):
                await configuring.change(FIRST, values)
        assert (await configuring.show(FIRST)).versions == ()
        with services.bus.subscribe() as events:
            await configuring.change(FIRST, {"runtime": "ollama", "options.num_gpu": "1"})
            assert await anext(aiter(events)) == ModelChanged("hf:acme/first")
        with pytest.raises(UsageError, match="the runtime of hf:acme/first is torch"):
            await configuring.change(FIRST, {"runtime": "torch"})
        assert (await configuring.show(FIRST)).version == 1
