"""The store of an Ollama daemon.

`manifests/<host>/<namespace>/<model>/<tag>` holds a registry's manifest byte for byte, and
`blobs/sha256-<hex>` the layers that it names. A layer that is still on its way is `…-partial`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import HubError
from tui_hub.domain.identifiers import ModelId
from tui_hub.foreign.base import Box, Finding, FoundFile, FoundModel, left_out
from tui_hub.foreign.looking import LeadsAwayError, folders, is_folder, look_at, read_small, walk
from tui_hub.sources.ollama_manifest import Manifest, is_manifest, read_manifest
from tui_hub.sources.ollama_names import PREFIX, Name
from tui_hub.sources.ollama_records import Traits, read_config, record

_REGISTRY = "registry.ollama.ai"
_MANIFEST = 4 * 1024**2
_CONFIG = 1024**2
_LEVELS = 4
_SERVICES = (
    "/usr/share/ollama/.ollama/models",
    "/var/lib/ollama/.ollama/models",
    "/var/lib/ollama/models",
    "/var/lib/ollama",
)
"""Where the daemon of the system keeps models, by who packaged it."""


class OllamaStore:
    """Finds each tag that the store has a manifest of."""

    name = "ollama"

    def places(self, box: Box) -> Sequence[Path]:
        """`OLLAMA_MODELS`, else the user's own store and that of the system's daemon."""
        told = box.path("OLLAMA_MODELS")
        if told is not None:
            return (told,)
        return (box.home / ".ollama" / "models", *map(Path, _SERVICES))

    def root(self, folder: Path) -> Path | None:
        """The store itself, or the folder that holds it as `models`."""
        for place in (folder, folder / "models"):
            if is_folder(place / "manifests") and is_folder(place / "blobs"):
                return place
        return None

    def look(self, root: Path, box: Box) -> Iterator[Finding | None]:
        """One model for each tag."""
        if not folders(root / "manifests"):
            return
        for path in walk(root / "manifests"):
            if isinstance(path, Path):
                parts = path.relative_to(root / "manifests").parts
                if len(parts) == _LEVELS:
                    yield _tag(root, path, parts)
            else:
                yield path


def _tag(root: Path, path: Path, parts: tuple[str, ...]) -> Finding:
    try:
        name = _name(*parts)
        content = None if path.is_symlink() else read_small(path, _MANIFEST)
        if content is None:
            return left_out(path, "it is no manifest: no plain file, or larger than any is")
        manifest = read_manifest(content, "the file")
    except HubError as error:
        return left_out(path, error.message)
    if not manifest.has_weights:
        return left_out(path, "it has no files: it runs on Ollama's servers")
    traits = _traits(root, manifest)
    listing = manifest.files(name, traits.quantization)
    files, broken = _layers(root, path, listing)
    if len(files) < 2:
        return left_out(path, broken or "none of its files is there")
    told = record(
        name,
        traits,
        looks=manifest.has_projector,
        revision=manifest.digest,
        size=manifest.size,
        origin="local",
        owner="local_sync_system",
    )
    return FoundModel(
        layout=OllamaStore.name,
        place=path,
        name=name.id.path,
        files=files,
        type=told.type,
        model=name.id,
        revision=manifest.digest,
        record=told,
        listing=listing,
    )


def _name(host: str, namespace: str, model: str, tag: str) -> Name:
    """What the place of a manifest stands for.

    Raises:
        HubError: when that is no name of Ollama's.
    """
    front = "" if host == _REGISTRY else f"{host}/"
    return Name.of(ModelId.parse(f"{PREFIX}:{front}{namespace}/{model}:{tag}"))


def _traits(root: Path, manifest: Manifest) -> Traits:
    """What the configuration tells of a model, if it is the one that the manifest means."""
    if manifest.config is None:
        return Traits()
    content = read_small(root / "blobs" / f"sha256-{manifest.config.sha256}", _CONFIG) or b""
    known = hashlib.sha256(content).hexdigest() == manifest.config.sha256
    return read_config(content) if known else Traits()


def _layers(
    root: Path, manifest: Path, listing: Sequence[Artifact]
) -> tuple[tuple[FoundFile, ...], str | None]:
    """The layers that are there in full with the manifest, and why the first other is not."""
    files: list[FoundFile] = []
    reason = None
    inside = root.resolve()
    for layer in listing:
        blob = manifest if is_manifest(layer) else root / "blobs" / f"sha256-{layer.sha256}"
        try:
            file = look_at(blob, inside, layer.path, sha256=layer.sha256)
            if file.size != layer.size:
                raise LeadsAwayError(f"{layer.path} has {file.size} bytes instead of {layer.size}")
        except LeadsAwayError as error:
            reason = reason or str(error)
            continue
        files.append(file)
    return tuple(files), reason
