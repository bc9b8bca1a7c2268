"""A small file of weights in every form, so that each model of the catalogue can be fetched."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tui_hub.demo.content import Weights
from tui_hub.demo.formats.gguf import decoder_gguf
from tui_hub.demo.formats.litert import litertlm, task_bundle, tflite
from tui_hub.demo.formats.pickles import torch_pickle
from tui_hub.demo.formats.safetensors import safetensors
from tui_hub.demo.formats.tensors import Decoder, Tensor, stack
from tui_hub.demo.pipeline import pipeline_files
from tui_hub.demo.repository import RepositoryFile
from tui_hub.demo.tokens import json_file, tokenizer_files, vocabulary

_DECODER = Decoder(1, hidden=256, intermediate=256, heads=4, kv_heads=1, vocabulary=256)
_QUANTISATIONS = ("Q4_K_M", "Q5_K_M", "Q8_0", "F16")

FORMS: dict[str, tuple[str, ...]] = {
    "decoder": ("safetensors",),
    "gguf": ("gguf",),
    "safetensors": ("safetensors",),
    "adapter": ("safetensors",),
    "pipeline": ("safetensors",),
    "pickle": ("pytorch",),
    "onnx": ("onnx",),
    "tflite": ("tflite",),
    "litertlm": ("litert-lm",),
    "task": (),
}
"""The tags by which the Hub marks each form of weights."""


def weights_files(form: str, name: str, random: Random) -> list[RepositoryFile]:
    """The weights of a model in one of the `FORMS`, with the configuration beside them."""
    return _MAKERS[form](name, random)


def _decoder(name: str, random: Random) -> list[RepositoryFile]:
    content = safetensors(_DECODER.tensors("BF16"), name)
    return [
        json_file("config.json", _DECODER.config("BF16")),
        RepositoryFile("model.safetensors", content),
        *tokenizer_files(_DECODER.vocabulary),
    ]


def _gguf(name: str, random: Random) -> list[RepositoryFile]:
    words = vocabulary(_DECODER.vocabulary)
    kinds = _QUANTISATIONS[: random.randint(2, 4)]
    return [
        RepositoryFile(f"{name}-{kind}.gguf", decoder_gguf(_DECODER, kind, name, words))
        for kind in kinds
    ]


def _safetensors(name: str, random: Random) -> list[RepositoryFile]:
    tensors = stack("layers", random.randint(1, 4), 128, random.choice(("F32", "F16", "BF16")))
    return [_config(name), RepositoryFile("model.safetensors", safetensors(tensors, name))]


def _adapter(name: str, random: Random) -> list[RepositoryFile]:
    tensors = [
        Tensor(f"layers.{layer}.lora_{side}.weight", shape, "F16")
        for layer in range(4)
        for side, shape in (("A", (8, 256)), ("B", (256, 8)))
    ]
    settings = {"peft_type": "LORA", "r": 8, "lora_alpha": 16}
    return [
        json_file("adapter_config.json", settings),
        RepositoryFile("adapter_model.safetensors", safetensors(tensors, name)),
    ]


def _pipeline(name: str, random: Random) -> list[RepositoryFile]:
    main = random.choice(("unet", "transformer"))
    components = {main: stack("blocks", 3, 128), "vae": stack("blocks", 1, 128)}
    return pipeline_files("DiffusionPipeline", components, name, half=random.random() < 0.5)


def _pickle(name: str, random: Random) -> list[RepositoryFile]:
    tensors = stack("layers", 1, 64)
    return [_config(name), RepositoryFile("pytorch_model.bin", torch_pickle(tensors, name))]


def _onnx(name: str, random: Random) -> list[RepositoryFile]:
    return [_config(name), RepositoryFile("onnx/model.onnx", Weights("RAW", 60_000, name))]


def _tflite(name: str, random: Random) -> list[RepositoryFile]:
    content = tflite(random.randint(40_000, 400_000), name)
    return [_config(name), RepositoryFile(f"{name}.tflite", content)]


def _litertlm(name: str, random: Random) -> list[RepositoryFile]:
    return [_config(name), RepositoryFile(f"{name}.litertlm", litertlm(300_000, name))]


def _task(name: str, random: Random) -> list[RepositoryFile]:
    return [_config(name), RepositoryFile(f"{name}.task", task_bundle(60_000, name))]


def _config(name: str) -> RepositoryFile:
    return json_file("config.json", {"model_type": name.partition("-")[0].lower()})


_MAKERS: dict[str, Callable[[str, Random], list[RepositoryFile]]] = {
    "decoder": _decoder,
    "gguf": _gguf,
    "safetensors": _safetensors,
    "adapter": _adapter,
    "pipeline": _pipeline,
    "pickle": _pickle,
    "onnx": _onnx,
    "tflite": _tflite,
    "litertlm": _litertlm,
    "task": _task,
}
