"""Slots: one type's active model, and how a change of it went."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui_hub.domain.types import ModelType


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFigures:
    """Bytes of memory before and after an activation; `None` where nothing was measured."""

    needed: int | None = None
    free_before: int | None = None
    used_after: int | None = None
    peak: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The active model of one type."""

    type: ModelType
    model: str
    revision: str
    runtime: str
    """`torch`, `ollama`, `command` or `link`."""
    path: str
    """The folder a loader opens."""
    device: str | None = None
    pid: int | None = None
    since: str = ""
    variant: str | None = None
    memory: MemoryFigures = field(default_factory=MemoryFigures)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationResult:
    """How a change of a slot ended."""

    slot: ModelType
    model: str | None
    status: str
    """`active`, `inactive`, `rolled_back` or `error`."""
    runtime: str | None = None
    device: str | None = None
    pid: int | None = None
    path: str | None = None
    memory: MemoryFigures = field(default_factory=MemoryFigures)
    seconds: float = 0.0
    previous: str | None = None
    error: str | None = None
    note: str | None = None
    """What a person should know, for example that torch is not installed and `link` was used."""
