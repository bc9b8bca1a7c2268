"""The documents of the slots: what is active, and how a change of it went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from tui_hub.cli.documents import Document
from tui_hub.domain.errors import UsageError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.slots import MemoryFigures
from tui_hub.domain.swaps import ActivationResult
from tui_hub.text import clean

if TYPE_CHECKING:
    from tui_hub.domain.runtime import Program
    from tui_hub.domain.slots import Slot
    from tui_hub.domain.types import ModelType


def activation(result: ActivationResult) -> Document:
    """How a change of a slot ended; the command adds an `error` document to a failed one."""
    return {
        "slot": result.slot.value,
        "model": result.model,
        "status": result.status,
        "runtime": result.runtime,
        "device": result.device,
        "pid": result.pid,
        "path": result.path,
        "url": result.url,
        "memory": asdict(result.memory),
        "seconds": round(result.seconds, 3),
        "previous": result.previous,
        "error": None,
        "job": result.job,
        "note": result.note,
    }


def unchanged(slot: ModelType | None, wanted: str | None) -> Document:
    """The document of `activation` for a change that was refused."""
    return {
        **dict.fromkeys(
            field.name
            for field in fields(ActivationResult)
            if field.name not in ("error_code", "hint")
        ),
        "slot": None if slot is None else slot.value,
        "model": None if wanted is None else _canonical(wanted),
        "status": "error",
        "memory": asdict(MemoryFigures()),
    }


def _canonical(wanted: str) -> str:
    """The id of a model as it was typed; cleaned text where it is none."""
    try:
        return str(ModelId.parse(wanted))
    except UsageError:
        return clean(wanted)


def active(
    slots: Iterable[Slot], programs: Mapping[ModelType, Sequence[Program] | None]
) -> Document:
    """The active models, and who has their weights; `null` where that cannot be known."""
    return {
        "slots": [{**slot.facts, "programs": _programs(programs.get(slot.type))} for slot in slots]
    }


def _programs(programs: Sequence[Program] | None) -> list[Document] | None:
    return None if programs is None else [asdict(one) for one in programs]
