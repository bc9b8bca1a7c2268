"""Models in servers of the user's: started, switched, rolled back, looked after, ended."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from activation_homes import FIRST, SECOND, alone, children, home, install, torch_repositories
from crashing import SWITCHER
from homes import Configure
from nvml_driver import StubDriver

from tui_hub.demo import DemoHub
from tui_hub.domain.errors import (
    InterruptedJobError,
    PickleError,
    RefusedError,
    UnsafeError,
    UsageError,
)
from tui_hub.domain.fit import Basis
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.slots import Slot
from tui_hub.events import SwapMoved
from tui_hub.services import Services
from tui_hub.settings import Configuration

SCRIPT = Path(__file__).parents[1] / "server_script.py"

WithCommands = Callable[..., Configuration]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    with DemoHub(per_connection=0, total=0, repositories=torch_repositories(tmp_path)) as running:
        yield running


@pytest.fixture
def with_commands(configure: Configure, tmp_path: Path) -> WithCommands:
    """A home with a command `tiny`: its arguments, and what else its settings say."""

    def make(*arguments: str, more: str = "", text: str = "", **environment: str) -> Configuration:
        words = [sys.executable, str(SCRIPT), "{port}", "--model", "{name} {file}", *arguments]
        folder = tmp_path / "home"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(
            f"[runtime.commands.tiny]\ncommand = {words!r}\nstop_timeout = 3\n{more}\n{text}\n"
        )
        return configure(**{"TUI_HUB_RUNTIME__USE": "auto", **environment})

    return make


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


async def slot(services: Services) -> Slot:
    found = await services.activation.active("llm")
    assert found is not None
    return found


async def ask(url: str | None) -> str:
    def fetch() -> str:
        with urllib.request.urlopen(f"{url}/health", timeout=60) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(fetch)


def servers(configuration: Configuration) -> list[psutil.Process]:
    return [one for keeper in children(configuration) for one in keeper.children()]


async def test_activate_switch_reload_deactivate(with_commands: WithCommands) -> None:
    configuration = with_commands()
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        first = await services.activation.activate(FIRST, runtime="tiny")
        assert (first.status, first.runtime, first.device) == ("active", "command", "cpu")
        assert await ask(first.url) == f"first {first.path}/model.safetensors"
        assert (first.memory.used_after or 0) > 1_000_000 and first.memory.needed == 1_600_000
        assert [one.pid for one in children(configuration)] == [first.pid]
        environment = await services.activation.environment("llm")
        assert (environment["TUI_HUB_URL"], environment["TUI_HUB_MODEL_PATH"]) == (
            first.url,
            first.path,
        )
        standing = await slot(services)
        assert (standing.command, standing.url) == ("tiny", first.url)

        second = await services.activation.switch(SECOND, runtime="tiny")
        assert (second.status, second.url) == ("active", first.url), "its port is kept"
        assert (await ask(second.url)).startswith("second ")
        again = await services.activation.reload("llm")
        assert (again.status, again.runtime, again.url) == ("active", "command", first.url)
        assert [one.pid for one in children(configuration)] == [again.pid]
        await services.activation.deactivate("llm")
        assert children(configuration) == [] and await services.activation.active("llm") is None


async def test_what_it_says_can_be_read_while_it_runs(with_commands: WithCommands) -> None:
    async with home(with_commands("--talk", "1000")) as services:
        await install(services, FIRST)
        await services.activation.activate(FIRST, runtime="tiny")
        said = await services.activation.said(await slot(services))
        assert said[-1] == "that was a lot" and len(said) == 11
        assert await services.activation.said(await slot(services), 1) == said[-1:]


async def test_what_a_start_took_counts_for_the_next_estimate(with_commands: WithCommands) -> None:
    async with home(with_commands()) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST, runtime="tiny")
        last = await services.activation.last_load(await slot(services))
        assert last is not None
        assert (last.runtime, last.device, last.bytes) == ("command", "cpu", 1_600_000)
        assert last.peak == first.memory.peak and last.seconds > 0
        assert (last.peak or 0) >= (first.memory.used_after or 0) > 0
        need = (await services.fit.check(FIRST)).judgement.need[0]
        assert (need.part, need.basis) == ("weights + rest", Basis.MEASURED)
        torch = await services.activation.switch(FIRST, runtime="torch")
        need = (await services.fit.check(FIRST)).judgement.need[0]
        assert (need.part, need.bytes) == ("weights", torch.memory.peak), "the last one counts"


async def test_its_memory_on_a_gpu_is_measured(
    with_commands: WithCommands, driver: StubDriver
) -> None:
    driver.two_gpus()
    configuration = with_commands("--gpu", driver.environment["NVML_STUB_STATE"])
    async with home(configuration) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST, runtime="tiny")
        assert (first.device, first.memory.used_after) == ("cuda:1", 7_000_000_000)
        assert first.memory.free_before == 137_000_000_001
        await services.activation.slots()
        (seen,) = (await services.hardware.read()).gpus[1].processes
        assert seen.slot == "llm", "a child of the process that keeps it"


async def test_where_processes_are_hidden_its_memory_is_what_a_gpu_has_less(
    with_commands: WithCommands, driver: StubDriver
) -> None:
    driver.two_gpus()
    configuration = with_commands("--hidden", driver.environment["NVML_STUB_STATE"])
    async with home(configuration) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST, runtime="tiny")
        assert (first.device, first.memory.used_after) == ("cuda:0", 4_500_000_007)
        assert first.memory.free_before == 84_500_000_007


async def test_the_next_start_finds_it(with_commands: WithCommands) -> None:
    configuration = with_commands()
    async with home(configuration) as one:
        await install(one, FIRST)
        first = await one.activation.activate(FIRST, runtime="tiny")
        async with home(configuration) as two:
            await two.activation.recover()
            assert (await slot(two)).pid == first.pid
            assert (await two.activation.activate(FIRST, runtime="tiny")).note is not None
            await two.activation.deactivate("llm")


async def test_what_does_not_get_ready_brings_the_old_one_back(
    with_commands: WithCommands,
) -> None:
    bad = [sys.executable, str(SCRIPT), "{port}", "--fail"]
    configuration = with_commands(text=f"[runtime.commands.bad]\ncommand = {bad!r}")
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        first = await services.activation.activate(FIRST, runtime="tiny")
        result = await services.activation.switch(SECOND, runtime="bad")
        assert (result.status, result.previous) == ("rolled_back", "hf:acme/first")
        assert "exit status 3: error: this model is no good" in (result.error or "")
        assert result.pid not in (None, first.pid) and result.url == first.url
        assert (await ask(result.url)).startswith("first ")
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.FAILED,))
        assert any(line.endswith("loading the model") for line in job.log)
        log = Path((result.hint or "").partition(" has what it said")[0])
        assert "error: this model is no good" in log.read_text()
        assert len(children(configuration)) == 1


async def test_what_can_be_known_before_leaves_the_old_one_alone(
    with_commands: WithCommands,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        configuration = with_commands(
            text='[runtime.commands.missing]\ncommand = ["no-such-program"]\n'
            f'[runtime.commands.taken]\ncommand = ["true"]\nport = {port}\n'
            '[runtime.commands.other]\ncommand = ["true"]\nformats = ["gguf"]\n'
            '[runtime.commands.painter]\ncommand = ["true"]\ntypes = ["image_gen"]\n'
        )
        async with home(configuration) as services:
            await install(services, FIRST, SECOND)
            first = await services.activation.activate(FIRST, runtime="tiny")
            for name, words in (
                ("missing", "'no-such-program' is not there"),
                ("taken", f"somebody listens at port {port} already"),
                ("other", "other serves gguf, and hf:acme/second has safetensors"),
                ("painter", "painter serves image_gen, and hf:acme/second is llm"),
                ("nowhere", "the runtime 'nowhere' is not known here"),
            ):
                with pytest.raises(RefusedError, match=words):
                    await services.activation.switch(SECOND, runtime=name)
            assert (await slot(services)).pid == first.pid
            assert await ask(first.url)


async def test_the_doctor_looks_for_the_programs(with_commands: WithCommands) -> None:
    configuration = with_commands(text='[runtime.commands.missing]\ncommand = ["no-such-program"]')
    async with home(configuration) as services:
        found = [one for one in await services.doctor.examine() if one.check == "commands"]
        assert [one.status for one in found] == ["ok", "warning"]
        assert "missing: the program 'no-such-program' is not there" in found[1].message


async def test_what_serves_a_format_is_chosen_for_it(with_commands: WithCommands) -> None:
    configuration = with_commands(more='formats = ["safetensors"]\ntypes = ["llm"]')
    async with home(configuration) as services:
        await install(services, FIRST, "acme/painter")
        assert (await services.activation.activate(FIRST)).runtime == "command"
        assert (await services.activation.activate("acme/painter")).runtime == "torch"


async def test_pickle_files_are_given_to_those_alone_that_the_settings_trust_with_them(
    with_commands: WithCommands,
) -> None:
    trusted = [sys.executable, str(SCRIPT), "{port}", "--model", "{file}"]
    configuration = with_commands(
        text=f'[runtime.commands.trusted]\ncommand = {trusted!r}\nformats = ["pickle"]'
    )
    async with home(configuration) as services:
        await install(services, "acme/pickle")
        for consent in (False, True):
            with pytest.raises(UnsafeError, match="nobody can tell how tiny loads them") as refused:
                await services.activation.activate("acme/pickle", runtime="tiny", consent=consent)
            assert not isinstance(refused.value, PickleError), "no consent makes it safe"
        assert children(configuration) == []
        done = await services.activation.activate("acme/pickle", runtime="trusted")
        assert (await ask(done.url)).endswith("pytorch_model.bin")


async def test_the_settings_may_name_it_for_all(with_commands: WithCommands) -> None:
    configuration = with_commands(TUI_HUB_RUNTIME__USE="tiny")
    async with home(configuration) as services:
        await install(services, FIRST)
        assert (await services.activation.activate(FIRST)).runtime == "command"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[runtime.commands.torch]\ncommand = ["x"]', "no name for a command"),
        ('[runtime.commands.x]\ncommand = ["x", "{port"]', None),
        ('[runtime.commands.x]\ncommand = ["x", "{prot}"]', "{prot} stands for nothing"),
        ('[runtime.commands.x]\ncommand = []', "begins with the name of a program"),
        ('[runtime.commands.x]\ncommand = ["x"]\nrestart = "always"', "always"),
        ('[runtime]\nuse = "nowhere"', "nor a command: 'nowhere'"),
        ("[runtime.commands.x]\ncommand = ['x', '{\"json\": 1}']", None),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_told(
    configure: Configure, tmp_path: Path, text: str, words: str | None
) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "config.toml").write_text(text)
    if words is None:
        assert configure(TUI_HUB_RUNTIME__USE="auto")
        return
    environment = {} if "use" in text else {"TUI_HUB_RUNTIME__USE": "auto"}
    with pytest.raises(UsageError) as refused:
        from tui_hub.settings import load_configuration

        load_configuration(environment={"TUI_HUB_HOME": str(folder), **environment})
    assert words in refused.value.message


async def test_a_server_that_dies_says_why_and_can_be_loaded_again(
    with_commands: WithCommands,
) -> None:
    configuration = with_commands()
    async with home(configuration) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST, runtime="tiny")
        (server,) = servers(configuration)
        server.kill()
        async with asyncio.timeout(60):
            while (dead := await slot(services)).status == "active":
                await asyncio.sleep(0.02)
        assert "was killed" in (dead.error or "") and dead.pid is None
        again = await services.activation.reload("llm")
        assert (again.status, again.url) == ("active", first.url)


async def test_a_server_that_is_started_again_shows_so_meanwhile(
    with_commands: WithCommands,
) -> None:
    configuration = with_commands(more='restart = "on-failure"\nrestarts = 2')
    async with home(configuration) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST, runtime="tiny")
        (server,) = servers(configuration)
        server.kill()
        seen = set()
        async with asyncio.timeout(60):
            while "error" not in seen or (await slot(services)).status == "error":
                await services.activation.recover()
                now = await slot(services)
                seen.add(now.status)
                if now.error:
                    assert "was killed" in now.error and "try 1 of 2" in now.error
                await asyncio.sleep(0.02)
        assert (await slot(services)).pid == first.pid, "the same process keeps it"
        assert (await ask(first.url)).startswith("first ")


async def test_what_a_killed_keeper_left_is_ended(
    with_commands: WithCommands, free_port: int
) -> None:
    configuration = with_commands(more=f"port = {free_port}")
    async with home(configuration) as services:
        await install(services, FIRST)
        await services.activation.activate(FIRST, runtime="tiny")
        (keeper,) = children(configuration)
        (server,) = servers(configuration)
        keeper.kill()
        keeper.wait(60)
        assert server.is_running() and (await slot(services)).status == "error"
        await services.activation.recover()
        psutil.wait_procs([server], timeout=60)
        assert not server.is_running(), "its memory and its port are free at the next look"
        assert "TUI_HUB_URL" not in await services.activation.environment("llm")
        again = await services.activation.reload("llm")
        assert (again.status, again.url) == ("active", f"http://127.0.0.1:{free_port}")
        assert (await services.activation.environment("llm"))["TUI_HUB_URL"] == again.url


async def test_a_killed_keeper_is_not_what_its_server_said_last(
    with_commands: WithCommands,
) -> None:
    chatty = [sys.executable, str(SCRIPT), "{port}", "--talk", "100"]
    configuration = with_commands(text=f"[runtime.commands.chatty]\ncommand = {chatty!r}")
    async with home(configuration) as services:
        await install(services, FIRST)
        done = await services.activation.activate(FIRST, runtime="chatty")
        (keeper,) = children(configuration)
        keeper.kill()
        keeper.wait(60)
        assert (await slot(services)).error == f"the process {done.pid} that kept chatty is gone"
        await services.activation.deactivate("llm")


async def test_a_cancelled_switch_brings_the_old_one_back(with_commands: WithCommands) -> None:
    slow = [sys.executable, str(SCRIPT), "{port}", "--delay", "600"]
    configuration = with_commands(text=f"[runtime.commands.slow]\ncommand = {slow!r}")
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        await services.activation.activate(FIRST, runtime="tiny")
        with services.bus.subscribe() as events:
            switching = asyncio.create_task(services.activation.switch(SECOND, runtime="slow"))
            async for event in events:
                pictures = services.activation.swaps()
                if isinstance(event, SwapMoved) and pictures[0].step == "loading":
                    break
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.RUNNING,))
        await services.jobs.cancel(job.id)
        with pytest.raises(InterruptedJobError):
            await switching
        kept = await slot(services)
        assert (kept.model, kept.status) == ("hf:acme/first", "active")
        assert (await ask(kept.url)).startswith("first ")
        assert [one.pid for one in children(configuration)] == [kept.pid]


@pytest.mark.timeout(300)
async def test_a_switch_killed_before_any_step(with_commands: WithCommands) -> None:
    configuration = with_commands(more='formats = ["safetensors"]')
    outcomes = []
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        await services.activation.activate(FIRST)
        active = "hf:acme/first"
        for doomed in range(100):
            other = SECOND if active.endswith("first") else FIRST
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
            await alone(configuration, now.pid)
            assert (await ask(now.url)).split()[0] == now.model.rpartition("/")[2]
            outcomes.append((run.stdout.strip(), now.model == active))
            active = now.model
        assert run.stdout.startswith("active"), run.stderr
    kept = [stayed for _, stayed in outcomes]
    assert len(outcomes) >= 8, outcomes
    assert kept[0] and not kept[-1], "killed first nothing has changed, killed last all has"
    assert kept == sorted(kept, reverse=True), "there is one moment from which the new one counts"
