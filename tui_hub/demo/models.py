"""The demo's own models: small, whole, and openable by the loaders of their formats."""

from __future__ import annotations

from datetime import UTC, datetime

from tui_hub.demo.catalogue import catalogue
from tui_hub.demo.formats.gguf import decoder_gguf
from tui_hub.demo.formats.litert import litertlm, task_bundle, tflite
from tui_hub.demo.formats.pickles import torch_pickle
from tui_hub.demo.formats.safetensors import safetensors, sharded
from tui_hub.demo.formats.tensors import BITS, Decoder, Tensor, parameters, stack
from tui_hub.demo.hostile import hostile_repository
from tui_hub.demo.pipeline import pipeline_files
from tui_hub.demo.repository import Repository, RepositoryFile
from tui_hub.demo.showcase import dated, own
from tui_hub.demo.tokens import json_file, tokenizer_files, vocabulary

CHAT = Decoder(6)
CHAT_LARGE = Decoder(8)
_MB = 1_000_000


def demo_repositories(now: datetime | None = None) -> list[Repository]:
    """Everything that the demo hub holds: models to fetch, and a catalogue to browse.

    Args:
        now: the moment from which ages count back; today's midnight when `None`.
    """
    moment = now or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    models = [*_language(), *_pictures(), *_sound(), *_devices(), *_special()]
    ranked = [dated(one, rank, moment) for rank, one in enumerate(models)]
    return [*ranked, hostile_repository(moment), *catalogue(moment)]


def _language() -> list[Repository]:
    chat, large = CHAT.tensors("BF16"), CHAT_LARGE.tensors("F16")
    tokenizer = tokenizer_files(CHAT.vocabulary)
    return [
        own(
            "lumen-chat",
            "A language model of the Llama kind in one file.",
            [
                json_file("config.json", CHAT.config("BF16")),
                RepositoryFile("model.safetensors", safetensors(chat, "lumen-chat")),
                *tokenizer,
            ],
            task="text-generation",
            library="transformers",
            labels=("safetensors", "llama", "conversational"),
            tensors=chat,
            config=CHAT.config("BF16"),
        ),
        own(
            "lumen-chat-gguf",
            "The same model in five quantisations.",
            _quantised(),
            task="text-generation",
            library="gguf",
            labels=("conversational",),
            base_model="demo-lab/lumen-chat",
            base_relation="quantized",
            gguf={
                "total": sum(parameters(chat).values()),
                "architecture": "llama",
                "context_length": CHAT.context,
                "bos_token": "<s>",
                "eos_token": "</s>",
                "totalFileSize": _quantised()[0].size,
            },
            points=("Q4_K_M is the one to begin with.",),
        ),
        own(
            "lumen-chat-large",
            "A larger one, in three shards with an index.",
            [
                json_file("config.json", CHAT_LARGE.config("F16")),
                *sharded(large, "lumen-chat-large", 3),
                *tokenizer,
            ],
            task="text-generation",
            library="transformers",
            labels=("safetensors", "llama", "conversational"),
            tensors=large,
            config=CHAT_LARGE.config("F16"),
        ),
    ]


def _quantised() -> list[RepositoryFile]:
    words = vocabulary(CHAT.vocabulary)
    return [
        RepositoryFile(f"lumen-chat-{kind}.gguf", decoder_gguf(CHAT, kind, "lumen-chat", words))
        for kind in ("F16", "Q8_0", "Q5_K_M", "Q4_K_M", "Q4_0")
    ]


def _pictures() -> list[Repository]:
    image = {
        "unet": stack("blocks", 6, 1024),
        "vae": stack("blocks", 4, 512),
        "text_encoder": stack("layers", 8, 512),
    }
    video = {"transformer": stack("blocks", 5, 1024), "vae": stack("blocks", 2, 512)}
    solid = stack("field", 6, 512)
    adapter = _adapter(8, 512, 32)
    return [
        own(
            "still-diffusion",
            "A text-to-image pipeline with every component in 32 and 16 bits.",
            pipeline_files("StableDiffusionPipeline", image, "still", half=True),
            task="text-to-image",
            library="diffusers",
            license="creativeml-openrail-m",
            labels=("safetensors", "stable-diffusion", "diffusers:StableDiffusionPipeline"),
            points=("Ask for the variant `fp16` to fetch half as much.",),
        ),
        own(
            "still-diffusion-ink-lora",
            "An adapter that draws in ink.",
            [RepositoryFile("pytorch_lora_weights.safetensors", safetensors(adapter, "ink"))],
            task="text-to-image",
            library="diffusers",
            labels=("lora", "template:sd-lora"),
            base_model="demo-lab/still-diffusion",
            base_relation="adapter",
        ),
        own(
            "short-clips",
            "Two seconds of video from a sentence.",
            pipeline_files("TextToVideoSDPipeline", video, "clips", half=False),
            task="text-to-video",
            library="diffusers",
            labels=("safetensors", "diffusers:TextToVideoSDPipeline"),
        ),
        own(
            "relief-3d",
            "A solid from a sentence.",
            [
                json_file("config.json", {"model_type": "relief", "resolution": 128}),
                RepositoryFile("model.safetensors", safetensors(solid, "relief")),
            ],
            task="text-to-3d",
            library=None,
            license="mit",
            labels=("safetensors",),
            tensors=solid,
        ),
    ]


