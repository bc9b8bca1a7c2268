"""Fits of all kinds of repositories: adapters on their base, odd files, pipelines and sounds."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from homes import Configure
from nvml_driver import GIB, StubDriver, sleeper

from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.demo.formats.gguf import gguf
from tui_hub.demo.formats.safetensors import safetensors
from tui_hub.demo.formats.tensors import Tensor, stack
from tui_hub.domain.errors import UsageError
from tui_hub.domain.fit import Basis, FitReport, Need, Verdict, Workload
from tui_hub.services import open_services

LLAMA: Mapping[str, object] = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
    "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 8,
    "num_key_value_heads": 2, "max_position_embeddings": 4096, "vocab_size": 100,
    "torch_dtype": "bfloat16",
}  # fmt: skip
TOKEN = 2 * 2 * 2 * 8 * 2
"""Bytes that this one keeps of a token: two layers, keys and values, two heads of eight."""


def document(path: str, content: object) -> RepositoryFile:
    return RepositoryFile(path, json.dumps(content).encode())


def weights(path: str, size: int = 64, layers: int = 2) -> RepositoryFile:
    return RepositoryFile(path, safetensors(stack("layers", layers, size), path))


def count(size: int = 64, layers: int = 2) -> int:
    """Bytes of such weights."""
    return layers * (size * size + size) * 4


def need(report: FitReport, part: str) -> Need:
    """One part, which must be there."""
    return next(one for one in report.judgement.need if one.part == part)


def parts(report: FitReport) -> list[str]:
    return [one.part for one in report.judgement.need]


def put(hub: DemoHub, name: str, *files: RepositoryFile, **fields: object) -> None:
    """A repository with these files."""
    values: dict[str, object] = {"id": f"acme/{name}", "files": files, **fields}
    values.setdefault("task", "text-generation")
    hub.put(Repository(**values))  # type: ignore[arg-type]


@pytest.fixture
def base(hub: DemoHub) -> None:
    """A language model that adapters change."""
    put(hub, "base", document("config.json", LLAMA), weights("model.safetensors", 128))


async def test_an_adapter_needs_its_base_too(
    configure: Configure, hub: DemoHub, base: None
) -> None:
    small = weights("adapter_model.safetensors", 16)
    put(hub, "tagged", small, base_model="acme/base", base_relation="adapter")
    put(hub, "named", document("adapter_config.json", {"base_model_name_or_path": "acme/base"}),
        weights("adapter_model.safetensors", 16))  # fmt: skip
    async with open_services(configure()) as services:
        for name in ("acme/tagged", "acme/named"):
            report = await services.fit.check(name)
            assert need(report, "weights").bytes == count(16)
            assert need(report, "base weights").bytes == count(128)
            assert need(report, "base weights").basis is Basis.HEADER
            assert need(report, "base weights").source.startswith("hf:acme/base safetensors: ")
            assert need(report, "kv cache").bytes == 4096 * TOKEN
            assert any("acme/base safetensors is counted with it" in one for one in report.warnings)
            assert not any("is not counted" in one for one in report.warnings)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("acme/nowhere", "is not counted, acme/nowhere: "),
        ("/home/me/llama", "is not counted, /home/me/llama"),
        ("../../etc", "is not counted, ../../etc"),
        ("\x1b[2Jx/y", "is not counted, "),
        ("acme/itself", "is not counted, acme/itself: "),
    ],
)
async def test_a_base_that_cannot_be_had_is_said(
    configure: Configure, hub: DemoHub, name: str, words: str
) -> None:
    put(hub, "itself", document("adapter_config.json", {"base_model_name_or_path": name}),
        weights("adapter_model.safetensors", 16))  # fmt: skip
    async with open_services(configure()) as services:
        report = await services.fit.check("acme/itself")
        assert "base weights" not in parts(report)
        assert any(words in one for one in report.warnings)
        assert all(one.isprintable() for one in report.warnings)


async def test_only_pickles_and_no_configuration(configure: Configure, hub: DemoHub) -> None:
    put(hub, "old", RepositoryFile("voice.pt", b"PK\x03\x04" + bytes(5000)), task="text-to-speech")
    async with open_services(configure()) as services:
        report = await services.fit.check("acme/old")
        assert need(report, "weights") == Need(
            part="weights", bytes=5004, basis=Basis.ESTIMATE, source="the size of 1 file"
        )
        assert "GPUStack" in need(report, "activations").source
        assert "kv cache" not in parts(report)
        assert any("pickles" in one for one in report.warnings)


async def test_gguf_shards_alone(configure: Configure, hub: DemoHub) -> None:
    told = {
        "general.architecture": "llama", "llama.block_count": 2, "llama.context_length": 4096,
        "llama.attention.head_count": 8, "llama.attention.head_count_kv": 2,
        "llama.embedding_length": 64, "llama.feed_forward_length": 128, "split.count": 2,
    }  # fmt: skip
    embedding = ("Q8_0", Tensor("token_embd.weight", (64, 96)))
    first = gguf(told, [embedding], "a")
    second = gguf({"general.architecture": "llama", "split.count": 2},
                  [("Q8_0", Tensor("b", (64, 32)))], "b")  # fmt: skip
    put(hub, "split", RepositoryFile("m-Q8_0-00001-of-00002.gguf", first),
        RepositoryFile("m-Q8_0-00002-of-00002.gguf", second), library="gguf")  # fmt: skip
    async with open_services(configure()) as services:
        report = await services.fit.check("acme/split", context=1000, batch=2)
        assert need(report, "weights").bytes == 64 * (96 + 32) // 32 * 34
        assert need(report, "kv cache").bytes == 2 * 1000 * TOKEN
        assert need(report, "activations").bytes == 512 * (256 + 64) * 4
        assert need(report, "activations").source.startswith("GGUF header: ")
        assert "its weights are in" not in " ".join(report.warnings)


async def test_the_cache_is_as_wide_as_the_weights_become(
    configure: Configure, hub: DemoHub, base: None
) -> None:
    async with open_services(configure()) as services:
        plain = await services.fit.check("acme/base", context=100)
        await services.configuring.change("acme/base", {"dtype": "float32", "context": "200"})
        wide = await services.fit.check("acme/base")
        assert need(wide, "kv cache").bytes == 4 * need(plain, "kv cache").bytes
        small = await services.fit.check("acme/base", context=50)
        assert need(small, "kv cache").bytes == need(plain, "kv cache").bytes
        await services.configuring.change("acme/base", {"dtype": "float8_e4m3fn"})
        eight = await services.fit.check("acme/base", context=100)
        assert need(eight, "kv cache").bytes == need(plain, "kv cache").bytes
        assert "cast to float8_e4m3fn" in need(eight, "weights").source


async def test_models_that_read_keep_nothing(configure: Configure, hub: DemoHub) -> None:
    reads = {**LLAMA, "architectures": ["BertModel"], "max_position_embeddings": 512}
    put(hub, "reads", document("config.json", reads), weights("model.safetensors"),
        task="feature-extraction")  # fmt: skip
    classifier = {**reads, "architectures": ["BertForSequenceClassification"]}
    put(hub, "answers", document("config.json", classifier), weights("model.safetensors"),
        task="question-answering")  # fmt: skip
    async with open_services(configure()) as services:
        for name in ("acme/reads", "acme/answers"):
            report = await services.fit.check(name)
            assert "kv cache" not in parts(report)
            assert report.context is None
            assert need(report, "activations").bytes == 512 * (4 * 64 + 3 * 128) * 2
            assert not any("not counted" in one for one in report.warnings)


async def test_a_pipeline_takes_what_its_decoder_takes(configure: Configure, hub: DemoHub) -> None:
    index = {"unet": ["diffusers", "U"], "vae": ["diffusers", "A"]}
    vae = {"_class_name": "AutoencoderKL", "block_out_channels": [32, 64, 64, 64]}
    put(hub, "pipe", document("model_index.json", index), document("vae/config.json", vae),
        document("unet/config.json", {"sample_size": 32}),
        weights("vae/diffusion_pytorch_model.safetensors"),
        weights("unet/diffusion_pytorch_model.safetensors"), task="text-to-image")  # fmt: skip
    async with open_services(configure()) as services:
        report = await services.fit.check("acme/pipe", batch=3)
        assert need(report, "weights").bytes == 2 * count()
        assert "unet" in need(report, "weights").source
        assert need(report, "activations").bytes == 3 * 256 * 256 * 3 * 64 * 2
        assert "AutoencoderKL decodes 256 x 256" in need(report, "activations").source


async def test_hostile_configurations_cost_nothing(configure: Configure, hub: DemoHub) -> None:
    deep = b'{"text_config":' * 5000 + b"1" + b"}" * 5000
    for name, content in (
        ("deep", deep), ("wide", b'{"a":[' + b"{}," * 1_500_000 + b"{}]}"), ("none", b"\xff\xfe"),
        ("huge", json.dumps({**LLAMA, "hidden_size": 2**31, "head_dim": 2**31}).encode()),
        ("text", json.dumps({"architectures": "x", "num_hidden_layers": [2]}).encode()),
    ):  # fmt: skip
        put(hub, name, RepositoryFile("config.json", content), weights("model.safetensors"))
    async with open_services(configure()) as services:
        for name in ("deep", "wide", "none", "huge", "text"):
            report = await services.fit.check(f"acme/{name}")
            assert need(report, "weights").bytes == count()
            assert "kv cache" not in parts(report)
            assert any("cache for its context is not counted" in one for one in report.warnings)


async def test_who_holds_what_is_missing_is_named(
    configure: Configure, driver: StubDriver, base: None
) -> None:
    with sleeper() as pid:
        driver.two_gpus(compute=f"{pid}:{9 * GIB},{os.getppid()}:5")
        for number in (0, 1):
            driver.gpu(number, free=GIB // 2 - number, used=139 * GIB)
        async with open_services(configure()) as services:
            report = await services.fit.check("acme/base")
            (line,) = [one for one in report.warnings if one.startswith("other programs hold")]
            assert "it would fit if they gave it back: sleep " in line
            assert f"(pid {pid}) 9.0 GiB" in line


async def test_another_workload_is_judged_by_the_memory_of_now(
    configure: Configure, hub: DemoHub, driver: StubDriver, base: None
) -> None:
    driver.two_gpus()
    async with open_services(configure()) as services:
        report = await services.fit.check("acme/base")
        assert report.judgement.verdict is Verdict.FITS
        assert report.judgement.best is not None
        assert report.judgement.best.index == 1
        hub.requests.clear()
        large = await services.fit.again(report, Workload(context=2**31 - 1))
        assert large.judgement.verdict is Verdict.TOO_BIG
        assert need(large, "kv cache").bytes == (2**31 - 1) * TOKEN
        assert any("its context is set to" in one for one in large.warnings)
        for number in (0, 1):
            driver.gpu(number, free=GIB // 2, used=139 * GIB)
        later = await services.fit.again(large, Workload())
        assert later.judgement.verdict is Verdict.OFFLOAD
        assert hub.requests.select("*") == []
        for odd in (Workload(context=0), Workload(batch=0), Workload(context=2**31)):
            with pytest.raises(UsageError, match="no context, or no batch"):
                await services.fit.again(report, odd)


async def test_a_device_that_is_not_there_is_said(
    configure: Configure, driver: StubDriver, base: None
) -> None:
    driver.two_gpus()

    async def warnings(name: str, device: str) -> str:
        async with open_services(configure(TUI_HUB_RUNTIME__DEVICE=device)) as services:
            return "; ".join((await services.fit.check(name)).warnings)

    assert "it is set to go to cuda:7, which is not there" in await warnings("acme/base", "cuda:7")
    for device in ("auto", "cuda:1", "cpu"):
        assert "is not there" not in await warnings("acme/base", device)
    driver.gpu(1, fail=15)
    assert "it is set to go to cuda:1, which is not there" in await warnings("acme/base", "cuda:1")


async def test_a_torch_that_leaves_the_gpu_alone_is_said(
    configure: Configure, driver: StubDriver, hub: DemoHub, base: None, tmp_path: Path
) -> None:
    """By the version that it has, as torch for the processor alone is published."""
    put(
        hub,
        "quant",
        RepositoryFile("m-F32.gguf", gguf({}, [("F32", Tensor("w", (32, 32), "F32"))], "q")),
    )
    driver.two_gpus()
    for number, (version, said) in enumerate((("2.9.1+cpu", True), ("2.9.1+cu128", False))):
        site = tmp_path / str(number)
        for folder in ("torch", "torch-2.9.1.dist-info"):
            (site / folder).mkdir(parents=True)
        (site / "torch" / "__init__.py").write_text("def empty(_): pass")
        (site / "torch-2.9.1.dist-info" / "METADATA").write_text(
            f"Name: torch\nVersion: {version}\n"
        )
        python = {"TUI_HUB_RUNTIME__PYTHON": sys.executable, "PYTHONPATH": str(site)}
        async with open_services(configure(f"home-{number}", **python)) as services:
            words = f"torch {version} is built without CUDA"
            report = await services.fit.check("acme/base")
            assert (report.torch, any(words in one for one in report.warnings)) == (version, said)
            report = await services.fit.check("acme/quant")
            assert not any("torch" in one for one in report.warnings), "it does not load that"
