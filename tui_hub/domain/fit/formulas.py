"""Which formula holds for what a model takes while it works: by its type and its configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui_hub.domain.architectures import Architecture
from tui_hub.domain.fit.needs import Need
from tui_hub.domain.fit.working import (
    PicturesWorking,
    ShareWorking,
    SoundWorking,
    TogetherWorking,
    TokensWorking,
    Working,
    told,
)
from tui_hub.domain.types import ModelType

_MIB = 1024**2
Configs = Mapping[str, Mapping[str, object]]
"""The configurations of a model's components, by folder; its own under an empty name."""

_DECODERS: Mapping[str, tuple[int, int]] = {
    "AutoencoderKLWan": (1279, 4), "AutoencoderKLCogVideoX": (2862, 8),
    "AutoencoderKLHunyuanVideo": (1231, 16), "AutoencoderKLLTXVideo": (51, 0),
    "AutoencoderKLTemporalDecoder": (768, 0),
}  # fmt: skip
"""Numbers for each pixel, and the frames that are decoded at once; 0 is all of the clip."""
_CLIPS: Mapping[str, tuple[int, int, int]] = {
    "AutoencoderKLWan": (832, 480, 81), "AutoencoderKLCogVideoX": (720, 480, 49),
    "AutoencoderKLHunyuanVideo": (1280, 720, 129), "AutoencoderKLLTXVideo": (704, 512, 161),
    "AutoencoderKLTemporalDecoder": (1024, 576, 25),
}  # fmt: skip
"""The clips that the pipelines of diffusers make where nothing else is asked for."""
_CLIP = (512, 512, 16)
_PICTURE = 1024
_CHANNELS = 256
"""Of the last layers but one of most image decoders."""
_AT_ONCE = 3
"""Tensors of that many channels that live at once, when the last block normalises its input."""
_SAMPLE_BYTES = 1025
"""For each sample that EnCodec decodes, counted at 32 kHz and 32 bits."""
_USUAL_DECODER = 160 * _MIB
"""What the 84 million numbers of Stable Diffusion's decoder take in 16 bits."""
_SECONDS = 30
_PICTURED = (ModelType.IMAGE_GEN, ModelType.VIDEO_GEN, ModelType.ANIMATION)

_SHARES: Mapping[ModelType, tuple[int, int, str]] = {
    ModelType.TTS: (200, 256, "twice its weights for the speech, as GPUStack found with Qwen3-TTS"),
    ModelType.MUSIC: (50, 512, "half of its weights, as nothing tells more of a music model"),
    ModelType.AUDIO: (25, 512, "a quarter of its weights, for the first layers on 30 s of sound"),
    ModelType.VISION: (
        25,
        256,
        "a quarter of its weights, as nothing tells the size of its images",
    ),
    ModelType.LIP_SYNC: (50, 512, "half of its weights, for the frames of a face"),
    **dict.fromkeys(_PICTURED, (25, 128, "a quarter of weights too few for a usual decoder")),
    ModelType.THREE_D: (50, 1024, "half of its weights, for the grid of a solid"),
}
_ANY_SHARE = (25, 128, "a quarter of its weights, as nothing tells what it does")


def working_of(
    kind: ModelType,
    weights: Sequence[Need],
    architecture: Architecture | None,
    configs: Configs,
    width: int | None = None,
) -> Working | None:
    """The formula for what a model takes while it works; `None` without weights.

    Args:
        kind: what it is for.
        weights: what its weights take.
        architecture: of its transformer, where it has one that is understood.
        configs: of its components.
        width: bytes of a number, where it is not loaded as it was published.
    """
    if not weights:
        return None
    found: list[Working] = []
    if architecture is not None and architecture.values:
        found.append(TokensWorking(architecture=architecture, width=width))
    if kind is ModelType.MUSIC and "audio_encoder" in configs.get("", {}):
        found.append(_music(configs[""]))
    size = sum(need.bytes for need in weights)
    pictures = kind in _PICTURED and _pictures(kind, configs, size, width)
    if pictures:
        found.append(pictures)
    if found:
        return TogetherWorking(parts=tuple(found))
    percent, least, why = _SHARES.get(kind, _ANY_SHARE)
    why = f"{why}; {least} MiB at least"
    return ShareWorking(weights=size, percent=percent, least=least * _MIB, why=why)


def _pictures(kind: ModelType, configs: Configs, size: int, width: int | None) -> Working | None:
    """What decoding takes; `None` for weights too few to hold a decoder that is not described."""
    decoder = next((configs[name] for name in configs if name.startswith("vae")), {})
    name = str(decoder.get("_class_name"))
    if name in _DECODERS:
        numbers, frames = _DECODERS[name]
        wide, high, clip = _clip(name, configs)
        frames = min(frames or clip, clip)
        return PicturesWorking(
            wide=wide, high=high, frames=frames, numbers=numbers, width=width or 2, decoder=name
        )
    channels = decoder.get("block_out_channels")
    listed = [one for one in channels if isinstance(one, int)] if isinstance(channels, list) else []
    sensible = len(listed) > 1 and 0 < listed[1] <= 8192
    if not sensible and size < _USUAL_DECODER:
        return None
    # Stable Diffusion XL's decoder overflows in 16 bits, and is taken up to 32 by its pipeline.
    broad = 4 if decoder.get("force_upcast") is True and _shifts(configs) else width or 2
    side = _side(configs, max(len(listed) - 1, 3)) if listed else _PICTURE
    wide, high, frames = (side, side, 1) if kind is ModelType.IMAGE_GEN else _CLIP
    return PicturesWorking(
        wide=wide,
        high=high,
        frames=frames,
        numbers=_AT_ONCE * (listed[1] if sensible else _CHANNELS),
        width=broad,
        decoder=name if decoder else "a usual decoder",
    )


def _clip(name: str, configs: Configs) -> tuple[int, int, int]:
    """The clip that a pipeline makes by itself, as its transformer tells it or as is usual."""
    wide, high, frames = _CLIPS[name]
    transformer = configs.get("transformer", {})
    if told(transformer, "sample_width") and told(transformer, "sample_height"):
        wide = 8 * told(transformer, "sample_width")
        high = 8 * told(transformer, "sample_height")
    return wide, high, told(transformer, "sample_frames", frames)


def _side(configs: Configs, halvings: int) -> int:
    """Pixels of a side of the picture that a pipeline makes by itself."""
    for name in ("unet", "transformer"):
        side = told(configs.get(name, {}), "sample_size")
        if side and side <= 1024:
            return side << min(halvings, 6)
    return _PICTURE


def _shifts(configs: Configs) -> bool:
    return "text_encoder_2" in configs and "unet" in configs


def _music(config: Mapping[str, object]) -> Working:
    encoder = config.get("audio_encoder")
    rate = told(encoder, "sampling_rate", 32_000) if isinstance(encoder, Mapping) else 32_000
    return SoundWorking(seconds=_SECONDS, rate=rate, each=_SAMPLE_BYTES, decoder="EnCodec")