def _adapter(blocks: int, width: int, rank: int) -> list[Tensor]:
    return [
        Tensor(f"unet.blocks.{block}.lora_{side}.weight", shape)
        for block in range(blocks)
        for side, shape in (("A", (rank, width)), ("B", (width, rank)))
    ]


def _sound() -> list[Repository]:
    listener, speaker = stack("encoder.layers", 16, 512), stack("decoder.layers", 12, 512)
    return [
        own(
            "murmur-asr",
            "Speech to text.",
            [
                json_file("config.json", {"model_type": "whisper", "d_model": 512}),
                RepositoryFile("model.safetensors", safetensors(listener, "murmur")),
                *tokenizer_files(512),
            ],
            task="automatic-speech-recognition",
            library="transformers",
            license="mit",
            labels=("safetensors", "whisper", "audio", "en", "de"),
            tensors=listener,
            config={"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper"},
        ),
        own(
            "restricted-voice",
            "Text to speech, behind a gate: the files want a token that was granted access.",
            [
                json_file("config.json", {"model_type": "vits", "sampling_rate": 22050}),
                RepositoryFile("model.safetensors", safetensors(speaker, "voice")),
            ],
            task="text-to-speech",
            library="transformers",
            license="cc-by-nc-4.0",
            labels=("safetensors", "vits", "audio"),
            tensors=speaker,
            gated="auto",
            config={"architectures": ["VitsModel"], "model_type": "vits"},
        ),
    ]


def _devices() -> list[Repository]:
    return [
        own(
            "pocket-sight",
            "Sees what a camera sees, on a telephone. Two sizes, one file each.",
            [
                RepositoryFile("pocket_sight_int8.tflite", tflite(4 * _MB, "pocket-sight-int8")),
                RepositoryFile("pocket_sight_f32.tflite", tflite(12 * _MB, "pocket-sight-f32")),
                RepositoryFile("labels.txt", b"cat\ndog\nteapot\n"),
            ],
            task="image-classification",
            library="litert",
            labels=("tflite",),
        ),
        own(
            "pocket-chat",
            "A language model for telephones.",
            [
                RepositoryFile("pocket_chat_q8_ekv1024.litertlm", litertlm(16 * _MB, "pocket")),
                RepositoryFile("pocket_chat_q8_ekv1024.task", task_bundle(4 * _MB, "pocket")),
            ],
            task="text-generation",
            library="litert-lm",
            base_model="demo-lab/lumen-chat",
            base_relation="quantized",
        ),
    ]


def _special() -> list[Repository]:
    classifier = [*stack("features", 3, 512), Tensor("classifier.weight", (10, 512))]
    mixed = [Tensor(f"values.{dtype.lower()}", (256, 128), dtype) for dtype in BITS]
    return [
        own(
            "old-classifier",
            "An old repository that only has a pickle.",
            [
                json_file("config.json", {"model_type": "mlp", "num_labels": 10}),
                RepositoryFile("pytorch_model.bin", torch_pickle(classifier, "old-classifier")),
            ],
            task="image-classification",
            library="transformers",
            labels=("pytorch", "mlp"),
            points=("The pickle rebuilds tensors and does nothing else.",),
        ),
        own(
            "every-dtype",
            "One tensor of every number type.",
            [
                json_file("config.json", {"model_type": "none"}),
                RepositoryFile("model.safetensors", safetensors(mixed, "every-dtype")),
            ],
            task=None,
            library=None,
            labels=("safetensors",),
            tensors=mixed,
        ),
    ]
