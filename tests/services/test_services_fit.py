"""What a model needs and whether it fits, over the demo hub: no weights are downloaded."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import psutil
import pytest
from homes import Configure
from small_models import WEIGHTS

from tui_hub.database import HubDatabase
from tui_hub.demo import DemoHub, Fault, FaultKind, Repository, RepositoryFile
from tui_hub.demo.formats.gguf import gguf
from tui_hub.demo.formats.safetensors import safetensors
from tui_hub.demo.formats.tensors import Tensor, stack
from tui_hub.demo.models import demo_repositories
from tui_hub.domain.errors import NotFoundError, UnreachableError
from tui_hub.domain.fit import HOST_RUNTIME, Basis, FitReport, Verdict
from tui_hub.domain.models import Model
from tui_hub.domain.slots import MemoryFigures
from tui_hub.domain.types import ModelType
from tui_hub.processes import this_process
from tui_hub.services import open_services
from tui_hub.services.fit.words import verdict_words

LARGE = "demo-lab/lumen-chat-large"
MIB = 1024**2
DEMO_MODELS = {one.id: one for one in demo_repositories() if one.author == "demo-lab"}


@pytest.fixture(autouse=True)
def demo_models(hub: DemoHub) -> None:
    """The demo's own models beside the small ones."""
    for repository in DEMO_MODELS.values():
        hub.put(repository)


def part(report: FitReport, name: str) -> tuple[int, Basis]:
    """One part of a need."""
    need = next(need for need in report.judgement.need if need.part == name)
    return need.bytes, need.basis


