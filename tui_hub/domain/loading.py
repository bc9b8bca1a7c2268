"""Which weights files of a variant a loader opens: never two copies of the same tensors."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from tui_hub.domain.artifacts import Artifact, Variant, weights_format
from tui_hub.domain.frozen import dataclass

PIPELINE_INDEX = "model_index.json"
"""What makes a repository a diffusers pipeline: one folder for each component."""
_MODULES_INDEX = "modules.json"
"""What makes a repository a sentence-transformers model, with folders for its later modules."""
_MODULE = re.compile(r"\d+_\w+/[^/]+")
_MAIN = re.compile(
    r"(?P<stem>model|pytorch_model|diffusion_pytorch_model|adapter_model)"
    r"(?:\.\w+)?(?P<shard>-\d{5}-of-\d{5})?(?:\.\w+)?\.(?:safetensors|bin)"
)
_SHARD = re.compile(r"-\d{5}-of-\d{5}(?=\.)")
_STEMS = ("model", "pytorch_model", "diffusion_pytorch_model", "adapter_model")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The weights files that are loaded, and into how many separate models they fall."""

    files: tuple[Artifact, ...]
    models: int = 1
    """More than one where names do not tell which of them a loader would open."""


def loaded_weights(
    files: Sequence[Artifact], variant: Variant, components: Collection[str] | None = None
) -> Loaded:
    """The weights files that loading a variant brings into memory.

    By the rules of transformers (`modeling_utils.py`: one whole file goes before shards), of
    diffusers (the components that `model_index.json` names, and nothing at the root) and of
    llama.cpp (all shards of one file; a projector only when asked for).

    Args:
        files: all files of the model.
        variant: the variant in question.
        components: the folders that `model_index.json` names; `None` where it was not read.
    """
    paths = {file.path for file in files}
    weights = [
        file
        for file in files
        if file.path in variant.paths
        and weights_format(file.path) == variant.format
        and "mmproj" not in file.path.lower()
    ]
    if variant.format not in ("safetensors", "pickle"):
        opened = []
    elif PIPELINE_INDEX in paths:
        opened = _of_components(weights, components)
    else:
        opened = _opened(file for file in weights if "/" not in file.path)
        if opened and _MODULES_INDEX in paths:
            opened += [file for file in weights if _MODULE.fullmatch(file.path)]
    if opened:
        return Loaded(tuple(opened))
    return Loaded(tuple(weights), len({_SHARD.sub("", file.path) for file in weights}))


def components_of(index: Mapping[str, object]) -> frozenset[str]:
    """The folders that a diffusers `model_index.json` names: `"unet": ["diffusers", "UNet..."]`."""
    return frozenset(
        name
        for name, value in index.items()
        if isinstance(value, list) and len(value) == 2 and value[0] is not None
    )


def _of_components(weights: Iterable[Artifact], named: Collection[str] | None) -> list[Artifact]:
    folders: dict[str, list[Artifact]] = {}
    for file in weights:
        folder, slash, _ = file.path.rpartition("/")
        if slash and (named is None or folder in named):
            folders.setdefault(folder, []).append(file)
    return [file for inside in folders.values() for file in _opened(inside)]


def _opened(files: Iterable[Artifact]) -> list[Artifact]:
    """Of the files of one folder: the model in one file, else its shards; nothing by odd names."""
    found: dict[tuple[str, bool], list[Artifact]] = {}
    for file in files:
        match = _MAIN.fullmatch(file.path.rpartition("/")[2])
        if match is not None:
            found.setdefault((match["stem"], match["shard"] is not None), []).append(file)
    for stem in _STEMS:
        for sharded in (False, True):
            if (stem, sharded) in found:
                return found[stem, sharded]
    return []
