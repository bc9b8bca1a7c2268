"""Live readings of the box, taken off the loop."""

from __future__ import annotations

import asyncio
import logging

from tui_hub.domain.hardware import HostSample
from tui_hub.events import HardwareSampled
from tui_hub.hardware import read_host
from tui_hub.services.context import Context

_log = logging.getLogger(__name__)


class Hardware:
    """Holds the latest reading, and takes new ones while somebody watches."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._task: asyncio.Task[None] | None = None
        self.sample: HostSample | None = None
        """The latest reading; `None` before the first."""

    def start(self, interval: float = 1.0) -> None:
        """Begin to read every `interval` seconds; does nothing when that goes on already."""
        if self._task is None:
            self._task = asyncio.create_task(self._watch(interval), name="hardware")

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _watch(self, interval: float) -> None:
        while True:
            try:
                sample = await asyncio.to_thread(read_host, self._context.configuration.paths.store)
            except OSError as error:
                _log.warning("the box cannot be read: %s", error)
            else:
                self._take(sample)
            await asyncio.sleep(interval)

    def _take(self, sample: HostSample) -> None:
        if sample != self.sample:
            self.sample = sample
            self._context.bus.publish(HardwareSampled())
