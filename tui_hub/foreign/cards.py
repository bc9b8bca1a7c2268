"""What the small files of a model tell of it, as far as it helps to put it in its place."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec

from tui_hub.domain.models import Model
from tui_hub.domain.types import ModelType, type_of_task
from tui_hub.foreign.looking import has_file, read_small
from tui_hub.text import clean

_CARD = 256 * 1024
_CONFIG = 1024**2
_FIELD = r"^{}:[ \t]*[\"']?([A-Za-z0-9._-]{{1,60}})[\"']?[ \t]*$"
_WRITES = ("ForCausalLM", "LMHeadModel")


class _Config(msgspec.Struct):
    """The one line of a transformers configuration that says what it is for."""

    architectures: list[str] = []


def describe(model: Model, folder: Path) -> Model:
    """A model with its task, type, library and licence, where its card or configuration says so."""
    head = _front_matter(folder / "README.md")
    task = _field(head, "pipeline_tag")
    kind = type_of_task(task)
    if kind is ModelType.UTILITY:
        kind = _type_of_files(folder)
    return replace(
        model,
        task=task,
        type=kind,
        library=_field(head, "library_name"),
        license=_field(head, "license"),
    )


def _front_matter(card: Path) -> str:
    """The YAML that a card begins with."""
    text = (read_small(card, _CARD) or b"").decode("utf-8", "replace")
    return text[4 : text.find("\n---", 4) + 1] if text.startswith("---\n") else ""


def _field(head: str, name: str) -> str | None:
    found = re.search(_FIELD.format(re.escape(name)), head, re.MULTILINE)
    return clean(found[1], 60) if found else None


def _type_of_files(folder: Path) -> ModelType:
    """The type by what is unmistakable: a pipeline of diffusers, a model that writes text."""
    if has_file(folder / "model_index.json"):
        return ModelType.IMAGE_GEN
    try:
        config = msgspec.json.decode(
            read_small(folder / "config.json", _CONFIG) or b"{}", type=_Config
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ModelType.UTILITY
    writes = any(name.endswith(_WRITES) for name in config.architectures)
    return ModelType.LLM if writes else ModelType.UTILITY
