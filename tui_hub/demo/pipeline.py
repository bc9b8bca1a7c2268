"""A diffusers pipeline: an index, and a folder for each component, in two precisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tui_hub.demo.formats.safetensors import safetensors
from tui_hub.demo.formats.tensors import Tensor
from tui_hub.demo.repository import RepositoryFile
from tui_hub.demo.tokens import json_file

_CLASSES = {
    "unet": ("diffusers", "UNet2DConditionModel", "diffusion_pytorch_model"),
    "transformer": ("diffusers", "Transformer2DModel", "diffusion_pytorch_model"),
    "vae": ("diffusers", "AutoencoderKL", "diffusion_pytorch_model"),
    "text_encoder": ("transformers", "CLIPTextModel", "model"),
}
"""Component: the library and class that load it, and the name of its weights."""


def pipeline_files(
    pipeline: str, components: Mapping[str, Sequence[Tensor]], seed: str, *, half: bool
) -> list[RepositoryFile]:
    """The files of a pipeline with these components.

    Args:
        half: add every component in 16 bits too, as the variant `fp16`.
    """
    index: dict[str, object] = {"_class_name": pipeline, "_diffusers_version": "0.35.0"}
    files: list[RepositoryFile] = []
    for component, tensors in components.items():
        library, kind, stem = _CLASSES[component]
        index[component] = [library, kind]
        files.append(json_file(f"{component}/config.json", {"_class_name": kind}))
        place = f"{component}/{stem}"
        files.append(
            RepositoryFile(f"{place}.safetensors", safetensors(tensors, f"{seed}/{component}"))
        )
        if half:
            halves = [replace(tensor, dtype="F16") for tensor in tensors]
            content = safetensors(halves, f"{seed}/{component}")
            files.append(RepositoryFile(f"{place}.fp16.safetensors", content))
    index["scheduler"] = ["diffusers", "EulerDiscreteScheduler"]
    scheduler = {"_class_name": "EulerDiscreteScheduler", "num_train_timesteps": 1000}
    return [
        json_file("model_index.json", index),
        *files,
        json_file("scheduler/scheduler_config.json", scheduler),
    ]
