"""Jobs: background work that outlives a screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from tui_hub.domain.frozen import dataclass


class JobType(StrEnum):
    """What a job does."""

    SYNC = "sync"
    DOWNLOAD = "download"
    SCAN = "scan"
    VERIFY = "verify"
    ACTIVATE = "activate"


class JobStatus(StrEnum):
    """Where a job stands."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the job unless somebody asks."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job has come. `total` is `None` while it is unknown."""

    done: int = 0
    total: int | None = None
    unit: str = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The process that runs a job. A pid alone may be reused; with its start time it is not."""

    host: str
    pid: int
    started: float
    """Start time of the process, as the kernel tells it."""
    boot: str = ""
    """The boot id, so that a reboot is noticed even when pids and times agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job with its history."""

    id: str
    type: JobType
    status: JobStatus = JobStatus.PENDING
    payload: Mapping[str, object] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    attempts: int = 0
    error: str | None = None
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None
    log: tuple[str, ...] = ()
    owner: Owner | None = None
    request: str | None = None
    """What another process asked of the owner: `pause` or `cancel`."""
    fence: int = 0
    """Counts the owners. A write with the number of an earlier owner has no effect."""
    beat: float = field(default=0.0, compare=False)
    """The owner's last heartbeat; see `processes.beat`."""
