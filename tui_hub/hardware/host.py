"""Memory, processor and disk, through psutil."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil

from tui_hub.domain.hardware import HostSample
from tui_hub.hardware.control_groups import tightest
from tui_hub.paths import existing_parent

_FIRST = 0.1
"""Seconds over which the first reading measures the processor."""


class HostProbe:
    """Reads the box. Blocks for a moment, and belongs to one thread."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._interval: float | None = _FIRST

    def read(self) -> HostSample:
        """One reading; the disk is the one that holds the store.

        In a container or a batch job, the memory is what that is allowed.
        Processor use is since the last reading, the first one over a tenth of a second.

        Raises:
            OSError: when the disk cannot be asked.
        """
        memory = psutil.virtual_memory()
        total, free = memory.total, memory.available
        allowance = tightest()
        if allowance is not None and allowance.limit < total:
            total, free = allowance.limit, min(free, allowance.free)
        disk = shutil.disk_usage(existing_parent(self._store))
        # psutil keeps the last figures for each thread, and has none for the first reading.
        interval, self._interval = self._interval, None
        return HostSample(
            memory_total=total,
            memory_used=total - free,
            cpu_percent=psutil.cpu_percent(interval=interval),
            disk_total=disk.total,
            disk_free=disk.free,
        )
