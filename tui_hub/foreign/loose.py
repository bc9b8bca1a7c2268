"""Model files that lie about in folders: which of them make one model, and what it is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tui_hub.domain.artifacts import weights_format
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.scanning import LeftOut
from tui_hub.domain.types import ModelType
from tui_hub.foreign.base import Finding, FoundFile, FoundModel, left_out
from tui_hub.foreign.looking import (
    DEEPEST,
    LeadsAwayError,
    entries,
    is_folder,
    linked_folders,
    look_at,
    walk,
)
from tui_hub.foreign.shards import missing_shards, shards_of

_TYPES: dict[ModelType, tuple[str, ...]] = {
    ModelType.IMAGE_GEN: (
        "checkpoints", "stable-diffusion", "diffusion_models", "unet", "loras", "lora", "lycoris",
        "controlnet", "t2i_adapter", "style_models", "gligen", "hypernetworks", "embeddings",
        "photomaker", "ipadapter", "diffusers",
    ),
    ModelType.ANIMATION: ("animatediff_models", "animatediff_motion_lora", "motion_lora"),
    ModelType.VISION: ("clip_vision", "sams", "ultralytics", "insightface", "facedetection"),
    ModelType.AUDIO: ("audio_encoders", "whisper"),
    ModelType.TTS: ("tts",),
    ModelType.LLM: ("llm", "llms", "llm_gguf", "llava"),
    ModelType.UTILITY: (
        "vae", "vae_approx", "clip", "text_encoders", "upscale_models", "latent_upscale_models",
        "model_patches", "facerestore_models",
    ),
}  # fmt: skip
"""What the models in a folder of such a name are for."""

TYPE_OF_FOLDER = {name: kind for kind, names in _TYPES.items() for name in names}
_MARKS = frozenset(
    {"config.json", "model_index.json", "adapter_config.json", "model.safetensors.index.json"}
)
"""Files that make the folder they lie in one model."""


def loose_models(
    folder: Path, layout: str, kind: ModelType | None = None, depth: int = 0
) -> Iterator[Finding | None]:
    """The models in a folder and below it, with `None` for each folder that is entered.

    A folder with a configuration beside or above its weights is one model, and so is one whose
    weights are the parts of one set. Any other file of weights is a model by itself.

    Args:
        folder: where to look.
        layout: who keeps them.
        kind: what they are for; `None` goes by the names of the folders.
        depth: how many folders lie above it in the one that was named.
    """
    yield None
    root = folder.resolve()
    try:
        found = entries(folder)
        if depth > DEEPEST:
            raise LeadsAwayError("it lies too deep to be a folder of models")
    except LeadsAwayError as error:
        yield left_out(folder, str(error))
        return
    if _MARKS & {entry.name for entry in found}:
        whole = folder_model(folder, layout, kind)
        if whole is not None:
            yield from whole
            return
    yield from _files(folder, root, [Path(entry) for entry in found], layout, kind)
    yield from linked_folders(folder)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            told = TYPE_OF_FOLDER.get(entry.name.lower(), kind)
            yield from loose_models(Path(entry), layout, told, depth + 1)


def loose_model(path: Path, layout: str, kind: ModelType | None = None) -> Finding:
    """One file as a model."""
    try:
        file = look_at(path, path.parent.resolve(), path.name)
    except LeadsAwayError as error:
        return left_out(path, str(error), failed=True)
    if weights_format(path.name) is None:
        return left_out(path, "it is no file of weights", failed=True)
    if shards_of(path.name):
        return left_out(path, "it is a part of a model: name its folder", failed=True)
    return _alone(file, layout, kind)


def folder_model(
    folder: Path, layout: str, kind: ModelType | None = None, likely: ModelId | None = None
) -> tuple[Finding, ...] | None:
    """A folder as one model, with what is wrong in it; `None` when there are no weights in it."""
    root = folder.resolve()
    files: list[FoundFile] = []
    wrong: list[LeftOut] = []
    for path in walk(folder):
        if isinstance(path, LeftOut):
            wrong.append(path)
            continue
        try:
            files.append(look_at(path, root, path.relative_to(folder).as_posix()))
        except LeadsAwayError as error:
            wrong.append(left_out(path, str(error), failed=True))
    if not any(weights_format(file.path) for file in files):
        return None
    lost = missing_shards(file.path for file in files)
    if lost:
        return (*wrong, left_out(folder, f"{min(lost)} is missing", failed=True))
    model = FoundModel(
        layout=layout,
        place=folder,
        name=folder.name,
        files=tuple(files),
        type=kind or _type_of(files),
        likely=likely,
    )
    return (*wrong, model)


def _files(
    folder: Path, root: Path, paths: Sequence[Path], layout: str, kind: ModelType | None
) -> Iterator[Finding]:
    """The files of weights of one folder, each as a model, or all as one set."""
    weights: list[FoundFile] = []
    for path in paths:
        if weights_format(path.name) is None or (is_folder(path) and not path.is_symlink()):
            continue
        try:
            file = look_at(path, root, path.name)
        except LeadsAwayError as error:
            yield left_out(path, str(error))
            continue
        if file.size == 0:
            yield left_out(path, "it is empty")
        elif not path.is_symlink():  # else it is the second name of a file that is found as well
            weights.append(file)
    sets = {shards_of(file.path) for file in weights}
    if len(sets) == 1 and sets != {()}:
        yield from folder_model(folder, layout, kind) or ()
        return
    for file in weights:
        if shards_of(file.path):
            reason = "it is a part of a model, among other files: give those a folder of their own"
            yield left_out(file.place, reason, failed=True)
            continue
        yield _alone(file, layout, kind)


def _alone(file: FoundFile, layout: str, kind: ModelType | None) -> FoundModel:
    return FoundModel(
        layout=layout,
        place=file.place,
        name=Path(file.path).stem,
        files=(file,),
        type=kind or _type_of([file]),
    )


def _type_of(files: Sequence[FoundFile]) -> ModelType:
    """What a model is for where no folder tells it: GGUF is the format of those that write."""
    gguf = any(weights_format(file.path) == "gguf" for file in files)
    return ModelType.LLM if gguf else ModelType.UTILITY
