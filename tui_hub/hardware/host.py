"""Memory, processor and disk, through psutil."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil

from tui_hub.domain.hardware import HostSample
from tui_hub.paths import existing_parent


def read_host(store: Path) -> HostSample:
    """One reading of the box; the disk is the one that holds the store.

    Blocks for a few milliseconds. Processor use is since the last call of this process.
    """
    memory = psutil.virtual_memory()
    disk = shutil.disk_usage(existing_parent(store))
    return HostSample(
        memory_total=memory.total,
        memory_used=memory.total - memory.available,
        cpu_percent=psutil.cpu_percent(interval=None),
        disk_total=disk.total,
        disk_free=disk.free,
    )
