"""Models in memory: activate, switch, reload, roll back, with real torch on the processor."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from activation_homes import FIRST, SECOND, children, home, install, torch_repositories
from homes import Configure
from safetensors.torch import load_file

import tui_hub
from tui_hub.demo import DemoHub
from tui_hub.domain.errors import (
    DoesNotFitError,
    HubError,
    InterruptedJobError,
    RefusedError,
    UnsafeError,
)
from tui_hub.domain.fit import Basis, Device
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.domain.models import ModelStatus
from tui_hub.domain.runtime import Loaded
from tui_hub.domain.slots import Slot
from tui_hub.runtime.torch_children import TorchChild
from tui_hub.services import Services
from tui_hub.services.holders import torch_holder
from tui_hub.services.holders.torch_loader import TorchLoader

pytestmark = pytest.mark.usefixtures("warm_torch")


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    with DemoHub(per_connection=0, total=0, repositories=torch_repositories(tmp_path)) as running:
        yield running


@pytest.fixture
def torch_home(configure: Configure) -> Configure:
    """Homes where models are loaded into memory."""
    return lambda name="home", **more: configure(name, **{"TUI_HUB_RUNTIME__USE": "auto", **more})


async def slot(services: Services) -> Slot:
    found = await services.activation.active("llm")
    assert found is not None
    return found


def link(services: Services) -> Path:
    return (services.configuration.paths.store / "active" / "llm").resolve()


async def test_activate_switch_reload_deactivate(torch_home: Configure) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        first = await services.activation.activate(FIRST)
        assert (first.status, first.runtime, first.device) == ("active", "torch", "cpu")
        assert first.memory.needed == 1_600_000 and (first.memory.used_after or 0) > 0
        assert [child.pid for child in children(configuration)] == [first.pid]
        assert link(services) == Path(first.path or "")

        same = await services.activation.activate(FIRST)
        assert (same.pid, same.note) == (first.pid, "it was active already")
        with pytest.raises(RefusedError, match="holds hf:acme/first"):
            await services.activation.activate(SECOND)

        second = await services.activation.switch(SECOND)
        assert (second.status, second.previous) == ("active", "hf:acme/first")
        assert [child.pid for child in children(configuration)] == [second.pid]
        assert link(services) == Path(second.path or "")
        statuses = [(await services.catalogue.get(model)).status for model in (FIRST, SECOND)]
        assert statuses == [ModelStatus.INSTALLED, ModelStatus.ACTIVE]

        again = await services.activation.reload("llm")
        assert again.status == "active" and again.pid != second.pid
        assert [child.pid for child in children(configuration)] == [again.pid]

        gone = await services.activation.deactivate(SECOND)
        assert (gone.status, gone.model) == ("inactive", "hf:acme/second")
        assert children(configuration) == []
        assert await services.activation.active("llm") is None
        (weights, *_) = (await services.fit.check(SECOND)).judgement.need
        assert (weights.part, weights.basis) == ("weights", Basis.MEASURED)
        assert weights.bytes == second.memory.peak or weights.bytes == again.memory.peak
        jobs = await services.jobs.list((JobType.ACTIVATE,))
        assert {job.status for job in jobs} == {JobStatus.COMPLETED}
        assert any("loaded 2.3 MiB" in line for job in jobs for line in job.log)
        assert await services.jobs._context.hub.swaps.list() == []


@pytest.mark.parametrize(
    ("broken", "code", "words"),
    [
        ("acme/cut", "corrupt", "model.safetensors"),
        ("acme/nan", "failed", "blown.weight"),
        ("acme/huge", "corrupt", "model.safetensors"),
    ],
)
async def test_what_cannot_be_loaded_leaves_the_old_model(
    torch_home: Configure, broken: str, code: str, words: str
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, broken)
        first = await services.activation.activate(FIRST)
        result = await services.activation.switch(broken)
        assert (result.status, result.error_code) == ("rolled_back", code)
        assert words in (result.error or "")
        assert (result.previous, result.pid) == ("hf:acme/first", first.pid)
        assert [child.pid for child in children(configuration)] == [first.pid]
        assert (await slot(services)).status == "active"
        assert link(services) == Path(first.path or "")
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.FAILED,))
        assert words in (job.error or "")


async def test_a_broken_model_in_an_empty_slot_leaves_it_empty(torch_home: Configure) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, "acme/nan")
        result = await services.activation.activate("acme/nan")
        assert (result.status, result.model, result.path) == ("error", "hf:acme/nan", None)
        assert await services.activation.active("llm") is None
        assert children(configuration) == []


def little_memory(services: Services, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Let the host have room for one model, not for two."""
    from tui_hub.services.holders import memory

    monkeypatch.setattr(memory, "HOST_RUNTIME", 0)

    async def devices() -> tuple[Device, ...]:
        return (Device(index=None, name="host memory", total=2**40, free=free),)

    monkeypatch.setattr(services.activation._memory, "devices", devices)


