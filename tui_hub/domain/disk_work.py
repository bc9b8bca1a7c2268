"""Long work on the disk, as a person watches it."""

from __future__ import annotations

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.jobs import JobType


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPicture:
    """One piece of work on the disk of this box while it goes on. Sizes are bytes."""

    job: str
    type: JobType
    subject: str = ""
    """What it is at right now, a file for example. Not clean."""
    done: int = 0
    total: int | None = None
    """`None` while it is unknown."""
    speed: float = 0.0
    """Bytes a second."""

    @property
    def eta(self) -> float | None:
        """Seconds that it will still take, where that can be told."""
        if self.total is None or self.speed <= 0:
            return None
        return max(self.total - self.done, 0) / self.speed
