"""Manifests of Ollama's registry protocol: what a tag consists of, layer by layer.

Wire format: `GET /v2/<namespace>/<model>/manifests/<tag>`, a Docker image manifest, version 2.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import msgspec

from tui_hub.domain.artifacts import Artifact, ArtifactKind, artifact_id, kind_of
from tui_hub.domain.errors import HubError, UnreadableError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import is_sha256, repository_path
from tui_hub.sources.ollama_names import Name
from tui_hub.sources.records import BAD_JSON, optional, reason
from tui_hub.text import clean

_MOST_LAYERS = 5_000
_MOST_BYTES = 2**53
_KIND = "application/vnd.ollama.image."
_WEIGHTS = ("model", "tensor")
_CONFIG_FILE = "ollama.json"
"""Not `config.json`, by which loaders know another format."""
MANIFEST_FILE = "manifest.json"
"""The manifest itself, byte by byte: by it a daemon of Ollama finds the other files."""
_NULL = msgspec.Raw(b"null")
_FILES = {
    "model": "{stem}.gguf",
    "projector": "mmproj-{stem}.gguf",
    "adapter": "adapter-{stem}.lora",
    "template": "template.txt",
    "system": "system.txt",
    "params": "params.json",
    "messages": "messages.json",
    "license": "license.txt",
}
"""What the layers of a kind are called, as they have no names of their own."""


class Layer(msgspec.Struct, frozen=True):
    """One blob of a manifest."""

    digest: str
    """`sha256:` and its hash."""
    size: Annotated[int, msgspec.Meta(ge=0, le=_MOST_BYTES)]
    media_type: str = msgspec.field(name="mediaType", default="")
    name: str | None = None
    """Only tensors and the files beside them have one."""

    @property
    def kind(self) -> str:
        """What it is to Ollama: `model`, `template`, `license` and so on."""
        return self.media_type.partition(";")[0].strip().lower().removeprefix(_KIND)

    @property
    def sha256(self) -> str:
        """Its hash."""
        return self.digest.removeprefix("sha256:")


class _Wire(msgspec.Struct):
    layers: list[msgspec.Raw]
    config: msgspec.Raw = _NULL


_WIRE = msgspec.json.Decoder(_Wire)
_LAYER = msgspec.json.Decoder(Layer)
_ANY = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a tag stands for at this moment."""

    digest: str
    """The SHA-256 of its bytes, by which Ollama knows a model."""
    layers: tuple[Layer, ...]
    config: Layer | None
    length: int = 0
    """Bytes of the manifest itself."""
    unsafe: tuple[str, ...] = ()
    """Why layers were left out."""

    @property
    def size(self) -> int:
        """Bytes of all its blobs."""
        return sum(layer.size for layer in self._blobs())

    @property
    def has_weights(self) -> bool:
        """Whether there is anything to run: a model of Ollama's servers has none."""
        return any(layer.kind in _WEIGHTS for layer in self.layers)

    @property
    def has_projector(self) -> bool:
        """Whether it brings an encoder for pictures."""
        return any(layer.kind == "projector" for layer in self.layers)

    def files(self, name: Name, quantization: str) -> tuple[Artifact, ...]:
        """The layers as files, named after the model, its quantisation and what they are.

        Beside them the manifest, whose SHA-256 is the revision.
        """
        told = quantization.lower() in name.stem.lower()
        stem = name.stem if told else f"{name.stem}-{quantization}"
        taken: Counter[str] = Counter()
        manifest = Layer(f"sha256:{self.digest}", self.length)
        own = self._file(name, manifest, _free(MANIFEST_FILE, taken))
        files: dict[tuple[str, str], Artifact] = {}
        for layer in self._blobs():
            path = _CONFIG_FILE if layer is self.config else _path(layer, stem)
            key = (layer.sha256, path)
            if key not in files:
                files[key] = self._file(name, layer, _free(path, taken))
        return (*files.values(), own)

    def _file(self, name: Name, layer: Layer, path: str) -> Artifact:
        model = str(name.id)
        return Artifact(
            id=artifact_id(model, self.digest, path),
            model=model,
            revision=self.digest,
            path=path,
            size=layer.size,
            sha256=layer.sha256,
            kind=_kind(layer, path),
        )

    def _blobs(self) -> Iterable[Layer]:
        return self.layers if self.config is None else (*self.layers, self.config)


def read_manifest(body: bytes, host: str) -> Manifest:
    """A manifest as it came. A layer whose hash or size is none is left out, with the reason.

    Raises:
        UnreadableError: when it is no manifest, or larger than anything can be.
    """
    try:
        wire = _WIRE.decode(body)
    except BAD_JSON as error:
        raise UnreadableError(
            f"{host} answers with something that is no manifest: {reason(error, '')}",
            hint="Is the registry's address right?",
        ) from None
    layers: list[Layer] = []
    unsafe: list[str] = []
    for number, raw in enumerate(wire.layers[:_MOST_LAYERS], start=1):
        try:
            layers.append(_layer(raw))
        except BAD_JSON as error:
            unsafe.append(f"layer {number}: {reason(error, '')}")
    try:
        config = None if optional(wire.config, _ANY) is None else _layer(wire.config)
    except BAD_JSON as error:
        config = None
        unsafe.append(f"the configuration: {reason(error, '')}")
    manifest = Manifest(
        digest=hashlib.sha256(body).hexdigest(),
        layers=tuple(layers),
        config=config,
        length=len(body),
        unsafe=tuple(unsafe),
    )
    if len(wire.layers) > _MOST_LAYERS or manifest.size > _MOST_BYTES:
        raise UnreadableError(f"{host} describes a model that is larger than any can be")
    return manifest


def is_manifest(file: Artifact) -> bool:
    """Whether a file of a model is its manifest, by whose hash the revision is known."""
    return file.sha256 == file.revision


def _layer(raw: msgspec.Raw) -> Layer:
    layer = _LAYER.decode(raw)
    if not layer.digest.startswith("sha256:") or not is_sha256(layer.sha256):
        raise ValueError("its SHA-256 is none")
    return layer


def _path(layer: Layer, stem: str) -> str:
    if layer.kind in _FILES:
        return _FILES[layer.kind].format(stem=stem)
    folder = "tensors/" if layer.kind == "tensor" else ""
    try:
        return repository_path(f"{folder}{layer.name or ''}")
    except HubError:
        return f"{clean(layer.kind, 40).rpartition('/')[2] or 'layer'}-{layer.sha256[:12]}"


def _free(path: str, taken: Counter[str]) -> str:
    """The path, numbered where another file has it."""
    front, dot, suffix = path.rpartition(".")
    front, ending = (front, f".{suffix}") if dot and "/" not in suffix else (path, "")
    free = path
    while taken[free.lower()]:
        taken[path.lower()] += 1
        free = f"{front}-{taken[path.lower()]}{ending}"
    taken[free.lower()] += 1
    return free


def _kind(layer: Layer, path: str) -> ArtifactKind:
    if layer.kind in ("model", "projector", "adapter", "tensor"):
        return ArtifactKind.WEIGHTS
    return kind_of(path)
