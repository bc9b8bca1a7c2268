"""What one variant of a model needs in memory, by its headers and its configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import field
from pathlib import PurePosixPath

import msgspec

from tui_hub import text
from tui_hub.domain.architectures import (
    Architecture,
    from_config,
    generates,
    reader_from_config,
)
from tui_hub.domain.artifacts import Artifact, Variant
from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.errors import HubError
from tui_hub.domain.fit import WEIGHTS, Basis, Configs, Need, Profile, working_of
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.loading import PIPELINE_INDEX, Loaded, components_of, loaded_weights
from tui_hub.domain.models import Details
from tui_hub.domain.types import ModelType
from tui_hub.formats.safetensors import BITS
from tui_hub.services.context import Context
from tui_hub.services.fit.headers import Headers, Told
from tui_hub.services.models.metadata import Metadata

_FLOAT_BITS = {
    "float64": 64, "float32": 32, "float16": 16, "bfloat16": 16,
    "float8_e4m3fn": 8, "float8_e5m2": 8,
}  # fmt: skip
"""Of the types that the setting `runtime.dtype` may name; others are left as they are."""
_FLOATS = {name for name in BITS if name.startswith(("F", "BF"))}
_BYTES_PER_PARAMETER = 2
"""Of the 16-bit types that most models are published in."""
_TORCH_FORMATS = ("safetensors", "pickle")
_CONFIG = "config.json"
_MOST_COMPONENTS = 16
"""Folders of one pipeline that are looked into; known ones have up to eight."""
_LONGEST_DOCUMENT = 4_000_000
"""Bytes of a configuration; beyond that it is made to fill the memory."""
_UNTOLD = (ModelType.IMAGE_GEN, ModelType.VIDEO_GEN, ModelType.ANIMATION, ModelType.THREE_D)
"""Types whose models are no transformers with a context, whatever their configuration names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What a model needs, and what a person should know of that."""

    profile: Profile = field(default_factory=Profile)
    files: tuple[Artifact, ...] = ()
    """The weights that a loader opens."""
    warnings: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[Need, ...]:
        """What the weights take."""
        return self.profile.weights


class Weigher:
    """Adds up what a loader would bring into memory."""

    def __init__(self, context: Context, metadata: Metadata) -> None:
        self._headers = Headers(context)
        self._metadata = metadata
        self._dtype = context.configuration.settings.runtime.dtype

    async def weigh(
        self, details: Details, variant: Variant, configuration: ModelConfiguration
    ) -> Weight:
        """The profile of one variant. Asks for headers and small files, never for weights.

        Args:
            details: the model.
            variant: one of its variants.
            configuration: what is set for the model.
        """
        index = await self.document(details, PIPELINE_INDEX)
        components = None if index is None else components_of(index)
        loaded = loaded_weights(details.files, variant, components)
        told = await self._headers.read(ModelId.parse(details.model.id), loaded.files)
        dtype = configuration.dtype_over(self._dtype) if variant.format in _TORCH_FORMATS else ""
        weights, warnings = _weights(loaded, told, dtype)
        configs = {} if variant.format == "gguf" else await self._configs(details, loaded)
        kind, width = details.model.type, _width(dtype)
        architecture = _architecture(kind, configs, told)
        profile = Profile(
            weights=tuple(weights),
            architecture=architecture,
            width=width,
            working=working_of(kind, weights, architecture, configs, width),
            dtypes=_dtypes(told),
        )
        return Weight(profile=profile, files=tuple(loaded.files), warnings=tuple(warnings))

    async def document(self, details: Details, path: str) -> Mapping[str, object] | None:
        """A JSON file of the repository; `None` where it cannot be had or is none."""
        file = next((file for file in details.files if file.path == path), None)
        if file is None:
            return None
        try:
            content = await self._metadata.content(ModelId.parse(details.model.id), file)
            if len(content) > _LONGEST_DOCUMENT:
                return None
            return msgspec.json.decode(content, type=dict[str, object])
        except (HubError, OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    async def _configs(self, details: Details, loaded: Loaded) -> Configs:
        """The configurations beside the weights, by folder; the model's own under an empty name."""
        folders = {str(PurePosixPath(file.path).parent) for file in loaded.files} - {"."}
        names = ["", *sorted(folders)[:_MOST_COMPONENTS]]
        paths = [f"{name}/{_CONFIG}" if name else _CONFIG for name in names]
        read = await asyncio.gather(*(self.document(details, path) for path in paths))
        return {name: one for name, one in zip(names, read, strict=True) if one is not None}


