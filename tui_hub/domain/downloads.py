"""Downloads: the plan before the first byte, and the figures while it runs."""

from __future__ import annotations

from enum import StrEnum

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a download would do."""

    model: str
    revision: str
    ref: str = "main"
    """The branch or tag that was asked for."""
    files: tuple[Artifact, ...]
    bytes_total: int
    bytes_to_transfer: int
    bytes_deduplicated: int
    """Already in the store, from whichever source."""
    bytes_resumed: int
    """Already here from an interrupted attempt."""
    disk_free: int
    disk_reserved: int
    """What running downloads have still to write."""
    unknown_sizes: int = 0
    """Files whose size no one told."""
    bytes_to_write: int = 0
    """Disk still to be taken; less than the transfer where a partial has its blocks already."""
    unsafe: tuple[str, ...] = ()
    """Files of the repository that are left out since their names are refused."""
    note: str | None = None
    """What a person should know, for example that the newest revision could not be asked for."""

    disk_margin: int = 0
    """What every download leaves free."""
    variant: str | None = None
    """The one variant that was asked for, by its name or by that of a version."""

    @property
    def disk_usable(self) -> int:
        """What this download may take."""
        return max(0, self.disk_free - self.disk_reserved - self.disk_margin)

    @property
    def fits(self) -> bool:
        """Whether the disk takes it, with what others were promised."""
        return self.bytes_to_write <= self.disk_usable


class FileState(StrEnum):
    """What a file of a running download is doing."""

    WAITING = "waiting"
    RESOLVING = "resolving"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    RETRYING = "retrying"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProgress:
    """One file of a running download."""

    path: str
    size: int | None
    state: FileState = FileState.WAITING
    done: int = 0
    """Bytes that are here, resumed ones included."""
    bytes_transferred: int = 0
    """Bytes that came over the network in this attempt."""
    resumed_from: int = 0
    deduplicated: bool = False
    origin: str = ""
    """Another model that had it already, where that is known."""
    bytes_saved: int = 0
    """Bytes that some other download brought, so that this one had no need to."""
    connections: int = 0
    retries: int = 0
    ranges: tuple[tuple[int, int], ...] = ()
    """The byte ranges that have arrived, as half-open pairs in order."""
    message: str = ""
    """Why it waits or failed, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A download as a screen shows it: the job and its files."""

    job: str
    model: str
    revision: str | None
    variant: str | None
    status: JobStatus
    files: tuple[FileProgress, ...] = ()
    bytes_total: int = 0
    done: int = 0
    bytes_transferred: int = 0
    """Bytes that came over the network, in all runs together."""
    bytes_last_run: int | None = None
    """Of these, what came in the present run, or in the last one; `None` where nobody noted it."""
    bytes_deduplicated: int = 0
    """Bytes that some other download brought, so that this one had no need to."""
    speed: float = 0.0
    """Bytes a second over the last seconds."""
    speeds: tuple[float, ...] = ()
    """The speed of the last half minute, oldest first."""
    eta: float | None = None
    """Seconds to go, where known."""
    connections: int = 0
    retries: int = 0
    seconds: float = 0.0
    path: str | None = None
    error: str | None = None
    error_code: str | None = None
    hint: str | None = None
    """What to do about the error."""
    note: str | None = None
    """What a person should know, for example that an active model is another revision now."""
    local: bool = True
    """Whether this process runs it."""

    @property
    def near(self) -> bool:
        """Whether its files come from this box, which takes no network."""
        return ModelId.parse(self.model).source == "local"
