"""Changes of slots beside deletions, other homes, stopped processes and failures after the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from activation_homes import FIRST, SECOND, children, home, install, torch_repositories
from homes import Configure
from stopping import stop_between_writes

from tui_hub.demo import DemoHub
from tui_hub.domain.errors import HubError, RefusedError
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.models import ModelStatus
from tui_hub.domain.runtime import LoadRequest
from tui_hub.domain.slots import Slot
from tui_hub.domain.swaps import Swap
from tui_hub.services.holders.children import Children
from tui_hub.services.jobs import leases
from tui_hub.services.slots.published import SlotFiles
from tui_hub.services.slots.swap import SwapRun

pytestmark = pytest.mark.usefixtures("warm_torch")

STOPPER = textwrap.dedent(
    """
    import asyncio, sys
    from tui_hub.services import open_services
    from tui_hub.services.jobs import leases
    from tui_hub.services.slots.swap import SwapRun
    from tui_hub.settings import load_configuration

    leases.TTL, leases.BEAT = 1.0, 0.2
    publish = SwapRun._publish

    async def told(self, slot):
        print("about to publish", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        return await publish(self, slot)

    SwapRun._publish = told

    async def main():
        async with open_services(load_configuration()) as services:
            try:
                result = await services.activation.switch(sys.argv[1])
                print(result.status)
            except Exception as error:
                print(type(error).__name__)

    asyncio.run(main())
    """
)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    with DemoHub(per_connection=0, total=0, repositories=torch_repositories(tmp_path)) as running:
        yield running


@pytest.fixture
def torch_home(configure: Configure) -> Configure:
    """Homes where models are loaded into memory."""
    return lambda name="home", **more: configure(name, **{"TUI_HUB_RUNTIME__USE": "auto", **more})


async def test_who_was_stopped_undoes_nothing_of_who_came_after(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "TTL", 1.0)
    monkeypatch.setattr(leases, "BEAT", 0.2)
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, SECOND, "acme/nan")
        await services.activation.activate(FIRST)
        with subprocess.Popen(
            [sys.executable, "-c", STOPPER, SECOND],
            env={**os.environ, **configuration.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                told = await asyncio.to_thread(process.stdout.readline)
                assert told == "about to publish\n"
                stop_between_writes(process.pid, configuration.paths.hub_database)
                result = await services.activation.reload("llm")
                assert (result.status, result.model) == ("active", "hf:acme/first")
                process.send_signal(signal.SIGCONT)
                told, _ = await asyncio.to_thread(process.communicate, "\n")
            finally:
                process.kill()
        assert told.strip() == "LostLeaseError"
        await services.activation.recover()
        slot = await services.activation.active("llm")
        assert slot is not None and (slot.model, slot.status) == ("hf:acme/first", "active")
        assert [child.pid for child in children(configuration)] == [slot.pid] == [result.pid]


async def test_a_model_deleted_while_it_is_loaded_does_not_become_active(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = torch_home()
    publish = SwapRun._publish
    async with home(configuration) as services, home(configuration) as other:
        await install(services, FIRST, SECOND)
        first = await services.activation.activate(FIRST)

        async def deleted(self: SwapRun, slot: object) -> None:
            await other.storage.delete(SECOND)
            await publish(self, slot)  # type: ignore[arg-type]

        monkeypatch.setattr(SwapRun, "_publish", deleted)
        result = await services.activation.switch(SECOND)
        assert (result.status, result.pid) == ("rolled_back", first.pid)
        assert "deleted meanwhile" in (result.error or "")
        assert [child.pid for child in children(configuration)] == [first.pid]


async def test_what_fails_after_the_end_undoes_nothing(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        await services.activation.activate(FIRST)
        hub = services.jobs._context.hub

        async def full(*_: object) -> None:
            raise HubError("the disk is full")

        for table, name in ((hub.loads, "add"), (hub.installs, "put")):
            monkeypatch.setattr(table, name, full)
        monkeypatch.setattr(services.activation._children, "end", full)
        result = await services.activation.switch(SECOND)
        assert (result.status, result.error) == ("active", None)
        assert len(children(configuration)) == 2, "the old one could not be ended"
        monkeypatch.undo()
        assert await services.activation.recover() == 1
        assert [child.pid for child in children(configuration)] == [result.pid]


async def test_a_process_that_nobody_knows_is_ended(torch_home: Configure) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST)
        known = services.activation._children
        stray = await known.start(known.name(first.slot))
        await stray.ready()
        await stray.load(
            LoadRequest(files=(f"{first.path}/model.safetensors",)), lambda progress: None
        )
        await stray.keep()
        await stray.close()
        assert len(children(configuration)) == 2
        await services.activation.recover()
        assert [child.pid for child in children(configuration)] == [first.pid]


async def test_a_slot_that_another_home_took_meanwhile_is_left_to_it(
    torch_home: Configure, tmp_path: Path
) -> None:
    shared = {"MODEL_STORE_PATH": str(tmp_path / "shared")}
    here, there = torch_home("here", **shared), torch_home("there", **shared)
    async with home(here) as one, home(there) as two:
        await install(one, FIRST, SECOND)
        await one.activation.activate(FIRST, runtime="link")
        before = await one.activation.active("llm")
        assert before is not None
        hub = one.jobs._context.hub
        async with one.jobs._context.alone("slot llm") as fence:
            lost = Swap(type=before.type, wanted=before, previous=before)
            await hub.swaps.begin(lost, fence)
    async with home(there) as two, home(here) as one:
        result = await two.activation.switch(SECOND)
        await one.activation.recover()
        assert [child.pid for child in children(there)] == [result.pid]
        seen = await one.activation.active("llm")
        assert seen is not None and seen.model == "hf:acme/second"


def held_back(monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Hold a change that stands, and is not yet published in files: when it is there, and go."""
    reached, go = asyncio.Event(), asyncio.Event()
    write = SlotFiles.write

    async def slow(self: SlotFiles) -> None:
        reached.set()
        await go.wait()
        await write(self)

    monkeypatch.setattr(SlotFiles, "write", slow)
    return reached, go


async def test_who_cancels_a_switch_that_stands_comes_too_late(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        await services.activation.activate(FIRST)
        reached, go = held_back(monkeypatch)
        switching = asyncio.create_task(services.activation.switch(SECOND))
        await reached.wait()
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.RUNNING,))
        asked, end = asyncio.Event(), services.jobs._running[job.id]
        services.jobs.ends_with(job.id, lambda: (end(), asked.set())[0])
        cancelling = asyncio.create_task(services.jobs.cancel(job.id))
        await asked.wait()
        switching.cancel()  # as the end of the screen, or ctrl-c, does
        go.set()
        assert (await switching).status == "active"
        with pytest.raises(RefusedError, match="too late: hf:acme/second is active"):
            await cancelling
        assert (await services.jobs.get(job.id)).status is JobStatus.COMPLETED
        assert (await services.catalogue.get(SECOND)).status is ModelStatus.ACTIVE
        published = configuration.paths.store / "active.json"
        assert "hf:acme/second" in published.read_text()


