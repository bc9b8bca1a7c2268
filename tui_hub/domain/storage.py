"""What the store holds, and what taking something out of it would free."""

from __future__ import annotations

from dataclasses import dataclass

from tui_hub.domain.types import ModelType


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageUsage:
    """The store in figures; sizes are bytes."""

    path: str
    blobs: int
    bytes: int
    bytes_logical: int
    """What the models would take without sharing."""
    bytes_saved: int
    by_type: dict[str, int]
    by_model: dict[str, int]
    disk_free: int
    disk_total: int
    partial_bytes: int = 0
    """Disk that unfinished downloads take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What a deletion took, or would take."""

    model: str
    files: int
    bytes_freed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """A model of which at least one variant is wholly on this box."""

    model: str
    revision: str
    type: ModelType
    name: str
    author: str | None = None
    path: str
    """The folder a loader opens, under the store's `models/`."""
    installed_at: str
    files: int = 0
    bytes: int = 0
    last_used: str | None = None
    variants: tuple[str, ...] = ()
