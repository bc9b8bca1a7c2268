"""What a reader of GPUs must be able to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tui_hub.domain.frozen import dataclass
from tui_hub.domain.hardware import GpuSample


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReading:
    """The GPUs of the box, or why none can be read."""

    gpus: tuple[GpuSample, ...] = ()
    error: str | None = None
    """In words for people; up to the first colon they are the short form. `None` with GPUs."""


class GpuProbe(Protocol):
    """Reads the GPUs of the box. Blocks, and belongs to one thread."""

    def read(self, own: Mapping[int, str], *, complete: bool) -> GpuReading:
        """Read memory and use of every GPU; what can go wrong is told in the reading.

        Args:
            own: which slot a process of ours stands for, by its pid.
            complete: read afresh what else is read only every few seconds.
        """
        ...

    def close(self) -> None:
        """Let go of the driver. Another reading takes hold of it again."""
        ...