def weigh_by_count(params: int | None) -> Weight:
    """What the number of parameters alone lets one guess."""
    if not params:
        return Weight(warnings=("its files and its number of parameters are not known",))
    count = params * _BYTES_PER_PARAMETER
    words = f"{_BYTES_PER_PARAMETER} bytes are taken for each of {text.count(params)} parameters"
    need = Need(part=WEIGHTS, bytes=count, basis=Basis.ESTIMATE, source=words)
    return Weight(profile=Profile(weights=(need,)), warnings=(f"its files are not known: {words}",))


def _architecture(kind: ModelType, configs: Configs, told: Told) -> Architecture | None:
    """The transformer of a model, by its header or its configuration."""
    found = (told.headers[path].architecture for path in sorted(told.headers))
    of_header = next((one for one in found if one is not None), None)
    config = configs.get("")
    if of_header is not None or config is None or kind in _UNTOLD:
        return of_header
    writes = generates(config)
    if writes is None:
        writes = kind is ModelType.LLM
    return from_config(config) if writes else reader_from_config(config)


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _width(dtype: str) -> int | None:
    """Bytes of a number of the cache where floats are cast; eight bits are for weights alone."""
    bits = _FLOAT_BITS.get(dtype, 0)
    return bits // 8 if bits >= 16 else None


def _dtypes(told: Told) -> dict[str, int]:
    found: dict[str, int] = {}
    for header in told.headers.values():
        for name, count in header.bytes_by_dtype.items():
            found[name] = found.get(name, 0) + count
    return found


def _weights(loaded: Loaded, told: Told, dtype: str) -> tuple[list[Need], list[str]]:
    """Exact bytes where headers told them, sizes of files where not."""
    others = [file for file in loaded.files if file.path not in told.headers]
    sizes = sum(file.size or 0 for file in others)
    needs = []
    exact = _cast(_dtypes(told), dtype)
    if exact:
        source = _header_words(told, dtype)
        needs.append(Need(part=WEIGHTS, bytes=exact, basis=Basis.HEADER, source=source))
    if sizes:
        part = "weights by file size" if exact else WEIGHTS
        words = f"the size of {_many(len(others), 'file')}"
        needs.append(Need(part=part, bytes=sizes, basis=Basis.ESTIMATE, source=words))
    return needs, _warnings(loaded, told, others)


def _cast(dtypes: Mapping[str, int], dtype: str) -> int:
    """Bytes of the weights with their floats as torch is told to load them."""
    bits = _FLOAT_BITS.get(dtype)
    if bits is None:
        return sum(dtypes.values())
    return sum(
        count * bits // BITS[name] if name in _FLOATS else count for name, count in dtypes.items()
    )


def _header_words(told: Told, dtype: str) -> str:
    """Which headers told the bytes, component by component where there are several."""
    by_folder: dict[str, int] = {}
    for path, header in told.headers.items():
        folder = path.rpartition("/")[0]
        size = _cast(header.bytes_by_dtype, dtype)
        by_folder[folder] = by_folder.get(folder, 0) + size
    files = _many(len(told.headers), "header")
    cast = f", cast to {dtype}" if dtype in _FLOAT_BITS else ""
    if len(by_folder) < 2:
        return f"{files} of its weights{cast}"
    largest = sorted(by_folder.items(), key=lambda one: -one[1])
    parts = ", ".join(
        f"{text.clean(folder or 'the model', 40)} {text.size(size)}" for folder, size in largest
    )
    return f"{files} of its weights{cast}: {parts}"


def _warnings(loaded: Loaded, told: Told, others: list[Artifact]) -> list[str]:
    warnings = list(told.problems)
    if loaded.models > 1:
        warnings.append(f"{loaded.models} separate weights are counted together; one may do")
    shards = max((header.shards for header in told.headers.values()), default=0)
    if shards > len(loaded.files):
        warnings.append(f"its weights are in {shards} parts, and {len(loaded.files)} are listed")
    silent = sum(file.size is None for file in others)
    if silent:
        warnings.append(f"{silent} weights files do not tell their size and are not counted")
    return warnings
