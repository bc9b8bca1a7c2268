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
from tui_hub.demo.showcase import ranked, with_card
from tui_hub.demo.tokens import json_file, tokenizer_files, vocabulary

_CHAT = Decoder(6)
_CHAT_LARGE = Decoder(8)
_MB = 1_000_000


def demo_repositories(now: datetime | None = None) -> list[Repository]:
    """Everything that the demo hub holds: models to fetch, and a catalogue to browse.

    Args:
        now: the moment from which ages count back; today's midnight when `None`.
    """
    moment = now or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    models = [
        _chat(),
        _chat_gguf(),
        _chat_large(),
        _still_diffusion(),
        _ink_lora(),
        _short_clips(),
        _relief(),
        _murmur(),
        _restricted_voice(),
        _pocket_sight(),
        _pocket_chat(),
        _old_classifier(),
        _every_dtype(),
    ]
    return [*ranked(models, moment), hostile_repository(moment), *catalogue(moment)]


def _chat() -> Repository:
    tensors = _CHAT.tensors("BF16")
    repository = Repository(
        id="demo-lab/lumen-chat",
        files=(
            json_file("config.json", _CHAT.config("BF16")),
            RepositoryFile("model.safetensors", safetensors(tensors, "lumen-chat")),
            *tokenizer_files(_CHAT.vocabulary),
        ),
        task="text-generation",
        library="transformers",
        license="apache-2.0",
        labels=("safetensors", "llama", "conversational"),
        config={"architectures": ["LlamaForCausalLM"], "model_type": "llama"},
        parameters=parameters(tensors),
    )
    return with_card(repository, "A language model of the Llama kind in one file.")


def _chat_gguf() -> Repository:
    words = vocabulary(_CHAT.vocabulary)
    contents = {
        kind: decoder_gguf(_CHAT, kind, "lumen-chat", words)
        for kind in ("F16", "Q8_0", "Q5_K_M", "Q4_K_M", "Q4_0")
    }
    repository = Repository(
        id="demo-lab/lumen-chat-gguf",
        files=tuple(
            RepositoryFile(f"lumen-chat-{kind}.gguf", content) for kind, content in contents.items()
        ),
        task="text-generation",
        library="gguf",
        license="apache-2.0",
        labels=("conversational",),
        base_model="demo-lab/lumen-chat",
        base_relation="quantized",
        gguf={
            "total": sum(parameters(_CHAT.tensors("BF16")).values()),
            "architecture": "llama",
            "context_length": _CHAT.context,
            "bos_token": "<s>",
            "eos_token": "</s>",
            "totalFileSize": contents["F16"].size,
        },
    )
    about = "The same model in five quantisations."
    return with_card(repository, about, "Q4_K_M is the one to begin with.")


def _chat_large() -> Repository:
    tensors = _CHAT_LARGE.tensors("F16")
    repository = Repository(
        id="demo-lab/lumen-chat-large",
        files=(
            json_file("config.json", _CHAT_LARGE.config("F16")),
            *sharded(tensors, "lumen-chat-large", 3),
            *tokenizer_files(_CHAT_LARGE.vocabulary),
        ),
        task="text-generation",
        library="transformers",
        license="apache-2.0",
        labels=("safetensors", "llama", "conversational"),
        config={"architectures": ["LlamaForCausalLM"], "model_type": "llama"},
        parameters=parameters(tensors),
    )
    return with_card(repository, "A larger one, in three shards with an index.")


def _still_diffusion() -> Repository:
    components = {
        "unet": stack("blocks", 6, 1024),
        "vae": stack("blocks", 4, 512),
        "text_encoder": stack("layers", 8, 512),
    }
    repository = Repository(
        id="demo-lab/still-diffusion",
        files=tuple(pipeline_files("StableDiffusionPipeline", components, "still", half=True)),
        task="text-to-image",
        library="diffusers",
        license="creativeml-openrail-m",
        labels=("safetensors", "stable-diffusion", "diffusers:StableDiffusionPipeline"),
    )
    about = "A text-to-image pipeline with every component in 32 and 16 bits."
    return with_card(repository, about, "Ask for the variant `fp16` to fetch half as much.")


def _ink_lora() -> Repository:
    tensors = [
        Tensor(f"unet.blocks.{block}.lora_{side}.weight", shape)
        for block in range(8)
        for side, shape in (("A", (32, 512)), ("B", (512, 32)))
    ]
    repository = Repository(
        id="demo-lab/still-diffusion-ink-lora",
        files=(RepositoryFile("pytorch_lora_weights.safetensors", safetensors(tensors, "ink")),),
        task="text-to-image",
        library="diffusers",
        license="apache-2.0",
        labels=("lora", "template:sd-lora"),
        base_model="demo-lab/still-diffusion",
        base_relation="adapter",
    )
    return with_card(repository, "An adapter that draws in ink.")


