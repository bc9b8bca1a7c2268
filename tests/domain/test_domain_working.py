"""What models take while they work: each formula against what was counted, and its words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tui_hub.domain.architectures import from_config
from tui_hub.domain.fit import Basis, Measured, Need, Profile, Verdict, Workload, working_of
from tui_hub.domain.fit.judging import Device, Judgement
from tui_hub.domain.fit.report import FitReport
from tui_hub.domain.models import Model
from tui_hub.domain.types import ModelType

MIB, GIB = 1024**2, 1024**3
FOLDER = Path(__file__).parent
COUNTED = json.loads((FOLDER / "working.json").read_text())
"""Made by `tests/real/count_working.py`, which says with which versions."""
STABLE = {
    "_class_name": "AutoencoderKL", "block_out_channels": [128, 256, 512, 512],
    "force_upcast": True,
}  # fmt: skip
CLIP = {"sample_width": 90, "sample_height": 60, "sample_frames": 49}


def published(name: str) -> dict[str, object]:
    """The published `config.json` of a model."""
    return dict(json.loads((FOLDER / "architectures" / f"{name}.json").read_text()))


def weights(count: int) -> tuple[Need, ...]:
    return (Need(part="weights", bytes=count, basis=Basis.HEADER, source="a header"),)


def activations(
    kind: ModelType, configs: Mapping[str, Mapping[str, object]], size: int = GIB, batch: int = 1
) -> Need:
    """What a model of so many bytes takes."""
    working = working_of(kind, weights(size), None, configs)
    assert working is not None
    return working.need(None, batch)


@pytest.mark.parametrize("name", COUNTED["token_bytes"])
def test_a_step_of_a_language_model_is_what_was_counted(name: str) -> None:
    told = from_config(published(name))
    assert told is not None
    assert told.values * told.width == pytest.approx(COUNTED["token_bytes"][name], rel=0.25)
    assert told.working_bytes(10**6) == told.working_bytes(told.step)
    assert told.working_bytes(100, 3) == 3 * told.working_bytes(100)


def test_a_picture_is_decoded_at_its_own_size() -> None:
    small = {"vae": STABLE, "unet": {"sample_size": 64}}
    need = activations(ModelType.IMAGE_GEN, small)
    assert need.bytes == pytest.approx(COUNTED["decoders"]["AutoencoderKL 512x512x1"], rel=0.01)
    assert "AutoencoderKL decodes 512 x 512" in need.source
    large = activations(ModelType.IMAGE_GEN, {"vae": STABLE, "transformer": {}})
    assert large.bytes == pytest.approx(COUNTED["decoders"]["AutoencoderKL 1024x1024x1"], rel=0.01)
    assert activations(ModelType.IMAGE_GEN, small, batch=4).bytes == 4 * need.bytes
    upcast = {"vae": STABLE, "unet": {"sample_size": 128}, "text_encoder_2": {}}
    assert activations(ModelType.IMAGE_GEN, upcast).bytes == 2 * large.bytes
    bare = activations(ModelType.IMAGE_GEN, {})
    assert bare.bytes == large.bytes
    assert activations(ModelType.IMAGE_GEN, {}, 10 * MIB).bytes == 128 * MIB


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("AutoencoderKLCogVideoX", CLIP), ("AutoencoderKLWan", None),
     ("AutoencoderKLHunyuanVideo", None), ("AutoencoderKLLTXVideo", None)],
)  # fmt: skip
def test_a_clip_is_decoded_some_frames_at_a_time(
    name: str, sizes: Mapping[str, object] | None
) -> None:
    counted = next(key for key in COUNTED["decoders"] if key.startswith(f"{name} "))
    wide, high, frames = map(int, counted.split()[1].split("x"))
    transformer = sizes or {
        "sample_width": wide // 8, "sample_height": high // 8, "sample_frames": frames,
    }  # fmt: skip
    configs = {"vae": {"_class_name": name}, "transformer": transformer}
    need = activations(ModelType.VIDEO_GEN, configs)
    assert need.bytes == pytest.approx(COUNTED["decoders"][counted], rel=0.03)
    assert f"{name} decodes {wide} x {high}" in need.source
    usual = activations(ModelType.VIDEO_GEN, {"vae": {"_class_name": name}})
    assert usual.bytes > need.bytes // 2


def test_music_is_decoded_sample_by_sample() -> None:
    config = {"": {"audio_encoder": {"sampling_rate": 32_000}, "decoder": {}}}
    need = activations(ModelType.MUSIC, config)
    assert need.bytes == pytest.approx(3 * COUNTED["encodec"], rel=0.01)
    assert "EnCodec decodes 30 s of 32 000 Hz" in need.source


def test_others_take_a_share_that_is_said() -> None:
    for kind, share in ((ModelType.TTS, 2.0), (ModelType.MUSIC, 0.5), (ModelType.THREE_D, 0.5)):
        need = activations(kind, {}, 8 * GIB)
        assert need.bytes == share * 8 * GIB
        assert "weights" in need.source
        assert need.basis is Basis.ESTIMATE
    assert activations(ModelType.LIP_SYNC, {}, 1).bytes == 512 * MIB
    assert activations(ModelType.UTILITY, {}, 1).bytes == 128 * MIB
    assert working_of(ModelType.UTILITY, (), None, {}) is None


@pytest.mark.parametrize(
    "vae",
    [
        {"block_out_channels": "many"}, {"block_out_channels": [1, 2**60]},
        {"block_out_channels": [[]]}, {"block_out_channels": [1] * 10_000, "_class_name": 7},
        {"block_out_channels": [-1, -1]}, {"_class_name": "AutoencoderKLWan\x1b[2J"},
    ],
)  # fmt: skip
def test_odd_configurations_of_components_are_survived(vae: dict[str, object]) -> None:
    odd = {"vae": vae, "unet": {"sample_size": 2**70}, "transformer": {"sample_size": [1]}}
    assert 0 < activations(ModelType.IMAGE_GEN, odd).bytes < 1 << 50


def report(measured: Measured | None = None) -> FitReport:
    """Llama 3 8B, not judged yet."""
    told = from_config(published("llama-3-8b"))
    found = weights(16 * GIB)
    working = working_of(ModelType.LLM, found, told, {})
    return FitReport(
        model=Model(id="hf:a/b", source="hf", name="b"),
        variant="safetensors",
        format="safetensors",
        revision="r",
        judgement=Judgement(verdict=Verdict.UNKNOWN, devices=(), need=()),
        profile=Profile(weights=found, architecture=told, working=working),
        measured=measured,
        present="hf:a/old",
    )


def test_a_report_is_judged_again_without_asking_anybody() -> None:
    gpu = Device(index=0, name="GPU 0", total=24 * GIB, free=20 * GIB)
    first = report().judged(Workload(), [gpu], {0: 4 * GIB})
    assert (first.judgement.verdict, first.context, first.leaves) == (Verdict.FITS, 8192, None)
    longer = first.judged(Workload(context=32_768))
    assert longer.judgement.verdict is Verdict.FITS_AFTER_SWAP
    assert longer.leaves == "hf:a/old"
    more = longer.judged(Workload(context=32_768, batch=2))
    assert more.judgement.verdict is Verdict.TOO_BIG
    assert more.leaves is None
    back = more.judged(Workload())
    assert back.judgement == first.judgement


def test_what_was_measured_counts_for_the_same_alone() -> None:
    gpu = Device(index=0, name="GPU 0", total=24 * GIB, free=20 * GIB)

    def parts(measured: Measured, workload: Workload) -> dict[str, Basis]:
        judged = report(measured).judged(workload, [gpu], {})
        return {need.part: need.basis for need in judged.judgement.need}

    alone = parts(Measured(bytes=GIB), Workload(context=100, batch=2))
    assert alone["weights"] is Basis.MEASURED
    assert alone["kv cache"] is Basis.ESTIMATE
    server = Measured(bytes=9 * GIB, whole=True, context=4096)
    assert list(parts(server, Workload(context=4096))) == ["weights + rest", "margin"]
    assert parts(server, Workload(context=8192))["weights"] is Basis.HEADER
    assert parts(server, Workload(context=4096, batch=2))["weights"] is Basis.HEADER
