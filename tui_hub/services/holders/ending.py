"""Ending processes by force that are surely ours."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from tui_hub import processes
from tui_hub.domain.errors import HubError
from tui_hub.domain.jobs import Owner
from tui_hub.runtime.server_children import MARK

_GRACE = 5.0
_POLL = 0.05


def kill_marked(name: str) -> None:
    """End what a process left behind that was killed itself; by its mark that is surely ours."""
    for pid in processes.marked(MARK, name):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


async def kill(holder: Owner, model: str) -> None:
    """End the process that holds a model, known by its start time, though it answers nobody.

    Raises:
        HubError: when it does not end.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(holder.pid, number)
        except ProcessLookupError:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _GRACE
        while loop.time() < deadline:
            if not processes.alive(holder):
                return
            await asyncio.sleep(_POLL)
    raise HubError(f"the process {holder.pid} that holds {model} does not end")
