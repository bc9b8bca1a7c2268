"""Readings of the box, as frozen samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSample:
    """Memory, processor and disk of the box at one moment; sizes are bytes."""

    memory_total: int
    memory_used: int
    cpu_percent: float
    disk_total: int
    disk_free: int
    gpu_message: str = "no GPU"
    """What the frame says where no GPU can be read."""
