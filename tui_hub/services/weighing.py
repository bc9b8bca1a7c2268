"""What one variant of a model needs in memory, in parts, by its headers and its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from tui_hub import text
from tui_hub.domain.artifacts import Artifact, Variant
from tui_hub.domain.configuration import ModelConfiguration
from tui_hub.domain.errors import HubError
from tui_hub.domain.fit import Basis, Need
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.kv_cache import KeyValueCache, cache_from_config
from tui_hub.domain.loading import PIPELINE_INDEX, Loaded, components_of, loaded_weights
from tui_hub.domain.models import Details
from tui_hub.domain.types import ModelType
from tui_hub.formats.safetensors import BITS
from tui_hub.services.context import Context
from tui_hub.services.headers import Headers, Told
from tui_hub.services.metadata import Metadata

CONTEXT = 8192
"""Tokens of context that the cache is counted for, unless others are set or it takes fewer."""
_FLOAT_BITS = {
    "float64": 64, "float32": 32, "float16": 16, "bfloat16": 16,
    "float8_e4m3fn": 8, "float8_e5m2": 8,
}  # fmt: skip
"""Of the types that the setting `runtime.dtype` may name; others are left as they are."""
_FLOATS = {name for name in BITS if name.startswith(("F", "BF"))}
_BYTES_PER_PARAMETER = 2
"""Of the 16-bit types that most models are published in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """The parts of a need, and what a person should know of them."""

    parts: tuple[Need, ...] = ()
    files: tuple[Artifact, ...] = ()
    """The weights that a loader opens."""
    dtypes: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Weigher:
    """Adds up what a loader would bring into memory."""

    def __init__(self, context: Context, metadata: Metadata) -> None:
        self._headers = Headers(context)
        self._metadata = metadata
        self._dtype = context.configuration.settings.runtime.dtype

    async def weigh(
        self, details: Details, variant: Variant, configuration: ModelConfiguration
    ) -> Weight:
        """The parts of one variant, weights first. Asks for headers, never for weights.

        Args:
            details: the model.
            variant: one of its variants.
            configuration: what is set for the model.
        """
        components = None
        if any(file.path == PIPELINE_INDEX for file in details.files):
            index = await self._configuration(details, PIPELINE_INDEX)
            components = None if index is None else components_of(index)
        loaded = loaded_weights(details.files, variant, components)
        told = await self._headers.read(ModelId.parse(details.model.id), loaded.files)
        weights, warnings = _weights(loaded, told)
        if variant.format in ("safetensors", "pickle"):
            dtype = configuration.dtype_over(self._dtype)
            weights = [as_loaded(need, told, dtype) for need in weights]
        cache: list[Need] = []
        if details.model.type is ModelType.LLM and weights:
            cache, more = _cache_need(await self._cache(details, variant, told), configuration)
            warnings += more
        dtypes: dict[str, int] = {}
        for header in told.headers.values():
            for name, count in header.bytes_by_dtype.items():
                dtypes[name] = dtypes.get(name, 0) + count
        return Weight(
            parts=(*weights, *cache),
            files=tuple(loaded.files),
            dtypes=dtypes,
            warnings=tuple(warnings),
        )

    async def _cache(self, details: Details, variant: Variant, told: Told) -> KeyValueCache | None:
        if variant.format == "gguf":
            caches = (told.headers[path].cache for path in sorted(told.headers))
            return next((cache for cache in caches if cache is not None), None)
        config = await self._configuration(details, "config.json")
        return None if config is None else cache_from_config(config)

    async def _configuration(self, details: Details, path: str) -> Mapping[str, object] | None:
        """A JSON file of the repository; `None` where it cannot be had or is none."""
        file = next((file for file in details.files if file.path == path), None)
        if file is None:
            return None
        try:
            content = await self._metadata.content(ModelId.parse(details.model.id), file)
            return msgspec.json.decode(content, type=dict[str, object])
        except (HubError, OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None


def weigh_by_count(params: int | None) -> Weight:
    """What the number of parameters alone lets one guess."""
    if not params:
        return Weight(warnings=("its files and its number of parameters are not known",))
    count = params * _BYTES_PER_PARAMETER
    return Weight(
        parts=(Need(part="weights", bytes=count, basis=Basis.ESTIMATE),),
        warnings=(
            f"its files are not known: {_BYTES_PER_PARAMETER} bytes are taken for each of "
            f"{text.count(params)} parameters",
        ),
    )


def as_loaded(need: Need, told: Told, dtype: str) -> Need:
    """The weights with their floats as torch is told to load them."""
    bits = _FLOAT_BITS.get(dtype)
    if bits is None or need.basis is not Basis.HEADER:
        return need
    size = 0
    for header in told.headers.values():
        for name, count in header.bytes_by_dtype.items():
            size += count * bits // BITS[name] if name in _FLOATS else count
    return replace(need, bytes=size)


def _weights(loaded: Loaded, told: Told) -> tuple[list[Need], list[str]]:
    """Exact bytes where headers told them, sizes of files where not."""
    exact = sum(sum(header.bytes_by_dtype.values()) for header in told.headers.values())
    others = [file for file in loaded.files if file.path not in told.headers]
    sizes = sum(file.size or 0 for file in others)
    needs = []
    if exact:
        needs.append(Need(part="weights", bytes=exact, basis=Basis.HEADER))
    if sizes:
        part = "weights by file size" if exact else "weights"
        needs.append(Need(part=part, bytes=sizes, basis=Basis.ESTIMATE))
    warnings = list(told.problems)
    if loaded.models > 1:
        warnings.append(f"{loaded.models} separate weights are counted together; one may do")
    shards = max((header.shards for header in told.headers.values()), default=0)
    if shards > len(loaded.files):
        warnings.append(f"its weights are in {shards} parts, and {len(loaded.files)} are listed")
    silent = sum(file.size is None for file in others)
    if silent:
        warnings.append(f"{silent} weights files do not tell their size and are not counted")
    return needs, warnings


def _cache_need(
    cache: KeyValueCache | None, configuration: ModelConfiguration
) -> tuple[list[Need], list[str]]:
    """The cache of a language model, and up to where it is counted."""
    if cache is None:
        return [], [
            "the cache for its context is not counted: its files do not tell how large it is"
        ]
    tokens = configuration.context or min(CONTEXT, cache.context)
    warnings = []
    if cache.context < tokens:
        warnings.append(
            f"its context is set to {text.grouped(tokens)} tokens; its files tell of "
            f"{text.grouped(cache.context)}"
        )
    elif cache.context > tokens:
        warnings.append(
            f"the cache is counted for {text.grouped(tokens)} tokens of context; all "
            f"{text.grouped(cache.context)} would take {text.size(cache.bytes(cache.context))}"
        )
    if cache.windowed:
        warnings.append("some layers keep a window of the context only, so it may be less")
    need = Need(part="kv cache", bytes=cache.bytes(tokens), basis=Basis.ESTIMATE)
    return [need], warnings
