"""A switch whose process is killed before each step that lasts, and what the next start does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from activation_homes import FIRST, SECOND, alone, home, install, torch_repositories
from crashing import SWITCHER
from homes import Configure

from tui_hub.demo import DemoHub
from tui_hub.domain.jobs import JobStatus, JobType
from tui_hub.runtime.torch_children import TorchChild
from tui_hub.services import Services


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load."""
    with DemoHub(per_connection=0, total=0, repositories=torch_repositories(tmp_path)) as running:
        yield running


async def sound(services: Services) -> str:
    """The one model that is active in every respect."""
    context = services.jobs._context
    assert await context.hub.swaps.list() == []
    slot = await services.activation.active("llm")
    assert slot is not None and slot.status == "active" and slot.child is not None
    await alone(services.configuration, slot.pid)
    link = services.configuration.paths.store / "active" / "llm"
    assert link.resolve() == Path(slot.path)
    child = await TorchChild.attach(services.configuration.paths.state / "runtime", slot.child)
    assert child is not None
    status = await child.status()
    await child.close()
    numbers = {"hf:acme/first": 400_000, "hf:acme/second": 600_000}[slot.model]
    assert status.kept and status.state == "loaded" and status.loaded is not None
    assert status.loaded.parameters == numbers
    return slot.model


@pytest.mark.timeout(300)
@pytest.mark.parametrize("room", ["both", "one", "parked"])
async def test_a_switch_killed_before_any_step(
    configure: Configure, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"TUI_HUB_RUNTIME__DTYPE": "bfloat16"} if room == "parked" else {}
    configuration = configure(TUI_HUB_RUNTIME__USE="auto", **more)
    # Cast weights on the processor can leave it and come back as those on a GPU do.
    monkeypatch.setattr(
        "tui_hub.services.holders.torch_holder.on_gpu", lambda slot: room == "parked"
    )
    outcomes = []
    async with home(configuration) as services:
        await install(services, FIRST, SECOND)
        await services.activation.activate(FIRST)
        active = "hf:acme/first"
        for doomed in range(100):
            other = SECOND if active.endswith("first") else FIRST
            run = subprocess.run(
                [sys.executable, "-c", SWITCHER, other, str(doomed), room],
                env={**os.environ, **configuration.environment},
                capture_output=True,
                text=True,
                timeout=60,
            )
            if run.returncode == 0:
                break
            assert run.returncode == -9, run.stderr
            await services.activation.recover()
            now = await sound(services)
            job = (await services.jobs.list((JobType.ACTIVATE,)))[0]
            carried_out = job.status is JobStatus.COMPLETED
            assert carried_out == (now != active), "its job tells what became of it"
            outcomes.append((run.stdout.strip(), now == active))
            active = now
        assert run.stdout.startswith("active"), run.stderr
        assert ("park" in run.stdout.split()) == (room == "parked")
        await sound(services)
    kept = [stayed for _, stayed in outcomes]
    assert len(outcomes) >= 8, outcomes
    assert kept[0] and not kept[-1], "killed first nothing has changed, killed last all has"
    assert kept == sorted(kept, reverse=True), "there is one moment from which the new one counts"
