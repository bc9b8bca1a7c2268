"""Who the processes are that hold memory of a GPU."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

from tui_hub.domain.hardware import GpuProcess
from tui_hub.text import clean

_NAME = 40
"""Characters of a name that are kept."""


def holder(pid: int, memory: int | None, own: Mapping[int, str]) -> GpuProcess:
    """The process with its user, its name and its slot, as far as they can be seen from here.

    Args:
        pid: as the driver tells it. In a container it may be a pid of the host, of which nothing
            is known here.
        memory: bytes, if the driver tells them.
        own: slots by the pid of their process; its children count as that slot's too.
    """
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            name = clean(process.name(), _NAME)
            user = clean(process.username(), _NAME)
        slot = own.get(pid) or _slot_of_parents(process, own)
    except (psutil.Error, OSError, ValueError, OverflowError):
        return GpuProcess(pid=pid, memory=memory, slot=own.get(pid), visible=False)
    return GpuProcess(pid=pid, user=user, name=name or "?", memory=memory, slot=slot)


def _slot_of_parents(process: psutil.Process, own: Mapping[int, str]) -> str | None:
    if not own:
        return None
    return next((own[one.pid] for one in process.parents() if one.pid in own), None)