async def test_who_cancels_in_another_process_comes_too_late_too(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST)
        await services.activation.activate(FIRST)
        reached, go = held_back(monkeypatch)
        emptying = asyncio.create_task(services.activation.deactivate("llm"))
        await reached.wait()
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.RUNNING,))
        program = [sys.executable, "-m", "tui_hub", "jobs", "--cancel", job.id, "--json"]
        environment = {**os.environ, **configuration.environment}
        with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE) as process:
            async with asyncio.timeout(60):
                while not await services.jobs.asked_to_end(job.id):
                    await asyncio.sleep(0.01)
            go.set()
            told, _ = await asyncio.to_thread(process.communicate)
        assert (await emptying).status == "inactive"
        error = json.loads(told)["error"]
        assert (process.returncode, error["code"]) == (5, "refused")
        assert error["message"] == "too late: hf:acme/first is inactive"
        assert (await services.jobs.get(job.id)).status is JobStatus.COMPLETED


async def test_who_cancels_a_deactivation_that_has_begun_comes_too_late(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model was told to go: what is left of the work is done, and told as done."""
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST)
        await services.activation.activate(FIRST)
        reached, go = asyncio.Event(), asyncio.Event()
        end = Children.end

        async def slow(self: Children, slot: Slot, grace: float | None = None) -> None:
            reached.set()
            await go.wait()
            await end(self, slot, grace)

        monkeypatch.setattr(Children, "end", slow)
        emptying = asyncio.create_task(services.activation.deactivate("llm"))
        await reached.wait()
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.RUNNING,))
        emptying.cancel()
        cancelling = asyncio.create_task(services.jobs.cancel(job.id))
        await asyncio.sleep(0)
        go.set()
        result = await emptying
        assert (result.status, result.job) == ("inactive", job.id)
        with pytest.raises(RefusedError, match="too late: hf:acme/first is inactive"):
            await cancelling
        assert (await services.jobs.get(job.id)).status is JobStatus.COMPLETED
        assert await services.activation.recover() == 0, "nothing is left to be settled"
        assert await services.activation.slots() == () and children(configuration) == []