def _short_clips() -> Repository:
    components = {"transformer": stack("blocks", 5, 1024), "vae": stack("blocks", 2, 512)}
    repository = Repository(
        id="demo-lab/short-clips",
        files=tuple(pipeline_files("TextToVideoSDPipeline", components, "clips", half=False)),
        task="text-to-video",
        library="diffusers",
        license="apache-2.0",
        labels=("safetensors", "diffusers:TextToVideoSDPipeline"),
    )
    return with_card(repository, "Two seconds of video from a sentence.")


def _relief() -> Repository:
    tensors = stack("field", 6, 512)
    repository = Repository(
        id="demo-lab/relief-3d",
        files=(
            json_file("config.json", {"model_type": "relief", "resolution": 128}),
            RepositoryFile("model.safetensors", safetensors(tensors, "relief")),
        ),
        task="text-to-3d",
        license="mit",
        labels=("safetensors",),
        parameters=parameters(tensors),
    )
    return with_card(repository, "A solid from a sentence.")


def _murmur() -> Repository:
    tensors = stack("encoder.layers", 16, 512)
    repository = Repository(
        id="demo-lab/murmur-asr",
        files=(
            json_file("config.json", {"model_type": "whisper", "d_model": 512}),
            RepositoryFile("model.safetensors", safetensors(tensors, "murmur")),
            *tokenizer_files(512),
        ),
        task="automatic-speech-recognition",
        library="transformers",
        license="mit",
        labels=("safetensors", "whisper", "audio", "en", "de"),
        config={"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper"},
        parameters=parameters(tensors),
    )
    return with_card(repository, "Speech to text.")


def _restricted_voice() -> Repository:
    tensors = stack("decoder.layers", 12, 512)
    repository = Repository(
        id="demo-lab/restricted-voice",
        files=(
            json_file("config.json", {"model_type": "vits", "sampling_rate": 22050}),
            RepositoryFile("model.safetensors", safetensors(tensors, "voice")),
        ),
        task="text-to-speech",
        library="transformers",
        license="cc-by-nc-4.0",
        labels=("safetensors", "vits", "audio"),
        config={"architectures": ["VitsModel"], "model_type": "vits"},
        parameters=parameters(tensors),
        gated="auto",
    )
    return with_card(repository, "Text to speech, behind a gate: its files want a granted token.")


def _pocket_sight() -> Repository:
    repository = Repository(
        id="demo-lab/pocket-sight",
        files=(
            RepositoryFile("pocket_sight_int8.tflite", tflite(4 * _MB, "pocket-sight-int8")),
            RepositoryFile("pocket_sight_f32.tflite", tflite(12 * _MB, "pocket-sight-f32")),
            RepositoryFile("labels.txt", b"cat\ndog\nteapot\n"),
        ),
        task="image-classification",
        library="litert",
        license="apache-2.0",
        labels=("tflite",),
    )
    return with_card(repository, "Sees what a camera sees, on a telephone. Two sizes.")


def _pocket_chat() -> Repository:
    repository = Repository(
        id="demo-lab/pocket-chat",
        files=(
            RepositoryFile("pocket_chat_q8_ekv1024.litertlm", litertlm(16 * _MB, "pocket")),
            RepositoryFile("pocket_chat_q8_ekv1024.task", task_bundle(4 * _MB, "pocket")),
        ),
        task="text-generation",
        library="litert-lm",
        license="apache-2.0",
        base_model="demo-lab/lumen-chat",
        base_relation="quantized",
    )
    return with_card(repository, "A language model for telephones.")


def _old_classifier() -> Repository:
    tensors = [*stack("features", 3, 512), Tensor("classifier.weight", (10, 512))]
    repository = Repository(
        id="demo-lab/old-classifier",
        files=(
            json_file("config.json", {"model_type": "mlp", "num_labels": 10}),
            RepositoryFile("pytorch_model.bin", torch_pickle(tensors, "old-classifier")),
        ),
        task="image-classification",
        library="transformers",
        license="apache-2.0",
        labels=("pytorch", "mlp"),
    )
    about = "An old repository that only has a pickle."
    return with_card(repository, about, "The pickle rebuilds tensors and does nothing else.")


def _every_dtype() -> Repository:
    tensors = [Tensor(f"values.{dtype.lower()}", (256, 128), dtype) for dtype in BITS]
    repository = Repository(
        id="demo-lab/every-dtype",
        files=(
            json_file("config.json", {"model_type": "none"}),
            RepositoryFile("model.safetensors", safetensors(tensors, "every-dtype")),
        ),
        license="apache-2.0",
        labels=("safetensors",),
        parameters=parameters(tensors),
    )
    return with_card(repository, "One tensor of every number type.")
