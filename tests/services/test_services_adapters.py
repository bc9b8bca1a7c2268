"""LoRA adapters bound to a model by its configuration, through services, the runtime and attach."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from activation_homes import FIRST, home, install, torch_repositories
from homes import Configure
from safetensors.torch import load_file, save

import tui_hub
from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.domain.errors import CorruptError, RefusedError, UsageError
from tui_hub.services import Services

pytestmark = pytest.mark.usefixtures("warm_torch")

LAYER = "base_model.model.embed"
PARTS = {
    f"{LAYER}.lora_A.weight": torch.linspace(-1, 1, 400).view(4, 100),
    f"{LAYER}.lora_B.weight": torch.linspace(1, 2, 8000).view(2000, 4),
}
LORA, DORA, STRANGE, PLAIN = "acme/lora", "acme/dora", "acme/strange-lora", "acme/second"
PISSA, LATER = "acme/pissa", "acme/later-lora"


def lora(name: str, configuration: object) -> Repository:
    """An adapter as PEFT saves it."""
    files = (
        RepositoryFile("adapter_config.json", json.dumps(configuration).encode()),
        RepositoryFile("adapter_model.safetensors", save(PARTS)),
    )
    return Repository(id=name, files=files, task="text-generation", library="peft", downloads=3)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[DemoHub]:
    """A hub with models that torch can load, and adapters."""
    plain = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "base_model_name_or_path": FIRST}
    models = [
        *torch_repositories(tmp_path),
        lora(LORA, plain),
        lora(DORA, {**plain, "use_dora": True}),
        lora(PISSA, {**plain, "init_lora_weights": "pissa_niter_16"}),
        lora(LATER, {**plain, "alora_invocation_tokens": [7, 8]}),
        lora(STRANGE, ["no", "object"]),
    ]
    with DemoHub(per_connection=0, total=0, repositories=models) as running:
        yield running


def weights(services: Services) -> tuple[torch.Tensor, torch.Tensor]:
    """The adapted tensor as it is in memory, and as the files have it."""
    with tui_hub.attach("llm", environment=services.configuration.environment) as attached:
        there = load_file(attached.path / "model.safetensors")
        return attached["embed.weight"].clone(), there["embed.weight"]


async def test_an_adapter_counts_once_the_model_is_loaded_again(configure: Configure) -> None:
    async with home(configure(TUI_HUB_RUNTIME__USE="auto")) as services:
        await install(services, FIRST, LORA)
        await services.activation.activate(FIRST)
        report = await services.configuring.change(FIRST, {"adapters": LORA})
        assert report.configuration.values == {"adapters": f"hf:{LORA}"}
        assert report.stale == ("llm",)
        here, there = weights(services)
        assert here.equal(there)

        result = await services.activation.reload("llm")
        assert (result.status, result.note) == ("active", None)
        job = await services.jobs.get(result.job or "")
        assert any(f"changed 1 tensors by hf:{LORA}" in line for line in job.log)
        here, there = weights(services)
        first, second = PARTS.values()
        torch.testing.assert_close(here, there + 8 / 4 * (second @ first))
        assert (await services.configuring.show(FIRST)).stale == ()

        await services.configuring.change(FIRST, {}, ["adapters"])
        await services.activation.reload("llm")
        here, there = weights(services)
        assert here.equal(there)


async def test_adapters_that_cannot_be_added_are_refused(configure: Configure) -> None:
    async with home(configure(TUI_HUB_RUNTIME__USE="auto")) as services:
        await install(services, FIRST, PLAIN)
        await services.configuring.change(FIRST, {"adapters": f"{LORA},{DORA}"})
        with pytest.raises(RefusedError, match=f"the adapter hf:{LORA} is not installed") as told:
            await services.activation.activate(FIRST)
        assert f"tui-hub download hf:{LORA}" in (told.value.hint or "")
        await install(services, LORA, DORA, PISSA, LATER, STRANGE)
        for name, error, reason in (
            (DORA, RefusedError, "cannot be added to weights: it is of the kind DoRA"),
            (PISSA, RefusedError, "it began as pissa_niter_16, which takes from its model's"),
            (LATER, RefusedError, "it counts from certain words on alone"),
            (PLAIN, RefusedError, "has no adapter_config.json"),
            (STRANGE, CorruptError, "adapter_config.json of the adapter .* cannot be read"),
        ):
            await services.configuring.change(FIRST, {"adapters": name})
            with pytest.raises(error, match=reason):
                await services.activation.activate(FIRST)
        assert await services.activation.active("llm") is None

        await services.configuring.change(PLAIN, {"adapters": LORA})
        result = await services.activation.activate(PLAIN)
        assert (result.status, result.error_code) == ("error", "refused")
        assert "its shapes do not fit embed.weight" in (result.error or "")


async def test_an_adapter_alone_stands_in_no_slot(configure: Configure, hub: DemoHub) -> None:
    painted = RepositoryFile("ink.safetensors", save(PARTS))
    told = {"task": "text-generation", "base_model": FIRST, "base_relation": "adapter"}
    hub.put(Repository(id="acme/ink", files=(painted,), **told))  # type: ignore[arg-type]
    merged = (
        RepositoryFile("config.json", b"{}"),
        RepositoryFile("model.safetensors", save(PARTS)),
    )
    hub.put(Repository(id="acme/merged", files=merged, **told))  # type: ignore[arg-type]
    async with home(configure(TUI_HUB_RUNTIME__USE="link")) as services:
        await install(services, FIRST, LORA, STRANGE, "acme/ink", "acme/merged")
        await services.activation.activate(FIRST)
        for name, base, way in (
            (LORA, FIRST, f"tui-hub configure hf:{FIRST} adapters=hf:{LORA}"),
            (STRANGE, "another model", f"tui-hub configure BASE adapters=hf:{STRANGE}"),
            ("acme/ink", FIRST, "Programs load it beside that model"),
        ):
            with pytest.raises(RefusedError, match=f"it is an adapter for {base}") as refused:
                await services.activation.switch(name)
            assert way in (refused.value.hint or "")
        slot = await services.activation.active("llm")
        assert slot is not None and slot.model == f"hf:{FIRST}"
        assert (await services.activation.switch("acme/merged")).status == "active"


@pytest.mark.parametrize("wrong", ["", "a b", "acme/lora,acme/lora", "acme/lora,"])
async def test_what_names_no_adapters_is_refused(configure: Configure, wrong: str) -> None:
    async with home(configure()) as services:
        with pytest.raises(UsageError, match="adapters"):
            await services.configuring.change(FIRST, {"adapters": wrong})
