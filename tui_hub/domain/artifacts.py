"""Files of a model, what kind they are, and how they group into variants."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from fnmatch import fnmatchcase

from tui_hub.domain.frozen import dataclass


class ArtifactKind(StrEnum):
    """What a file is to a loader."""

    WEIGHTS = "weights"
    CONFIG = "config"
    TOKENIZER = "tokenizer"
    OTHER = "other"


class ArtifactStatus(StrEnum):
    """How far a file has come."""

    PENDING = "pending"
    DOWNLOADING = "downloading"
    COMPLETED = "completed"
    FAILED = "failed"


class Verified(StrEnum):
    """What the bytes were checked against, strongest first."""

    SHA256 = "sha256"
    GIT_SHA1 = "git-sha1"
    MD5 = "md5"
    SIZE = "size"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file of a model at one revision."""

    id: str
    model: str
    revision: str
    path: str
    """Inside the repository, checked by `repository_path`."""
    size: int | None = None
    sha256: str | None = None
    """As the source tells it, or as computed once the file is here."""
    git_sha1: str | None = None
    """The git blob id: `sha1(b"blob <size>\\0" + bytes)`; for files the Hub keeps in git."""
    md5: str | None = None
    kind: ArtifactKind = ArtifactKind.OTHER
    status: ArtifactStatus = ArtifactStatus.PENDING
    verified: Verified = Verified.NONE
    blob: str | None = None
    """The SHA-256 under which the store holds it; `None` while it does not."""
    etag: str | None = None
    job: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A set of files that a person would pick as one."""

    name: str
    format: str
    """`gguf`, `safetensors`, `tflite`, `onnx`, `pickle`, ... of its weights."""
    paths: tuple[str, ...]
    """All the files it needs, shared configuration included."""
    size: int | None
    """Bytes of all its files; `None` where one is unknown."""


_WEIGHTS = {
    ".safetensors": "safetensors",
    ".gguf": "gguf",
    ".ggml": "ggml",
    ".tflite": "tflite",
    ".litertlm": "litertlm",
    ".task": "task",
    ".onnx": "onnx",
    ".onnx_data": "onnx",
    ".bin": "pickle",
    ".pt": "pickle",
    ".pth": "pickle",
    ".ckpt": "pickle",
    ".pkl": "pickle",
    ".h5": "keras",
    ".keras": "keras",
    ".msgpack": "flax",
    ".npz": "numpy",
    ".mlmodel": "coreml",
    ".pdparams": "paddle",
    ".jit": "torchscript",
    ".ot": "rust",
}
WEIGHTS_ENDINGS = tuple(_WEIGHTS)
"""How the names of weights files end."""
_TOKENIZER_NAMES = {
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "chat_template.jinja",
    "chat_template.json",
    "tekken.json",
}
_CONFIG_SUFFIXES = (".json", ".yaml", ".yml", ".toml", ".ini", ".txt", ".jinja")
_QUANTISATION = re.compile(
    r"(?<![a-z0-9])"
    r"((?:ud-)?(?:iq[1-4]_(?:xxs|xs|nl|s|m)|i?q\d(?:_k)?(?:_(?:xxs|xs|xl|s|m|l|\d)){0,2}"
    r"|tq[12]_0|mxfp4(?:_moe)?|nvfp4|bf16|fp16|f16|fp32|f32|fp8|int8|int4))"
    r"(?![a-z0-9])",
    re.IGNORECASE,
)
_SHARD = re.compile(r"-\d{5}-of-\d{5}(?=\.)")
_PRECISION = re.compile(r"\.(fp16|fp32|bf16|fp8|non_ema|ema_only)(?=[.-])", re.IGNORECASE)


def artifact_id(model: str, revision: str, path: str) -> str:
    """A short stable key for one file of one revision."""
    return hashlib.sha256(f"{model}\0{revision}\0{path}".encode()).hexdigest()[:20]


def partial_key(artifact: Artifact) -> str:
    """The name under which an unfinished file waits in the store.

    Files with a known hash share one partial whatever model asked for them.
    """
    return artifact.sha256 or artifact.id


def weights_format(path: str) -> str | None:
    """The format of a weights file by its name, or `None` for anything else."""
    name = path.rpartition("/")[2].lower()
    dot = name.rfind(".")
    if dot < 0 or name in _TOKENIZER_NAMES or name in ("training_args.bin", "optimizer.pt"):
        return None
    return _WEIGHTS.get(name[dot:])


def is_shard(path: str) -> bool:
    """Whether a file is one of several that hold one model."""
    return _SHARD.search(path) is not None


def kind_of(path: str) -> ArtifactKind:
    """What a file is to a loader, by its name."""
    name = path.rpartition("/")[2].lower()
    if name in _TOKENIZER_NAMES:
        return ArtifactKind.TOKENIZER
    if weights_format(path) is not None:
        return ArtifactKind.WEIGHTS
    if name.endswith(_CONFIG_SUFFIXES) and not name.startswith(("readme", "license")):
        return ArtifactKind.CONFIG
    return ArtifactKind.OTHER


def select(
    files: Sequence[Artifact],
    *,
    paths: Sequence[str] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[Artifact, ...]:
    """The files that were asked for: exact paths, or what a pattern takes in and none excludes."""
    chosen = [file for file in files if file.path in paths] if paths else list(files)
    if include:
        chosen = [file for file in chosen if any(fnmatchcase(file.path, glob) for glob in include)]
    return tuple(
        file for file in chosen if not any(fnmatchcase(file.path, glob) for glob in exclude)
    )


def variants_of(files: Iterable[Artifact]) -> tuple[Variant, ...]:
    """Group a model's files into what a person would choose between.

    GGUF files group by quantisation with their shards and projector, safetensors and pickles by
    precision, each `.tflite`, `.task` or `.litertlm` stands alone, and any other format is one
    variant. Files that are no weights belong to every variant.
    """
    everything = sorted(files, key=lambda file: file.path)
    groups: dict[tuple[str, str], list[Artifact]] = {}
    shared: list[Artifact] = []
    projectors: list[Artifact] = []
    for file in everything:
        form = weights_format(file.path)
        if form is None:
            shared.append(file)
        elif form == "gguf" and "mmproj" in file.path.lower():
            projectors.append(file)
        else:
            groups.setdefault((form, _group(file.path, form)), []).append(file)
    if not groups and projectors:
        groups[("gguf", "projector")] = projectors
        projectors = []
    names = _names(list(groups))
    return tuple(
        _variant(names[key], key[0], members, shared + (projectors if key[0] == "gguf" else []))
        for key, members in groups.items()
    )


def _group(path: str, form: str) -> str:
    """The part of a name by which files of one format fall into variants."""
    name = _SHARD.sub("", path.rpartition("/")[2])
    if form == "gguf":
        found = _QUANTISATION.findall(name)
        return found[-1].upper() if found else name.removesuffix(".gguf")
    if form in ("safetensors", "pickle"):
        precision = _PRECISION.search(name)
        return precision[1].lower() if precision else ""
    if form in ("tflite", "litertlm", "task"):
        return path.rpartition(".")[0]
    return ""


def _names(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """A name for each group, short where that is unambiguous."""
    names: dict[tuple[str, str], str] = {}
    for form, group in keys:
        alike = sum(other == group for _, other in keys)
        if not group:
            names[form, group] = form
        else:
            names[form, group] = group if alike == 1 else f"{form}-{group}"
    return names


def _variant(
    name: str, form: str, members: Sequence[Artifact], shared: Sequence[Artifact]
) -> Variant:
    files = [*members, *shared]
    sizes = [file.size for file in files]
    size = None if None in sizes else sum(size for size in sizes if size is not None)
    return Variant(
        name=name, format=form, paths=tuple(sorted(file.path for file in files)), size=size
    )


def present(files: Iterable[Artifact]) -> list[Artifact]:
    """The files of which the store holds the bytes."""
    return [file for file in files if file.status is ArtifactStatus.COMPLETED and file.blob]


def installed_variants(files: Sequence[Artifact]) -> tuple[str, ...]:
    """The variants of which every file is here; a model without weights counts as one, `all`."""
    return whole_variants(
        files, {file.path for file in files if file.status is ArtifactStatus.COMPLETED}
    )


def whole_variants(files: Sequence[Artifact], paths: AbstractSet[str]) -> tuple[str, ...]:
    """The variants of which every file is among these paths."""
    variants = variants_of(files)
    if not variants:
        return ("all",) if files and all(file.path in paths for file in files) else ()
    return tuple(variant.name for variant in variants if paths >= set(variant.paths))


_PREFERRED = ("Q4_K_M", "Q5_K_M", "Q4_K_S", "Q4_0", "Q8_0", "fp16", "safetensors")


def preferred_variant(variants: Sequence[Variant]) -> Variant | None:
    """The variant to offer first: a common middle of size and quality, else the smallest."""
    by_name = {variant.name: variant for variant in variants}
    for name in _PREFERRED:
        if name in by_name:
            return by_name[name]
    return min(variants, key=lambda one: one.size or 0, default=None)


def main_file(files: Sequence[Artifact], variant: str | None) -> str | None:
    """The path of the file that a loader of single files opens, or `None` where there are more.

    The first shard stands for all of a GGUF's shards, since llama.cpp finds the others by it.
    """
    for one in variants_of(files):
        if one.name != variant:
            continue
        weights = [
            path
            for path in one.paths
            if weights_format(path) == one.format and "mmproj" not in path.lower()
        ]
        whole = {_SHARD.sub("", path) for path in weights} if one.format == "gguf" else weights
        return weights[0] if len(whole) == 1 else None
    return None
