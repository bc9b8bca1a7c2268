"""Models in the memory of Ollama's daemon: loaded, looked after, released, rolled back."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from activation_homes import FIRST, home, install, torch_repositories
from crashing import SWITCHER
from homes import Configure
from nvml_driver import StubDriver, sleeper
from ollama_server import OllamaServer, Said

from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.demo.formats.gguf import decoder_gguf
from tui_hub.demo.formats.tensors import Decoder
from tui_hub.domain.errors import (
    HubError,
    InterruptedJobError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from tui_hub.domain.fit import Basis
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.models import ModelStatus
from tui_hub.domain.slots import Slot
from tui_hub.services import Services
from tui_hub.settings import Configuration

pytestmark = pytest.mark.usefixtures("warm_torch")

LLAMA, QWEN = "ollama:llama3.1:8b", "ollama:qwen3:4b"


def tiny_gguf() -> bytes:
    """A GGUF file with a real header."""
    shape = Decoder(
        vocabulary=64, hidden=64, intermediate=128, layers=2, heads=4, kv_heads=2, context=512
    )
    content = decoder_gguf(shape, "Q8_0", "tiny", [f"<{number}>" for number in range(64)])
    return content.read(0, content.size)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    quants = [
        Repository(
            id=name,
            task="text-generation",
            files=(RepositoryFile("quants-Q4_0.gguf", tiny_gguf()),),
        )
        for name in ("acme/quants", "acme/my-quants", "acme-my/quants")
    ]
    repositories = [*torch_repositories(tmp_path), *quants]
    with DemoHub(per_connection=0, total=0, repositories=repositories) as running:
        yield running


@pytest.fixture
def ollama() -> Iterator[OllamaServer]:
    """A daemon that has two models."""
    server = OllamaServer()
    server.hold("llama3.1:8b")
    server.hold("qwen3:4b", 3_000_000, "b" * 64)
    yield server
    server.gate.set()
    server.close()


@pytest.fixture
def configuration(configure: Configure, ollama: OllamaServer) -> Configuration:
    return configure(OLLAMA_HOST=ollama.url, TUI_HUB_RUNTIME__USE="auto")


async def slot(services: Services) -> Slot:
    found = await services.activation.active("llm")
    assert found is not None
    return found


async def test_a_model_of_the_daemon_is_loaded_and_let_go(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        first = await services.activation.activate(LLAMA)
        assert (first.status, first.runtime, first.url) == ("active", "ollama", ollama.url)
        assert (first.path, first.pid, first.memory.used_after) == (None, None, 5_000_000)
        assert set(ollama.memory) == {"llama3.1:8b"}
        told = await services.activation.environment("llm")
        assert told["TUI_HUB_URL"] == ollama.url
        assert told["TUI_HUB_SERVED_MODEL"] == "llama3.1:8b"
        assert "TUI_HUB_MODEL_PATH" not in told
        same = await services.activation.activate(LLAMA)
        assert same.note == "it was active already"
        with pytest.raises(RefusedError, match="holds ollama:llama3"):
            await services.activation.activate(QWEN)

        second = await services.activation.switch(QWEN)
        assert (second.status, second.previous) == ("active", LLAMA)
        assert set(ollama.memory) == {"qwen3:4b"}
        again = await services.activation.reload("llm")
        assert again.status == "active" and set(ollama.memory) == {"qwen3:4b"}
        gone = await services.activation.deactivate("llm")
        assert (gone.status, ollama.memory) == ("inactive", {})
        assert await services.activation.active("llm") is None
        assert await services.jobs._context.hub.swaps.list() == []


async def test_where_it_is_told_by_what_is_on_a_gpu(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    ollama.vram = 0.0
    async with home(configuration) as services:
        assert (await services.activation.activate(LLAMA)).device == "cpu"
        ollama.vram = 0.5
        half = await services.activation.reload("llm")
        assert (half.device, half.memory.used_after) == ("gpu", 2_500_000)


async def test_a_model_that_makes_embeddings_is_loaded_too(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    ollama.embedding.add("llama3.1:8b")
    async with home(configuration) as services:
        assert (await services.activation.activate(LLAMA)).status == "active"
        assert "/api/embed" in ollama.paths()
        await services.activation.deactivate("llm")
        assert ollama.memory == {}


async def test_what_the_daemon_let_go_of_is_shown_as_gone_until_it_is_back(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await services.activation.activate(LLAMA)
        kept = ollama.memory.pop("llama3.1:8b")
        await services.activation.recover()
        gone = await slot(services)
        assert (gone.status, gone.held) == ("error", False)
        assert "has let go of it" in (gone.error or "")
        ollama.memory["llama3.1:8b"] = kept
        await services.activation.recover()
        assert (await slot(services)).status == "active"
        ollama.memory.clear()
        await services.activation.recover()
        assert (await services.activation.reload("llm")).status == "active"
        assert set(ollama.memory) == {"llama3.1:8b"}


async def test_a_daemon_that_is_gone_takes_its_models_along(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await services.activation.activate(LLAMA)
        ollama.close()
        await services.activation.recover()
        lost = await slot(services)
        assert "no Ollama daemon answers" in (lost.error or "")
        result = await services.activation.deactivate("llm")
        assert result.status == "inactive"


async def test_a_model_that_the_daemon_may_hold_still_is_told_of(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await install(services, FIRST)
        for way in ("deactivate", "switch"):
            await services.activation.activate(LLAMA)
            ollama.faults["/api/generate"] = Said(b"<html>busy</html>", 502)
            if way == "switch":
                result = await services.activation.switch(FIRST)
            else:
                result = await services.activation.deactivate("llm")
            assert "tui-hub gpus --release ollama:llama3.1:8b" in (result.note or ""), way
            assert "llama3.1:8b" in ollama.memory and result.error is None
            del ollama.faults["/api/generate"]
            await services.ollama.release("llama3.1:8b")


@pytest.mark.parametrize(
    ("said", "words", "code"),
    [
        (
            Said(b'{"error":"model requires more system memory (9 GiB) than is available"}', 500),
            "requires more system memory",
            "does_not_fit",
        ),
        (Said(b"<html>"), "is none", "unreachable"),
        (Said(b'{"error":"runner process has terminated"}', 500), "has terminated", "failed"),
        (Said(b'{"error":"\\u001b[31mbad"}'), "bad", "failed"),
        (Said(b'{"done":true}'), "does not list it", "failed"),
    ],
)
async def test_what_the_daemon_cannot_load_is_said(
    configuration: Configuration,
    ollama: OllamaServer,
    monkeypatch: pytest.MonkeyPatch,
    said: Said,
    words: str,
    code: str,
) -> None:
    monkeypatch.setattr("tui_hub.runtime.ollama._LISTED_SECONDS", 0.2)
    async with home(configuration) as services:
        ollama.refusals["qwen3:4b"] = said
        result = await services.activation.activate(QWEN)
        assert (result.status, result.error_code) == ("error", code)
        assert words in (result.error or "") and "\x1b" not in (result.error or "")
        assert await services.activation.active("llm") is None


async def test_a_failed_switch_brings_the_old_model_back(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await services.activation.activate(LLAMA)
        ollama.refusals["qwen3:4b"] = Said(b'{"error":"no"}', 500)
        result = await services.activation.switch(QWEN)
        assert (result.status, result.previous) == ("rolled_back", LLAMA)
        assert set(ollama.memory) == {"llama3.1:8b"}
        kept = await slot(services)
        assert (kept.model, kept.status) == (LLAMA, "active")
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.FAILED,))
        assert f"{LLAMA} is back" in " ".join(job.log)


async def test_a_cancelled_load_leaves_the_old_model(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await services.activation.activate(LLAMA)
        ollama.gate.clear()
        switching = asyncio.create_task(services.activation.switch(QWEN))
        loads = len(ollama.paths("/api/generate"))
        async with asyncio.timeout(60):
            while len(ollama.paths("/api/generate")) < loads + 2:
                await asyncio.sleep(0.01)
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.RUNNING,))
        cancelling = asyncio.create_task(services.jobs.cancel(job.id))
        async with asyncio.timeout(60):
            while len(ollama.paths("/api/generate")) < loads + 3:
                await asyncio.sleep(0.01)
        ollama.gate.set()
        await cancelling
        with pytest.raises(InterruptedJobError):
            await switching
        assert (await slot(services)).model == LLAMA
        assert "llama3.1:8b" in ollama.memory


async def test_torch_makes_room_for_it_and_comes_back(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST)
        ollama.refusals["llama3.1:8b"] = Said(b'{"error":"no"}', 500)
        result = await services.activation.switch(LLAMA)
        ollama.refusals.clear()
        assert (result.status, result.runtime) == ("rolled_back", "torch")
        assert result.pid not in (None, first.pid)
        moved = await services.activation.switch(LLAMA)
        assert (moved.status, moved.runtime) == ("active", "ollama")
        back = await services.activation.switch(FIRST)
        assert (back.runtime, ollama.memory) == ("torch", {})


async def test_without_the_daemon_it_is_said_what_is_missing(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    ollama.daemon = None
    async with home(configuration) as services:
        with pytest.raises(NotFoundError, match="is not installed"):
            await services.activation.activate(LLAMA)
        with pytest.raises(UnreachableError, match="no Ollama daemon"):
            await services.activation.activate(LLAMA, runtime="ollama")


async def test_too_old_a_daemon_is_told_apart(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    ollama.faults["/api/ps"] = Said(b"404 page not found", 404)
    async with home(configuration) as services:
        with pytest.raises(UnreachableError, match="does not tell what it has in memory"):
            await services.activation.activate(LLAMA)
        assert await services.activation.active("llm") is None


async def test_what_others_had_loaded_stays_theirs(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await services.activation.activate(LLAMA)
        await services.activation.deactivate("llm")
        await services.activation.activate(LLAMA, type="utility")
        await services.activation.activate(LLAMA, type="llm")
        await services.activation.deactivate("llm")
        assert set(ollama.memory) == {"llama3.1:8b"}, "another slot has it still"
        loaded = await services.ollama.loaded()
        assert [(one.name, one.slot) for one in loaded] == [("llama3.1:8b", "utility")]


async def test_release_takes_what_no_slot_has(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await services.activation.activate(QWEN)
        ollama.memory["llama3.1:8b"] = {"name": "llama3.1:8b", "size": 10, "size_vram": 10}
        gone = await services.ollama.release()
        assert [one.name for one in gone.models] == ["llama3.1:8b"]
        assert gone.freed is None, "there is no GPU"
        assert set(ollama.memory) == {"qwen3:4b"}
        with pytest.raises(NotFoundError):
            await services.ollama.release("llama3.1:8b")
        await services.ollama.release("qwen3:4b")
        assert ollama.memory == {}


async def test_its_memory_is_what_the_driver_says_where_that_tells(
    configuration: Configuration, ollama: OllamaServer, driver: StubDriver, tmp_path: Path
) -> None:
    runner = tmp_path / "ollama"
    runner.write_bytes(Path(shutil.which("sleep") or "sleep").read_bytes())
    runner.chmod(0o755)
    with sleeper(runner) as pid:
        driver.two_gpus()
        driver.gpu(1, compute=f"{pid}:1000000000")
        ollama.gate.clear()
        async with home(configuration) as services:
            loading = asyncio.create_task(services.activation.activate(LLAMA))
            async with asyncio.timeout(60):
                while "/api/generate" not in ollama.paths():
                    await asyncio.sleep(0.01)
            driver.gpu(1, compute=f"{pid}:4800000000")
            ollama.gate.set()
            done = await loading
            assert (done.device, done.memory.used_after) == ("cuda:1", 3_800_000_000)
            assert (done.memory.peak, done.memory.free_before) == (3_800_000_000, 137_000_000_001)
            await services.activation.recover()
            assert (await slot(services)).memory.used_after == 3_800_000_000
            await services.activation.deactivate("llm")


async def test_a_release_is_measured_by_the_driver(
    configuration: Configuration, ollama: OllamaServer, driver: StubDriver
) -> None:
    driver.two_gpus()
    size = 5_000_000_000
    async with home(configuration) as services:
        name = "llama3.1:8b"
        ollama.memory[name] = {"name": name, "size": size, "size_vram": size}
        releasing = asyncio.create_task(services.ollama.release(name))
        async with asyncio.timeout(60):
            while ollama.memory:
                await asyncio.sleep(0.01)
        driver.gpu(1, free=137_000_000_001 + 4_900_000_000)
        gone = await releasing
        assert (gone.promised, gone.freed) == (size, 4_900_000_000)


async def test_a_model_of_the_daemon_alone_is_configured(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await services.activation.activate(LLAMA)
        told = await services.configuring.change(LLAMA, {"context": "4096"})
        assert (told.active, told.stale) == (("llm",), ("llm",)), "no catalogue knows it"
        await services.activation.reload("llm")
        assert ollama.memory["llama3.1:8b"]["context_length"] == 4096


async def test_the_catalogue_says_that_it_is_active(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await services.sync.run(["ollama:local"])
        await services.activation.activate(LLAMA)
        found = await services.catalogue.get(LLAMA)
        assert found.status is ModelStatus.ACTIVE


@pytest.mark.timeout(300)
async def test_a_switch_killed_before_any_step(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    names = {LLAMA: "llama3.1:8b", QWEN: "qwen3:4b"}
    outcomes = []
    async with home(configuration) as services:
        await services.activation.activate(LLAMA)
        active = LLAMA
        for doomed in range(100):
            other = QWEN if active == LLAMA else LLAMA
            run = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-c", SWITCHER, other, str(doomed), "both"],
                env={**os.environ, **configuration.environment},
                capture_output=True,
                text=True,
                timeout=60,
            )
            if run.returncode == 0:
                break
            assert run.returncode == -9, run.stderr
            await services.activation.recover()
            now = await slot(services)
            assert now.status == "active" and await services.jobs._context.hub.swaps.list() == []
            assert set(ollama.memory) == {names[now.model]}, run.stdout
            outcomes.append((run.stdout.strip(), now.model == active))
            active = now.model
        assert run.stdout.startswith("active"), run.stderr
    kept = [stayed for _, stayed in outcomes]
    assert len(outcomes) >= 6, outcomes
    assert kept[0] and not kept[-1], "killed first nothing has changed, killed last all has"
    assert kept == sorted(kept, reverse=True), "there is one moment from which the new one counts"


async def test_a_gguf_file_of_another_source_is_given_to_the_daemon(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await install(services, "acme/quants")
        first = await services.activation.activate("acme/quants", runtime="ollama")
        assert (first.status, first.runtime) == ("active", "ollama"), first
        name = "tui-hub/acme--quants:Q4_0"
        assert set(ollama.memory) == {name} and name in (first.note or "")
        assert first.path is not None
        uploads = [one for one in ollama.asked if one.method == "POST" and "blobs" in one.path]
        assert len(uploads) == 1
        await services.activation.deactivate("llm")
        assert ollama.memory == {}
        again = await services.activation.activate("acme/quants", runtime="ollama")
        assert again.status == "active"
        uploads = [one for one in ollama.asked if one.method == "POST" and "blobs" in one.path]
        assert len(uploads) == 1, "it has the file already"


async def test_the_daemon_knows_models_of_like_names_apart(configuration: Configuration) -> None:
    async with home(configuration) as services:
        await install(services, "acme/my-quants", "acme-my/quants")
        await services.activation.activate("acme/my-quants", runtime="ollama")
        await services.activation.activate("acme-my/quants", runtime="ollama", type="utility")
        served = {slot.child for slot in await services.activation.slots()}
        assert served == {"tui-hub/acme--my-quants:Q4_0", "tui-hub/acme-my--quants:Q4_0"}


async def test_other_files_are_not_given_to_the_daemon(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await install(services, FIRST)
        with pytest.raises(RefusedError, match="takes models of one GGUF file"):
            await services.activation.activate(FIRST, runtime="ollama")


async def test_a_daemon_that_takes_too_long_is_given_up(
    configure: Configure, ollama: OllamaServer
) -> None:
    configuration = configure(
        OLLAMA_HOST=ollama.url,
        TUI_HUB_RUNTIME__USE="auto",
        TUI_HUB_OLLAMA__LOAD_TIMEOUT="0.5",
        TUI_HUB_NETWORK__OFFLINE="true",
    )
    async with home(configuration) as services:
        ollama.gate.clear()
        result = await services.activation.activate(LLAMA)
        assert result.status == "error" and "did not load" in (result.error or "")
        ollama.gate.set()
        again = await services.activation.activate(LLAMA)
        assert again.status == "active", "one on this box needs no network"


async def test_what_another_home_of_the_store_replaced_is_let_go(
    configure: Configure, ollama: OllamaServer, tmp_path: Path
) -> None:
    shared = {"MODEL_STORE_PATH": str(tmp_path / "shared"), "OLLAMA_HOST": ollama.url}
    here = configure("here", TUI_HUB_RUNTIME__USE="auto", **shared)
    there = configure("there", **shared)
    async with home(here) as one, home(there) as two:
        await install(one, FIRST)
        await one.activation.activate(LLAMA)
        async with home(there) as three:
            await three.activation.activate(FIRST)
        await one.activation.recover()
        assert ollama.memory == {}
        assert (await slot(one)).model == (await slot(two)).model == "hf:acme/first"


async def test_a_daemon_that_drips_is_given_up(configure: Configure, ollama: OllamaServer) -> None:
    seconds = {"TUI_HUB_OLLAMA__LOAD_TIMEOUT": "2"}
    configuration = configure(OLLAMA_HOST=ollama.url, TUI_HUB_RUNTIME__USE="auto", **seconds)
    ollama.faults["/api/generate"] = [Said(drips=True)]
    async with home(configuration) as services:
        failed = await services.activation.activate(LLAMA)
        assert (failed.status, failed.error) == (
            "error",
            f"the Ollama daemon did not load {LLAMA} within 2 s",
        )
        assert 0 < ollama.dripped < 200, "long before it would have sent all of it"


def ask_daemon(ollama: OllamaServer, **document: object) -> None:
    """What another program asks of the daemon."""
    body = json.dumps({"model": "llama3.1:8b", **document}).encode()
    with urllib.request.urlopen(f"{ollama.url}/api/generate", body) as answer:
        answer.read()


async def test_another_program_does_not_take_it_out_of_memory(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await services.sync.run(["ollama:local"])
        await services.configuring.change(LLAMA, {"context": "4096"})
        await services.activation.activate(LLAMA)
        held = ollama.memory["llama3.1:8b"]
        assert (held["expires_at"][:4], held["context_length"], ollama.loads) == ("2318", 4096, 1)
        await asyncio.to_thread(ask_daemon, ollama, keep_alive="5m", options={"num_ctx": 4096})
        assert ollama.memory["llama3.1:8b"]["expires_at"].startswith("2026")
        await services.activation.recover()
        assert ollama.memory["llama3.1:8b"]["expires_at"].startswith("2318"), "it stays again"
        assert ollama.loads == 1, "and was not loaded anew for that"

        await asyncio.to_thread(ask_daemon, ollama, keep_alive="5m", options={"num_ctx": 512})
        await services.activation.recover()
        assert ollama.memory["llama3.1:8b"]["context_length"] == 512, "the two take no turns"
        assert (await slot(services)).error is None


async def test_a_model_that_stays_is_not_loaded_anew_for_that(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await services.sync.run(["ollama:local"])
        await asyncio.to_thread(ask_daemon, ollama, options={"num_ctx": 512, "num_gpu": 7})
        assert (ollama.kept["llama3.1:8b"], ollama.loads) == ("5m", 1)
        await services.activation.activate(LLAMA)
        assert (ollama.kept["llama3.1:8b"], ollama.loads) == (-1, 1)
        assert ollama.memory["llama3.1:8b"]["context_length"] == 512, "it was asked for no other"
        await asyncio.to_thread(
            ask_daemon, ollama, keep_alive="5m", options={"num_ctx": 1024, "num_gpu": 3}
        )
        await services.activation.recover()
        assert (ollama.kept["llama3.1:8b"], ollama.loads) == (-1, 2)

        await services.activation.deactivate("llm")
        chosen = {"options.num_gpu": "9", "options.num_thread": "4", "options.seed": "7"}
        await services.configuring.change(LLAMA, chosen)
        await services.activation.activate(LLAMA)
        others = {"num_gpu": 2, "num_thread": 4, "temperature": 1.0}
        await asyncio.to_thread(ask_daemon, ollama, keep_alive="5m", options=others)
        assert ollama.loads == 4
        await services.activation.recover()
        assert (ollama.kept["llama3.1:8b"], ollama.loads) == (-1, 4), "the two take no turns"


async def test_a_model_of_others_that_fails_here_leaves_when_it_would_have(
    configuration: Configuration, ollama: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with home(configuration) as services:
        await asyncio.to_thread(ask_daemon, ollama, keep_alive="5m")
        soon = datetime.now(UTC) + timedelta(seconds=500)
        ollama.memory["llama3.1:8b"]["expires_at"] = soon.strftime("%FT%T.%f123+00:00")

        async def full(*_: object) -> None:
            raise HubError("the disk is full")

        monkeypatch.setattr(services.jobs._context.hub.swaps, "commit", full)
        result = await services.activation.activate(LLAMA)
        assert (result.status, result.error) == ("error", "the disk is full")
        assert 0 < ollama.kept["llama3.1:8b"] <= 500 and ollama.loads == 1


async def test_what_a_load_took_counts_for_the_next_estimate(
    configuration: Configuration, ollama: OllamaServer
) -> None:
    async with home(configuration) as services:
        await install(services, "acme/quants")
        before = (await services.fit.check("acme/quants")).judgement
        assert {need.basis for need in before.need} != {Basis.MEASURED}
        ollama.vram = 0.0
        done = await services.activation.activate("acme/quants", runtime="ollama")
        last = await services.activation.last_load(await slot(services))
        assert last is not None
        assert (last.runtime, last.device, last.bytes) == ("ollama", "cpu", len(tiny_gguf()))
        assert last.peak == done.memory.peak == done.memory.used_after
        assert last.seconds > 0
        measured = (await services.fit.check("acme/quants")).judgement.need
        assert (measured[0].basis, measured[0].part) == (
            Basis.MEASURED,
            "weights + rest",
        )
        await services.configuring.change("acme/quants", {"context": "128"})
        other = (await services.fit.check("acme/quants")).judgement.need
        assert Basis.MEASURED not in {need.basis for need in other}, "for another context"