async def test_without_room_for_both_the_old_model_leaves_first_and_comes_back(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, SECOND, "acme/nan")
        first = await services.activation.activate(FIRST)
        little_memory(services, monkeypatch, 2_400_000)
        result = await services.activation.switch("acme/nan")
        assert (result.status, result.previous) == ("rolled_back", "hf:acme/first")
        assert result.pid not in (None, first.pid), "it was loaded again"
        assert [child.pid for child in children(configuration)] == [result.pid]
        assert (await slot(services)).model == "hf:acme/first"
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.FAILED,))
        told = " ".join(job.log)
        assert "released hf:acme/first" in told and "hf:acme/first is back" in told

        second = await services.activation.switch(SECOND)
        assert (second.status, second.previous) == ("active", "hf:acme/first")
        assert [child.pid for child in children(configuration)] == [second.pid]


async def test_a_model_that_waited_beside_its_device_is_back_in_the_same_process(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the processor in a GPU's place: cast weights leave it and come back in the same way."""
    monkeypatch.setattr(torch_holder, "on_gpu", lambda slot: True)
    monkeypatch.setattr(torch_holder, "_PARKING_SHARE", 1e9)
    configuration = torch_home(TUI_HUB_RUNTIME__DTYPE="bfloat16")
    async with home(configuration) as services:
        await install(services, FIRST, SECOND, "acme/nan")
        first = await services.activation.activate(FIRST)
        little_memory(services, monkeypatch, 2_400_000)
        result = await services.activation.switch("acme/nan")
        assert (result.status, result.pid) == ("rolled_back", first.pid)
        assert [child.pid for child in children(configuration)] == [first.pid]
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.FAILED,))
        told = " ".join(job.log)
        assert "hf:acme/first waits in the memory of the host" in told
        assert "hf:acme/first is back, out of the memory of the host" in told
        environment = services.configuration.environment
        with tui_hub.attach("llm", environment=environment) as weights:
            expected = load_file(weights.path / "model.safetensors")
            assert all(weights[name].equal(one.bfloat16()) for name, one in expected.items())
            del expected
            # Another program has them: they cannot leave, and the model is loaded afresh.
            result = await services.activation.switch("acme/nan")
        assert result.status == "rolled_back" and result.pid != first.pid

        second = await services.activation.switch(SECOND)
        assert (second.status, second.previous) == ("active", "hf:acme/first")
        assert [child.pid for child in children(configuration)] == [second.pid]


async def test_a_waiting_model_that_cannot_go_back_is_loaded_again(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_holder, "on_gpu", lambda slot: True)
    monkeypatch.setattr(torch_holder, "_PARKING_SHARE", 1e9)
    configuration = torch_home(TUI_HUB_RUNTIME__DTYPE="bfloat16")
    async with home(configuration) as services:
        await install(services, FIRST, "acme/nan")
        first = await services.activation.activate(FIRST)
        little_memory(services, monkeypatch, 2_400_000)
        back = services.activation._children.unpark

        async def killed(slot: Slot) -> None:
            os.kill(first.pid or 0, signal.SIGKILL)
            await back(slot)

        monkeypatch.setattr(services.activation._children, "unpark", killed)
        result = await services.activation.switch("acme/nan")
        assert result.status == "rolled_back" and result.pid not in (None, first.pid)
        assert [child.pid for child in children(configuration)] == [result.pid]
        assert (await slot(services)).model == "hf:acme/first"


