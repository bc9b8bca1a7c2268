"""`active.json` and `active.env`: what is active, for programs that read files and ask nobody."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from activation_homes import FIRST, SECOND, home, install, torch_repositories
from homes import Configure

from tui_hub import processes
from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.settings import Configuration

pytestmark = pytest.mark.usefixtures("warm_torch")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load, and one with a name for no shell."""
    files = (RepositoryFile("it's $(here) Q4_0.gguf", b"GGUF"),)
    odd = Repository(id="acme/odd", files=files, task="text-to-image")
    repositories = [*torch_repositories(tmp_path), odd]
    with DemoHub(per_connection=0, total=0, repositories=repositories) as running:
        yield running


def store(configuration: Configuration) -> Path:
    return configuration.paths.store


def document(configuration: Configuration) -> dict[str, Any]:
    slots = json.loads((store(configuration) / "active.json").read_text())["slots"]
    return {one["type"]: one for one in slots}


def sourced(configuration: Configuration) -> dict[str, str]:
    """What a shell has of the file."""
    script = f"set -a; . '{store(configuration) / 'active.env'}'; env -0"
    ran = subprocess.run(["sh", "-c", script], env={}, capture_output=True, check=True)
    pairs = (line.partition("=") for line in ran.stdout.decode().split("\0") if line)
    return {name: value for name, _, value in pairs if name not in ("PWD", "_", "SHLVL")}


async def test_they_follow_every_change(configure: Configure) -> None:
    configuration = configure(TUI_HUB_RUNTIME__USE="auto")
    async with home(configuration) as services:
        await install(services, FIRST, SECOND, "acme/painter", "acme/nan")
        assert not (store(configuration) / "active.json").exists(), "nothing was ever active"
        first = await services.activation.activate(FIRST)
        told = document(configuration)["llm"]
        assert (told["model"], told["pid"], told["status"]) == (f"hf:{FIRST}", first.pid, "active")
        assert told["environment"] == await services.activation.environment("llm")
        variables = sourced(configuration)
        assert variables["TUI_HUB_LLM_MODEL"] == f"hf:{FIRST}"
        assert variables["TUI_HUB_LLM_MODEL_PATH"] == first.path
        assert variables["TUI_HUB_LLM_MODEL_FILE"] == f"{first.path}/model.safetensors"
        assert variables["HF_HUB_OFFLINE"] == "1"

        await services.activation.activate("acme/painter", runtime="link")
        await services.activation.switch(SECOND)
        assert {kind: one["model"] for kind, one in document(configuration).items()} == {
            "image_gen": "hf:acme/painter",
            "llm": f"hf:{SECOND}",
        }
        failed = await services.activation.switch("acme/nan")
        assert failed.error and document(configuration)["llm"]["model"] == f"hf:{SECOND}"
        await services.activation.deactivate("llm")
        await services.activation.deactivate("image_gen")
        assert document(configuration) == {} and sourced(configuration) == {}


async def test_a_hook_finds_them_as_they_are_now(configure: Configure, tmp_path: Path) -> None:
    copy = f"cp {tmp_path}/home/store/active.json {tmp_path}/seen-$(date +%N).json"
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text(
        f'[hooks.mine]\ncommand = ["sh", "-c", "{copy}"]\nevents = ["activation"]\n'
    )
    async with home(configure()) as services:
        await install(services, FIRST)
        await services.activation.activate(FIRST)
    (seen,) = tmp_path.glob("seen-*.json")
    (slot,) = json.loads(seen.read_text())["slots"]
    assert slot["model"] == f"hf:{FIRST}"


async def test_a_value_is_no_program_for_a_shell(configure: Configure) -> None:
    configuration = configure()
    async with home(configuration) as services:
        await install(services, "acme/odd")
        done = await services.activation.activate("acme/odd")
        file = sourced(configuration)["TUI_HUB_IMAGE_GEN_MODEL_FILE"]
        assert file == f"{done.path}/it's $(here) Q4_0.gguf"


async def test_the_next_look_says_that_a_process_is_gone(configure: Configure) -> None:
    configuration = configure(TUI_HUB_RUNTIME__USE="auto")
    async with home(configuration) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST)
        slot = await services.activation.active("llm")
        assert slot is not None and slot.holder is not None
        os.kill(slot.holder.pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            while processes.known_alive(slot.holder):
                await asyncio.sleep(0.01)
        await services.activation.recover()
        told = document(configuration)["llm"]
        assert (told["status"], told["pid"]) == ("error", None) and "is gone" in told["error"]
        assert told["path"] == first.path, "its files are published still"


async def test_homes_of_one_store_leave_each_other_their_slots(
    configure: Configure, tmp_path: Path
) -> None:
    shared = {"MODEL_STORE_PATH": str(tmp_path / "store"), "TUI_HUB_RUNTIME__USE": "auto"}
    mine, yours = configure("mine", **shared), configure("yours", **shared)
    async with home(mine) as one, home(yours) as other:
        await install(one, FIRST)
        first = await one.activation.activate(FIRST)
        await install(other, "acme/painter")
        await other.activation.activate("acme/painter", runtime="link")
        told = document(mine)
        assert told["llm"]["pid"] == first.pid, "what only the other home knows is kept"
        assert told["image_gen"]["model"] == "hf:acme/painter"
        await other.activation.deactivate("image_gen")
        assert document(mine)["llm"]["pid"] == first.pid


async def test_two_changes_at_once_are_both_told(configure: Configure) -> None:
    configuration = configure()
    async with home(configuration) as one, home(configuration) as two:
        await install(one, FIRST, "acme/painter")
        await asyncio.gather(
            one.activation.activate(FIRST), two.activation.activate("acme/painter")
        )
        assert set(document(configuration)) == {"llm", "image_gen"}


async def test_a_file_that_cannot_be_written_holds_up_no_slot(
    configure: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    configuration = configure()
    async with home(configuration) as services:
        await install(services, FIRST)
        (store(configuration) / "active.json").mkdir()
        done = await services.activation.activate(FIRST)
        assert done.status == "active"
    assert "active.json was not brought up to date" in caplog.text
