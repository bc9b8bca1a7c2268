"""What the store holds, and what taking something out of it would free."""

from __future__ import annotations

from dataclasses import field

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.types import ModelType


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """What the store holds of one model; sizes are bytes."""

    model: str
    type: str
    source: str
    files: int
    bytes: int
    bytes_freed: int
    """What deleting it would really free: bytes that others share, or another program links to,
    stay. What a file system shares between copies below that cannot be seen."""
    installed_at: str
    """Empty for a model that was here and of which nothing is left."""
    last_used: str | None = None
    """When this home last activated it or handed it out (`run`, `env`, `active --path`), to the
    hour; programs that open its folder by themselves are not seen."""
    active: bool = False
    """Whether a slot holds it."""
    lost: int = 0
    """Files that were here, and are gone or damaged."""


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
    """Disk that unfinished downloads take, with what is reserved for bytes that are yet to come."""
    partial_arrived: int = 0
    """What has arrived of them."""
    referenced_bytes: int = 0
    """What stays where it lies outside of the store, and takes no disk here."""
    quarantined_bytes: int = 0
    """Disk that damaged bytes take which `verify` moved away."""
    by_source: dict[str, int] = field(default_factory=dict)
    models: tuple[ModelUsage, ...] = ()
    """What the store holds of each model, largest first."""
    quota: int = 0
    """What the store should not exceed; 0 is no limit."""

    @property
    def used(self) -> int:
        """All that counts against the quota."""
        return self.bytes + self.partial_bytes + self.quarantined_bytes

    @property
    def over_quota(self) -> int:
        """Bytes beyond the quota."""
        return max(0, self.used - self.quota) if self.quota else 0

    @property
    def oldest(self) -> tuple[ModelUsage, ...]:
        """The models by when they were installed, the longest ago first."""
        return tuple(sorted(self._here, key=lambda one: one.installed_at))

    @property
    def never_used(self) -> tuple[ModelUsage, ...]:
        """The models that this home has never used, largest first."""
        return tuple(one for one in self._here if one.last_used is None)

    @property
    def _here(self) -> list[ModelUsage]:
        """The models of which more is left than that they were here."""
        return [one for one in self.models if one.installed_at]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What a deletion took, or would take."""

    model: str
    files: int
    bytes_freed: int
    other_revisions: int = 0
    """How many of the files are not of the installed revision."""


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