async def test_a_sharded_model_is_weighed_by_a_few_kilobytes(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        details = await services.repositories.details(LARGE)
        hub.requests.clear()
        report = await services.fit.check(LARGE)
        index = next(file for file in details.files if file.path.endswith("index.json"))
        shards = [file for file in details.files if file.path.endswith(".safetensors")]
        expected = total_size(index.path)
        assert part(report, "weights") == (expected, Basis.HEADER)
        assert report.dtypes == {"F16": expected}
        assert part(report, "kv cache")[0] == 8 * 2 * (512 // 8) * 2 * 2 * 8192
        assert report.judgement.verdict is Verdict.FITS
        assert report.variant == "safetensors"
        assert len(hub.requests.select("*.safetensors")) == len(shards)
        assert len(hub.requests.select(origin="cdn")) == len(shards)
        assert sum(one.sent for one in hub.requests.select("*")) < 3 * 140_000
        assert await services.jobs.list() == ()
        hub.requests.clear()
        await services.fit.check(LARGE)
        assert hub.requests.select("*.safetensors") == [], "what is known is not asked again"


def total_size(path: str) -> int:
    """What the index of the sharded model says of its tensors."""
    content = DEMO_MODELS[LARGE].by_path[path].content
    index = json.loads(content.read(0, content.size))
    return int(index["metadata"]["total_size"])


async def test_an_installed_model_is_weighed_from_the_store(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        job = await services.downloads.start("demo-lab/lumen-chat-gguf", variant="Q8_0")
        await services.downloads.wait(job.id)
        before = await services.fit.check("demo-lab/lumen-chat-gguf", variant="Q8_0")
        assert before.disk is not None
        assert before.disk.bytes_to_transfer == 0
    async with open_services(configure(HF_HUB_OFFLINE="1")) as services:
        hub.requests.clear()
        report = await services.fit.check("demo-lab/lumen-chat-gguf")
        assert hub.requests.select("*") == []
        assert report.variant == "Q8_0", "what is here goes before what would be offered"
        assert set(report.dtypes) == {"Q8_0", "F32"}
        assert part(report, "weights") == (sum(report.dtypes.values()), Basis.HEADER)
        other = await services.fit.check("demo-lab/lumen-chat-gguf", variant="q4_0")
        assert part(other, "weights")[1] is Basis.ESTIMATE
        assert any("offline" in line for line in other.warnings)


async def test_each_copy_counts_once(configure: Configure) -> None:
    async with open_services(configure()) as services:
        half = await services.fit.check("demo-lab/still-diffusion")
        assert half.variant == "fp16"
        whole = await services.fit.check("demo-lab/still-diffusion", variant="safetensors")
        assert part(whole, "weights")[0] == 2 * part(half, "weights")[0]
        assert [need.part for need in half.judgement.need] == [
            "weights", "activations", "runtime", "margin",
        ]  # fmt: skip
        assert half.judgement.need[0].source.startswith("3 headers of its weights: unet ")


async def test_files_that_no_component_names_are_not_loaded(
    configure: Configure, hub: DemoHub
) -> None:
    tensors = safetensors(stack("a", 1, 64), "a")
    hub.put(Repository(
        id="acme/pipeline",
        files=(
            RepositoryFile("model_index.json", b'{"unet": ["diffusers", "UNet2DConditionModel"]}'),
            RepositoryFile("unet/diffusion_pytorch_model.safetensors", tensors),
            RepositoryFile("vae_1_0/diffusion_pytorch_model.safetensors", tensors),
            RepositoryFile("pipeline.safetensors", tensors),
        ),
        task="text-to-image",
    ))  # fmt: skip
    async with open_services(configure()) as services:
        report = await services.fit.check("acme/pipeline")
        assert part(report, "weights") == (64 * 64 * 4 + 64 * 4, Basis.HEADER)


async def test_a_damaged_header_falls_back_to_the_size_of_the_file(configure: Configure) -> None:
    async with open_services(configure()) as services:
        report = await services.fit.check("acme/tiny")
        assert part(report, "weights") == (len(WEIGHTS), Basis.ESTIMATE)
        assert any(line.startswith("model.safetensors: ") for line in report.warnings)
        pickle = await services.fit.check("demo-lab/old-classifier")
        assert part(pickle, "weights")[1] is Basis.ESTIMATE
        assert any("pickles" in line for line in pickle.warnings)


async def test_one_damaged_shard_does_not_spoil_the_others(
    configure: Configure, hub: DemoHub
) -> None:
    good = safetensors([Tensor("a", (1000,))], "a")
    hub.put(Repository(
        id="acme/half",
        files=(
            RepositoryFile("model-00001-of-00002.safetensors", good),
            RepositoryFile("model-00002-of-00002.safetensors", WEIGHTS),
        ),
    ))  # fmt: skip
    async with open_services(configure()) as services:
        report = await services.fit.check("acme/half")
        assert part(report, "weights") == (4000, Basis.HEADER)
        assert part(report, "weights by file size") == (len(WEIGHTS), Basis.ESTIMATE)


async def test_shards_that_are_not_there_are_missed(configure: Configure, hub: DemoHub) -> None:
    told = {"general.architecture": "x", "split.count": 3}
    shard = gguf(told, [("F32", Tensor("a", (32,)))], "a")
    hub.put(Repository(
        id="acme/parts", files=(RepositoryFile("m-Q4_0-00001-of-00003.gguf", shard),)
    ))  # fmt: skip
    async with open_services(configure()) as services:
        report = await services.fit.check("acme/parts")
        assert part(report, "weights") == (128, Basis.HEADER)
        assert "its weights are in 3 parts, and 1 are listed" in report.warnings


async def test_a_gated_model_is_weighed_by_its_files_until_access_is_given(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        report = await services.fit.check("demo-lab/restricted-voice")
        assert part(report, "weights")[1] is Basis.ESTIMATE
        assert any(line.startswith("gated: ") for line in report.warnings)
    async with open_services(configure("other", HF_TOKEN=hub.token)) as services:
        report = await services.fit.check("demo-lab/restricted-voice")
        assert part(report, "weights")[1] is Basis.HEADER
        assert not any("gated" in line for line in report.warnings)


async def test_a_storage_that_ignores_ranges_is_not_read_to_the_end(
    configure: Configure, hub: DemoHub
) -> None:
    async with open_services(configure()) as services:
        details = await services.repositories.details("demo-lab/lumen-chat")
        size = max(file.size or 0 for file in details.files)
        hub.requests.clear()
        hub.throttle.connection = MIB // 4
        hub.faults.add(Fault(FaultKind.IGNORE_RANGE, origin="cdn", times=-1))
        report = await services.fit.check("demo-lab/lumen-chat")
        assert part(report, "weights")[1] is Basis.HEADER
        sent = sum(one.sent for one in hub.requests.select(origin="cdn"))
        assert sent < size // 3


async def test_a_page_instead_of_a_file_is_no_header(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        await services.repositories.details("demo-lab/murmur-asr")
        hub.faults.add(Fault(FaultKind.HTML, path="*.safetensors", times=-1))
        report = await services.fit.check("demo-lab/murmur-asr")
        assert part(report, "weights")[1] is Basis.ESTIMATE
        assert any("web page" in line for line in report.warnings)


async def test_a_check_that_is_called_off_ends_at_once(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure()) as services:
        await services.repositories.details(LARGE)
        stall = hub.faults.add(Fault(FaultKind.STALL, path="*.safetensors", times=-1))
        checking = asyncio.create_task(services.fit.check(LARGE))
        while not stall.hits:
            await asyncio.sleep(0.01)
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking
    async with asyncio.timeout(60):
        # Nothing waits in a thread for the bytes that do not come.
        await asyncio.get_running_loop().shutdown_default_executor()
    stall.release()


async def test_what_is_not_known_is_said(configure: Configure) -> None:
    async with open_services(configure()) as services:
        with pytest.raises(NotFoundError):
            await services.fit.check("acme/nothing")
        with pytest.raises(NotFoundError, match="no variant 'Q9'"):
            await services.fit.check("acme/quants", variant="Q9")
        closed = await services.fit.check("curated:sora-2")
        assert closed.judgement.verdict is Verdict.UNKNOWN
        assert closed.judgement.need == ()
        assert verdict_words(closed) == "not known whether it fits in memory"


async def test_a_hub_that_is_gone_is_unreachable(configure: Configure, hub: DemoHub) -> None:
    async with open_services(configure(TUI_HUB_NETWORK__RETRIES="0")) as services:
        hub.faults.offline = True
        with pytest.raises(UnreachableError):
            await services.fit.check(LARGE)


async def test_the_model_of_the_slot_makes_room(configure: Configure) -> None:
    total = psutil.virtual_memory().total
    # Nothing but an idle machine's last bytes is free for this one, whoever else is at work.
    params = int((total - MIB) / 1.05 - HOST_RUNTIME) // 2
    huge = Model(id="hf:acme/huge", source="hf", author="acme", name="huge", type=ModelType.LLM,
                 params=params)  # fmt: skip
    configuration = configure()
    async with open_services(configuration) as services:
        job = await services.downloads.start("acme/tiny")
        await services.downloads.wait(job.id)
        await services.activation.activate("acme/tiny")
        await services.catalogue.remember(huge)
    offline = configure(HF_HUB_OFFLINE="1")
    async with open_services(offline) as services:
        unmeasured = await services.fit.check(huge.id)
        assert unmeasured.judgement.verdict is Verdict.TOO_BIG
        assert any("acme/tiny is active" in line for line in unmeasured.warnings)
        assert any("missing" in line for line in unmeasured.warnings)
    async with await HubDatabase.open(configuration.paths.hub_database) as hub:
        (slot,) = await hub.slots.list()
        figures = MemoryFigures(used_after=total // 2)
        held = replace(
            slot, runtime="torch", child="it", device="cpu", memory=figures, holder=this_process()
        )
        await hub.slots.put(held)
    async with open_services(offline) as services:
        report = await services.fit.check(huge.id)
        assert report.judgement.verdict is Verdict.FITS_AFTER_SWAP
        assert report.leaves == "hf:acme/tiny"
        assert "once hf:acme/tiny leaves" in verdict_words(report)
        assert part(report, "weights") == (params * 2, Basis.ESTIMATE)
        itself = await services.fit.check("acme/tiny")
        assert itself.judgement.verdict is Verdict.FITS


async def test_what_its_maker_asks_for_is_compared(configure: Configure) -> None:
    model = Model(id="hf:acme/asks", source="hf", author="acme", name="asks",
                  facts={"requires": {"gpu_memory": 6 * 1024**3, "torch": ">=2.4"}})  # fmt: skip
    async with open_services(configure(HF_HUB_OFFLINE="1")) as services:
        await services.catalogue.remember(model)
        report = await services.fit.check(model.id)
        assert "its maker asks for 6.0 GiB of GPU memory: no GPU is seen here" in report.warnings
        assert any(line.startswith("its maker asks for torch >=2.4") for line in report.warnings)


async def test_an_end_is_a_warning_before_it_comes(configure: Configure) -> None:
    async def warnings(date: str) -> tuple[str, ...]:
        facts = {"deprecated": date, "successor": "hf:acme/next"}
        ending = Model(id=f"hf:acme/{date}", source="hf", author="acme", name=date, facts=facts)
        async with open_services(configure(HF_HUB_OFFLINE="1")) as services:
            await services.catalogue.remember(ending)
            return (await services.fit.check(ending.id)).warnings

    instead = "its successor is hf:acme/next"
    assert f"deprecated since 2020-01-02; {instead}" in await warnings("2020-01-02")
    assert f"deprecated from 2999-12-31 on; {instead}" in await warnings("2999-12-31")


async def test_a_disk_that_is_too_small_is_said_with_figures(configure: Configure) -> None:
    async with open_services(configure(TUI_HUB_STORE__RESERVE=str(2**60))) as services:
        report = await services.fit.check("acme/quants", variant="Q8_0")
        assert report.disk is not None
        assert not report.disk.fits
        assert any("the disk is" in line and "2.0 MiB" in line for line in report.warnings)
