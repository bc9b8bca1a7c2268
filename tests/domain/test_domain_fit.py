"""The verdict over all devices, and which files count."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tui_hub.domain.artifacts import Artifact, variants_of
from tui_hub.domain.fit import (
    GPU_RUNTIME,
    HOST_RUNTIME,
    LEAST_MARGIN,
    Basis,
    Device,
    Need,
    Verdict,
    as_measured,
    judge,
    needs_on,
)
from tui_hub.domain.loading import components_of, loaded_weights

GIB = 1024**3
ON_GPU = 11 * GIB
"""What 10 GiB of weights need on a GPU, less a little."""


def weights(count: int) -> list[Need]:
    return [Need(part="weights", bytes=count, basis=Basis.HEADER)]


def gpu(index: int, free: int, total: int = 80 * GIB) -> Device:
    return Device(index=index, name="H200", total=total, free=free)


def host(free: int, total: int = 80 * GIB) -> Device:
    return Device(index=None, name="host memory", total=total, free=free)


@pytest.mark.parametrize(
    ("devices", "returning", "verdict", "gpus"),
    [
        ([gpu(0, 12 * GIB), host(GIB)], {}, Verdict.FITS, None),
        ([gpu(0, GIB), gpu(1, 12 * GIB), host(GIB)], {}, Verdict.FITS, None),
        ([gpu(0, GIB), host(64 * GIB)], {0: 11 * GIB}, Verdict.FITS_AFTER_SWAP, None),
        ([gpu(0, GIB), gpu(1, GIB), host(GIB)], {1: 11 * GIB}, Verdict.FITS_AFTER_SWAP, None),
        ([gpu(0, GIB, 8 * GIB), host(GIB)], {0: 11 * GIB}, Verdict.TOO_BIG, None),
        ([gpu(0, GIB), host(64 * GIB)], {None: 11 * GIB}, Verdict.OFFLOAD, None),
        ([gpu(0, 7 * GIB), gpu(1, 7 * GIB), host(64 * GIB)], {}, Verdict.NEEDS_GPUS, 2),
        ([gpu(n, 5 * GIB) for n in range(4)] + [host(GIB)], {}, Verdict.NEEDS_GPUS, 3),
        ([gpu(0, 5 * GIB), gpu(1, 6 * GIB), host(2 * GIB)], {}, Verdict.OFFLOAD, None),
        ([gpu(0, 5 * GIB), host(5 * GIB)], {}, Verdict.TOO_BIG, None),
        ([host(12 * GIB)], {}, Verdict.FITS, None),
        ([host(5 * GIB)], {None: 7 * GIB}, Verdict.FITS_AFTER_SWAP, None),
        ([host(5 * GIB)], {}, Verdict.TOO_BIG, None),
        ([], {}, Verdict.UNKNOWN, None),
    ],
)
def test_the_verdict_over_all_devices(
    devices: list[Device],
    returning: Mapping[int | None, int],
    verdict: Verdict,
    gpus: int | None,
) -> None:
    judged = judge(weights(10 * GIB), devices, returning=returning)
    assert (judged.verdict, judged.gpus) == (verdict, gpus)
    assert len(judged.devices) == len(devices)


def test_the_words_are_those_of_the_contract() -> None:
    assert {str(verdict) for verdict in Verdict} == {
        "fits", "fits_after_swap", "needs_gpus", "offload", "too_big", "unknown",
    }  # fmt: skip


def test_without_parts_nothing_is_known_but_the_devices() -> None:
    judged = judge([], [gpu(0, GIB), host(GIB)])
    assert (judged.verdict, judged.need, judged.bytes) == (Verdict.UNKNOWN, (), None)
    assert [device.verdict for device in judged.devices] == [Verdict.UNKNOWN] * 2


def test_the_parts_add_up_and_say_what_they_rest_on() -> None:
    small, large = needs_on(weights(GIB), gpu=True), needs_on(weights(100 * GIB), gpu=False)
    assert [(need.part, need.bytes, str(need.basis)) for need in small] == [
        ("weights", GIB, "header"),
        ("runtime", GPU_RUNTIME, "estimate"),
        ("margin", LEAST_MARGIN, "estimate"),
    ]
    assert large[1].bytes == HOST_RUNTIME
    assert large[2].bytes == (100 * GIB + HOST_RUNTIME) // 20
    judged = judge(weights(GIB), [gpu(0, 3 * GIB)])
    assert judged.bytes == GIB + GPU_RUNTIME + LEAST_MARGIN
    assert judged.devices[0].short == 0


def test_a_byte_too_little_is_too_little() -> None:
    needed = sum(need.bytes for need in needs_on(weights(10 * GIB), gpu=True))
    assert judge(weights(10 * GIB), [gpu(0, needed)]).verdict is Verdict.FITS
    judged = judge(weights(10 * GIB), [gpu(0, needed - 1)])
    assert judged.verdict is Verdict.TOO_BIG
    assert judged.devices[0].short == 1


def test_a_measured_peak_goes_before_every_estimate_of_the_weights() -> None:
    cache = Need(part="kv cache", bytes=GIB, basis=Basis.ESTIMATE)
    parts = as_measured([*weights(10 * GIB), cache], 4 * GIB)
    judged = judge(parts, [gpu(0, 7 * GIB)])
    assert judged.verdict is Verdict.FITS
    assert [(need.part, str(need.basis)) for need in judged.need] == [
        ("weights", "measured"), ("kv cache", "estimate"),
        ("runtime", "estimate"), ("margin", "estimate"),
    ]  # fmt: skip


def test_the_device_to_load_into_is_a_gpu_where_there_is_one() -> None:
    judged = judge(weights(10 * GIB), [gpu(0, GIB), gpu(1, 3 * GIB), host(64 * GIB)])
    assert judged.best is not None
    assert judged.best.index == 1
    assert judge(weights(1), [host(GIB)]).best is not None
    swapping = judge(weights(10 * GIB), [gpu(0, GIB), gpu(1, 12 * GIB)], returning={0: 40 * GIB})
    assert swapping.verdict is Verdict.FITS
    assert swapping.best is not None
    assert swapping.best.index == 1, "what fits now, not what would after a swap"
    assert judge(weights(1), []).best is None


def artifact(path: str) -> Artifact:
    return Artifact(id=path, model="hf:a/b", revision="r", path=path, size=1)


def opened(*paths: str, variant: str = "safetensors", named: set[str] | None = None) -> list[str]:
    """The paths that a loader opens of a variant of a repository with these files."""
    files = [artifact(path) for path in paths]
    chosen = next(one for one in variants_of(files) if one.name == variant)
    return [file.path for file in loaded_weights(files, chosen, named).files]


def test_no_tensor_is_counted_twice() -> None:
    single = opened("model.safetensors", "pytorch_model.bin", "config.json")
    assert single == ["model.safetensors"]
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert opened(*shards, "consolidated.safetensors") == shards
    assert opened(*shards, "model.safetensors") == ["model.safetensors"]
    assert opened("model.safetensors", "original/model.safetensors") == ["model.safetensors"]
    assert opened("a.safetensors", "b.safetensors") == ["a.safetensors", "b.safetensors"]
    assert opened("adapter_model.safetensors") == ["adapter_model.safetensors"]
    half = ["model.fp16.safetensors", "model.safetensors"]
    assert opened(*half, variant="fp16") == ["model.fp16.safetensors"]


def test_a_pipeline_is_its_components() -> None:
    paths = (
        "model_index.json", "sd_xl_base_1.0.safetensors", "vae_1_0/model.safetensors",
        "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors",
        "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
        "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
    )  # fmt: skip
    index = {
        "_class_name": "X", "unet": ["diffusers", "U"], "text_encoder": ["transformers", "T"],
        "transformer": ["diffusers", "T"], "image_encoder": [None, None],
    }  # fmt: skip
    named = components_of(index)
    assert named == {"unet", "text_encoder", "transformer"}
    assert sorted(opened(*paths, named=set(named))) == sorted(
        path for path in paths if path.partition("/")[0] in named
    )
    unread = opened(*paths)
    assert "sd_xl_base_1.0.safetensors" not in unread
    assert len(unread) == 5


def test_a_sentence_model_has_later_modules() -> None:
    paths = ("model.safetensors", "2_Dense/model.safetensors", "onnx/model.safetensors")
    assert opened(*paths, "modules.json") == ["model.safetensors", "2_Dense/model.safetensors"]


def test_a_projector_is_loaded_only_when_asked_for() -> None:
    assert opened("m-Q4_0.gguf", "mmproj-F16.gguf", variant="Q4_0") == ["m-Q4_0.gguf"]


def test_separate_models_of_one_variant_are_counted() -> None:
    def models(*paths: str) -> int:
        files = [artifact(path) for path in paths]
        return loaded_weights(files, variants_of(files)[0]).models

    assert models("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors") == 1
    assert models("m-Q4_0-00001-of-00002.gguf", "m-Q4_0-00002-of-00002.gguf") == 1
    assert models("seven-Q4_0.gguf", "thirteen-Q4_0.gguf") == 2
    assert models("ink.safetensors", "oil.safetensors", "chalk.safetensors") == 3
