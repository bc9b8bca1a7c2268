"""What Ollama tells of a model, in a registry's configuration or the daemon's list, as a record."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Model
from tui_hub.domain.types import ModelType, type_of_task
from tui_hub.sources.ollama_names import LIBRARY, PREFIX, Name
from tui_hub.sources.records import BAD_JSON, optional, whole
from tui_hub.text import clean

USER = "ollama_sync_system"

_MOST_WORDS = 20
_LONG = 60
_PARAMS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)([KMBT])")
_UNITS = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_PLAIN = re.compile(r"[A-Za-z0-9_]{1,24}")
_LOOKING = {"clip", "mllama"}
"""Families that are an encoder for pictures, or have one built in."""
_COMPLETION = "completion"
"""What every model that writes can do, so that naming it says nothing."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_WORDS = msgspec.json.Decoder(list[str])
_WHOLE = msgspec.json.Decoder(int)
_NULL = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is known of a model beside its files. What nobody told is empty."""

    format: str = ""
    families: tuple[str, ...] = ()
    params: int | None = None
    quantization: str = ""
    context_length: int | None = None
    capabilities: tuple[str, ...] = ()
    requires: str = ""
    """The oldest version of Ollama that runs it."""
    remote: bool = False
    """Whether it runs on somebody's servers, and there is nothing to download."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Words to find it by."""
        return _distinct((*self.families, self.format, self.quantization))


class _Fields:
    """The members of a JSON object, each of which may be missing or of another shape."""

    def __init__(self, raw: bytes | msgspec.Raw) -> None:
        try:
            self._fields = _FIELDS.decode(raw)
        except BAD_JSON:
            self._fields = {}

    def text(self, name: str) -> str:
        """A word, cleaned."""
        told = optional(self._raw(name), _TEXT)
        return clean(told or "", _LONG)

    def words(self, *names: str) -> tuple[str, ...]:
        """The words of several members, each a word or a list of them."""
        found: list[str] = []
        for name in names:
            listed = optional(self._raw(name), _WORDS) or []
            found += [self.text(name), *(clean(word, _LONG) for word in listed[:_MOST_WORDS])]
        return _distinct(found)

    def number(self, name: str) -> int | None:
        """A count greater than zero."""
        told = optional(self._raw(name), _WHOLE)
        return whole(told) or None

    def _raw(self, name: str) -> msgspec.Raw:
        return self._fields.get(name, _NULL)


def read_config(body: bytes) -> Traits:
    """The configuration blob of a manifest; what cannot be read in it is empty."""
    fields = _Fields(body)
    return Traits(
        format=fields.text("model_format"),
        families=fields.words("model_family", "model_families"),
        params=_params(fields.text("model_type")),
        quantization=_quantization(fields.text("file_type")),
        context_length=fields.number("context_length"),
        capabilities=_capabilities(fields.words("capabilities")),
        requires=fields.text("requires"),
        remote=bool(fields.text("remote_host") or fields.text("remote_model")),
    )


def read_details(entry: bytes | msgspec.Raw, details: msgspec.Raw) -> Traits:
    """An entry of the daemon's list, and the details in it."""
    fields, more = _Fields(entry), _Fields(details)
    return Traits(
        format=more.text("format"),
        families=more.words("family", "families"),
        params=_params(more.text("parameter_size")),
        quantization=_quantization(more.text("quantization_level")),
        context_length=more.number("context_length"),
        capabilities=_capabilities(fields.words("capabilities")),
        remote=bool(fields.text("remote_host") or fields.text("remote_model")),
    )


def record(name: Name, traits: Traits, *, looks: bool = False, **told: Any) -> Model:
    """A model as a catalogue row.

    Args:
        name: its name.
        traits: what is known of it.
        looks: whether an encoder for pictures is among its files.
        told: further fields of the row.
    """
    task, kind = _purpose(name, traits, looks=looks)
    identifier = name.id
    fields: dict[str, Any] = {
        "author": None if name.namespace == LIBRARY and not name.host else name.namespace,
        "tags": traits.tags,
        "owner": USER,
        **told,
    }
    return Model(
        id=str(identifier),
        source=PREFIX,
        name=identifier.name,
        type=kind,
        task=task,
        library=traits.format or None,
        params=traits.params,
        facts=_facts(traits) | fields.pop("facts", {}),
        **fields,
    )


def _purpose(name: Name, traits: Traits, *, looks: bool) -> tuple[str, ModelType]:
    """The task and type: what its encoders say, then what it is said to do, then its family.

    A model that sees and also calls tools or thinks is first of all one to talk to.
    """
    capabilities = set(traits.capabilities)
    bert = any("bert" in family.lower() for family in traits.families)
    if "embedding" in capabilities or bert or "embed" in name.model.lower():
        task = "feature-extraction"
    elif "image" in capabilities:
        task = "text-to-image"
    elif looks or _LOOKING.intersection(traits.families):
        return "image-text-to-text", ModelType.VISION
    elif "vision" in capabilities:
        talks = capabilities & {"tools", "thinking"}
        return "image-text-to-text", ModelType.LLM if talks else ModelType.VISION
    else:
        task = "text-generation"
    return task, type_of_task(task)


def _facts(traits: Traits) -> dict[str, object]:
    facts: dict[str, object] = {
        "family": traits.families[0] if traits.families else "",
        "quantization": traits.quantization,
        "context_length": traits.context_length,
        "capabilities": list(traits.capabilities),
        "closed": traits.remote,
        "requires": {"ollama": traits.requires} if traits.requires else {},
    }
    return {key: value for key, value in facts.items() if value}


def _params(text: str) -> int | None:
    """`8.0B`, `137M` as a number."""
    found = _PARAMS.fullmatch(text.upper())
    return round(float(found[1]) * _UNITS[found[2]]) or None if found else None


def _quantization(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.lower() != "unknown" else ""


def _capabilities(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(word for word in words if word != _COMPLETION))


def _distinct(words: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if word))