async def test_an_old_model_that_cannot_come_back_is_said_to_be_lost(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, "acme/nan")
        first = await services.activation.activate(FIRST)
        little_memory(services, monkeypatch, 2_400_000)
        weights = Path(first.path or "") / "model.safetensors"
        blob = weights.resolve()
        end = services.activation._children.end

        async def end_and_damage(gone: Slot) -> None:
            await end(gone)
            blob.chmod(0o600)
            blob.write_bytes(b"damaged" * (blob.stat().st_size // 7) + b"x" * 6)

        monkeypatch.setattr(services.activation._children, "end", end_and_damage)
        result = await services.activation.switch("acme/nan")
        assert (result.status, result.pid) == ("error", None)
        assert "blown.weight" in (result.error or "")
        assert "could not be loaded again" in (result.error or "")
        left = await slot(services)
        assert (left.model, left.status, left.pid) == ("hf:acme/first", "error", None)
        assert children(configuration) == []


async def test_too_little_memory_is_refused_with_figures(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        first = await services.activation.activate(FIRST)
        little_memory(services, monkeypatch, 1000)
        monkeypatch.setattr(
            "tui_hub.services.holders.torch_loader.holds", lambda slot: {None: 1_000_000}
        )
        with pytest.raises(DoesNotFitError, match="too little") as refused:
            await services.activation.switch(SECOND)
        assert "977 KiB" in refused.value.message or "976.6 KiB" in refused.value.message
        assert (await slot(services)).pid == first.pid
        assert [child.pid for child in children(configuration)] == [first.pid]


async def test_a_device_that_is_not_there_is_refused(torch_home: Configure) -> None:
    async with home(torch_home(TUI_HUB_RUNTIME__DEVICE="cuda:7")) as services:
        await install(services, FIRST)
        with pytest.raises(RefusedError, match="cuda:7"):
            await services.activation.activate(FIRST)
        assert await services.activation.active("llm") is None


async def test_the_dtype_of_the_settings_counts_everywhere(torch_home: Configure) -> None:
    whole, half = torch_home(), torch_home(TUI_HUB_RUNTIME__DTYPE="bfloat16")
    async with home(whole) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST)
        assert first.memory.needed == 1_600_000
        await services.activation.deactivate("llm")
    async with home(half) as services:
        weights = (await services.fit.check(FIRST)).judgement.need[0]
        assert (weights.bytes, weights.basis) == (800_000, Basis.HEADER), "nothing measured for it"
        second = await services.activation.activate(FIRST)
        assert (second.memory.needed, second.status) == (800_000, "active")


async def test_the_way_out_of_a_taken_slot_names_the_slot(torch_home: Configure) -> None:
    async with home(torch_home()) as services:
        await install(services, FIRST, SECOND)
        await services.activation.activate(FIRST, type="utility", runtime="link")
        with pytest.raises(RefusedError) as refused:
            await services.activation.activate(SECOND, type="utility", runtime="link")
        assert "tui-hub switch hf:acme/second --type utility`" in (refused.value.hint or "")


async def test_pickle_needs_consent(torch_home: Configure) -> None:
    async with home(torch_home()) as services:
        await install(services, "acme/pickle")
        with pytest.raises(UnsafeError, match="pickle"):
            await services.activation.activate("acme/pickle")
        assert await services.activation.active("llm") is None
        linked = await services.activation.activate("acme/pickle", runtime="link")
        assert (linked.runtime, linked.pid) == ("link", None)
        loaded = await services.activation.switch("acme/pickle", consent=True)
        assert (loaded.runtime, loaded.status) == ("torch", "active")


async def test_components_of_a_pipeline_are_loaded_together(torch_home: Configure) -> None:
    async with home(torch_home()) as services:
        await install(services, "acme/painter")
        result = await services.activation.activate("acme/painter")
        assert (result.slot, result.status) == ("image_gen", "active")
        assert result.memory.needed == 2 * 240_000


async def test_a_model_that_died_is_said_to_be_and_can_be_loaded_again(
    torch_home: Configure,
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST)
        assert first.pid is not None
        psutil.Process(first.pid).kill()
        async with asyncio.timeout(60):
            while (dead := await slot(services)).status == "active":
                await asyncio.sleep(0.02)
        assert str(first.pid) in (dead.error or "") and dead.pid is None
        again = await services.activation.reload("llm")
        assert again.status == "active" and (await slot(services)).error is None


async def test_a_child_that_is_killed_while_it_loads_leaves_the_old_model(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = TorchChild.load

    async def load_and_be_killed(child: TorchChild, *arguments: Any) -> Loaded:
        os.kill(child.pid, signal.SIGSTOP)  # or it might be done by then
        loading = asyncio.create_task(load(child, *arguments))
        await asyncio.sleep(0)
        os.kill(child.pid, signal.SIGKILL)
        return await loading

    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        first = await services.activation.activate(FIRST)
        monkeypatch.setattr(TorchChild, "load", load_and_be_killed)
        result = await services.activation.switch(SECOND)
        assert result.status == "rolled_back"
        assert "killed" in (result.error or "")
        assert (await slot(services)).pid == first.pid


async def test_a_process_that_hangs_is_ended_all_the_same(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST)
        first = await services.activation.activate(FIRST)
        assert first.pid is not None
        os.kill(first.pid, signal.SIGSTOP)
        monkeypatch.setattr("tui_hub.runtime.children.ANSWER_SECONDS", 0.5)
        monkeypatch.setattr("tui_hub.services.holders.children._GRACE", 0.5)
        assert (await slot(services)).pid == first.pid, "a look waits for nobody"
        gone = await services.activation.deactivate("llm")
        assert gone.status == "inactive" and children(configuration) == []


async def test_a_cancelled_switch_leaves_the_old_model(
    torch_home: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        await services.activation.activate(FIRST)
        little_memory(services, monkeypatch, 2_700_000)
        load = TorchLoader.load

        async def endless(self: TorchLoader, *arguments: object) -> object:
            await asyncio.Event().wait()
            return await load(self, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(TorchLoader, "load", endless)
        switching = asyncio.create_task(services.activation.switch(SECOND))
        async with asyncio.timeout(60):
            while not any(
                "memory back" in " ".join(one.passed) for one in services.activation.swaps()
            ):
                await asyncio.sleep(0.01)
        monkeypatch.setattr(TorchLoader, "load", load)
        (job,) = await services.jobs.list((JobType.ACTIVATE,), (JobStatus.RUNNING,))
        await services.jobs.cancel(job.id)
        with pytest.raises(InterruptedJobError, match="cancelled"):
            await switching
        kept = await slot(services)
        assert (kept.model, kept.status) == ("hf:acme/first", "active")
        assert [child.pid for child in children(configuration)] == [kept.pid]
        assert (await services.jobs.get(job.id)).status is JobStatus.CANCELLED


async def test_two_switches_at_once_take_turns(torch_home: Configure) -> None:
    configuration = torch_home()
    async with home(configuration) as one, home(configuration) as two:
        await install(one, FIRST, SECOND)
        results = await asyncio.gather(
            one.activation.activate(FIRST),
            two.activation.activate(SECOND),
            return_exceptions=True,
        )
        refused = [result for result in results if isinstance(result, RefusedError)]
        assert len(refused) == 1, results
        assert len(children(configuration)) == 1
        await asyncio.gather(one.activation.switch(SECOND), two.activation.switch(FIRST))
        assert [child.pid for child in children(configuration)] == [(await slot(one)).pid]


async def test_what_another_home_of_the_store_replaced_gives_its_memory_back(
    torch_home: Configure, tmp_path: Path
) -> None:
    shared = {"MODEL_STORE_PATH": str(tmp_path / "shared")}
    here, there = torch_home("here", **shared), torch_home("there", **shared)
    async with home(here) as one:
        await install(one, FIRST, SECOND)
        await one.activation.activate(FIRST)
        async with home(there) as two:
            await two.activation.switch(SECOND)
            assert len(children(here)) == len(children(there)) == 1
            await one.activation.recover()
            assert children(here) == []
            seen = await slot(one)
            assert (seen.model, seen.runtime) == ("hf:acme/second", "link")


async def test_no_torch_publishes_a_link_and_says_so(
    torch_home: Configure, bare_python: Path
) -> None:
    async with home(torch_home(TUI_HUB_RUNTIME__PYTHON=str(bare_python))) as services:
        await install(services, FIRST, "acme/pickle")
        linked = await services.activation.activate("acme/pickle")
        assert "pickle files, which can run any program" in (linked.note or "")
        linked = await services.activation.switch(FIRST)
        assert (linked.runtime, linked.status, linked.pid) == ("link", "active", None)
        assert "has no torch" in (linked.note or "")
        assert "pickle" not in (linked.note or "")
        with pytest.raises(RefusedError, match="no torch"):
            await services.activation.switch(FIRST, runtime="torch")


@pytest.mark.usefixtures("cold_torch")
async def test_a_broken_torch_leaves_the_old_model(
    torch_home: Configure, broken_torch: dict[str, str]
) -> None:
    configuration = torch_home()
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        first = await services.activation.activate(FIRST)
    broken = replace(configuration, environment={**configuration.environment, **broken_torch})
    async with home(broken) as services:
        # The first home ended what it held: the slot's model is published still.
        with pytest.raises(HubError, match="torch"):
            await services.activation.switch(SECOND)
        assert (await slot(services)).model == "hf:acme/first"
        assert link(services) == Path(first.path or "")


@pytest.fixture
def broken_torch(tmp_path: Path) -> dict[str, str]:
    """A torch that is there and cannot be imported."""
    package = tmp_path / "broken" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('libcudart.so.13: cannot open')\n")
    info = tmp_path / "broken" / "torch-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 9.9\n")
    return {"PYTHONPATH": str(tmp_path / "broken")}


@pytest.fixture
def bare_python(tmp_path: Path) -> Path:
    """A Python without torch."""
    import venv

    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    return tmp_path / "bare" / "bin" / "python"


@pytest.mark.usefixtures("cold_torch")
async def test_torch_numbers_gpus_as_the_driver_does(torch_home: Configure) -> None:
    variables = {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "FASTEST_FIRST"}
    async with home(torch_home(**variables)) as services:
        await install(services, FIRST)
        pid = (await services.activation.activate(FIRST)).pid
        told = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        names = [one.partition(b"=")[0] for one in told]
        assert b"CUDA_DEVICE_ORDER=PCI_BUS_ID" in told
        assert b"CUDA_VISIBLE_DEVICES" not in names, "what may be taken is decided here"


@pytest.mark.usefixtures("cold_torch")
async def test_torch_takes_memory_that_programs_can_open(
    torch_home: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    variables = {
        "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True,max_split_size_mb:64",
        "PYTORCH_ALLOC_CONF": "expandable_segments:True",
        "PYTORCH_HIP_ALLOC_CONF": "max_split_size_mb:32",
        "PYTORCH_NO_CUDA_MEMORY_CACHING": "1",
    }
    caplog.set_level("DEBUG", "tui_hub")
    async with home(torch_home(**variables)) as services:
        await install(services, FIRST)
        pid = (await services.activation.activate(FIRST)).pid
        told = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        assert b"PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:64" in told
        assert b"PYTORCH_HIP_ALLOC_CONF=max_split_size_mb:32" in told
        assert not any(b"expandable_segments" in one for one in told)
        assert not any(b"MEMORY_CACHING" in one for one in told)
        assert "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True" in caplog.text


async def test_how_long_a_load_should_take_is_told_by_what_was_measured(
    torch_home: Configure,
) -> None:
    async with home(torch_home()) as services:
        await install(services, FIRST, SECOND)
        before = await services.activation.preview(FIRST)
        assert (before.rate, before.seconds, before.known) == (None, None, False)
        await services.activation.activate(FIRST)
        own, other = [await services.activation.preview(one) for one in (FIRST, SECOND)]
        assert own.known and own.last is not None and own.rate == own.last.rate
        assert own.seconds == pytest.approx(own.last.seconds)
        assert not other.known and other.rate == pytest.approx(own.rate)
        assert other.seconds == pytest.approx(other.weights / (own.rate or 0))
