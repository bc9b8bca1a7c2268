"""Who the processes are that hold memory of a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import psutil

from tui_hub.domain.hardware import GpuProcess
from tui_hub.text import clean

_NAME = 40
"""Characters of a name that are kept."""


def holder(
    pid: int, memory: int | None, own: Mapping[int, str], utilization: int | None = None
) -> GpuProcess:
    """The process with its user, its name and its slot, as far as they can be seen from here.

    Args:
        pid: as the driver tells it. In a container it may be a pid of the host, of which nothing
            is known here.
        memory: bytes, if the driver tells them.
        own: slots by the pid of their process; its children count as that slot's too.
        utilization: percent, if the driver tells it.
    """
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            name = clean(process.name(), _NAME)
            user = clean(process.username(), _NAME)
        slot = own.get(pid) or _slot_of_parents(process, own)
    except (psutil.Error, OSError, ValueError, OverflowError):
        unseen = GpuProcess(pid=pid, memory=memory, utilization=utilization, visible=False)
        return replace(unseen, slot=own.get(pid))
    return GpuProcess(
        pid=pid,
        user=user,
        name=name or "?",
        memory=memory,
        utilization=utilization,
        slot=slot,
    )


def _slot_of_parents(process: psutil.Process, own: Mapping[int, str]) -> str | None:
    if not own:
        return None
    return next((own[one.pid] for one in process.parents() if one.pid in own), None)
