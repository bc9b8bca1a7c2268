"""The metrics file: figures of a home for a monitoring system, such as Prometheus.

Whichever process ends a job writes it anew, and in between whichever finds it old does.
"""

from __future__ import annotations

import asyncio
import logging
import time

from tui_hub.domain.errors import HubError
from tui_hub.domain.jobs import Job
from tui_hub.domain.metrics import exposition
from tui_hub.services.context import Context
from tui_hub.services.hardware import Hardware
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.metrics.figures import Figures
from tui_hub.services.metrics.writing import age, metrics_path, write
from tui_hub.services.storage.service import Storage
from tui_hub.services.sync.service import Sync

__all__ = ["Metrics"]

_log = logging.getLogger(__name__)


class Metrics:
    """Writes the file that the settings name; without one it does nothing."""

    def __init__(
        self, context: Context, jobs: Jobs, sync: Sync, storage: Storage, hardware: Hardware
    ) -> None:
        settings = context.configuration.settings.metrics
        self._context = context
        self._interval = settings.interval
        self._path = metrics_path(settings.file)
        self._figures = Figures(context, sync, storage, hardware)
        self._due = asyncio.Event()
        self._alone = asyncio.Lock()
        self._closing = False
        self._tasks: list[asyncio.Task[None]] = []
        self._failed: str | None = None
        if self._path is not None:
            jobs.tell(self._job_ended)

    def start(self) -> None:
        """Begin to look after the file; does nothing where none is wanted."""
        if self._path is not None and not self._tasks:
            self._tasks = [
                asyncio.create_task(self._serve(), name="metrics"),
                asyncio.create_task(self._refresh(), name="metrics interval"),
            ]

    async def settle(self) -> None:
        """Write what is due at once, and wait for it."""
        async with self._alone:
            if self._due.is_set():
                await self._write()

    async def close(self) -> None:
        """Write what is still due, and no more after that."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.settle()

    def _job_ended(self, job: Job) -> None:
        self._due.set()

    async def _serve(self) -> None:
        while True:
            await self._due.wait()
            await self.settle()

    async def _refresh(self) -> None:
        """Have the file written again when nobody has for a while."""
        while True:
            await self._context.clock.sleep(self._interval)
            if self._path is not None:
                old = await asyncio.to_thread(age, self._path, time.time())
                # Half of it: processes whose turns come by chance together share the work.
                if old is None or old >= self._interval / 2:
                    self._due.set()

    async def _write(self) -> None:
        """Write the file; what keeps it from being written is logged once."""
        self._due.clear()
        if self._path is None:
            return
        try:
            document = exposition(await self._figures.read(ask_gpus=not self._closing))
            await asyncio.to_thread(write, self._path, document)
        except asyncio.CancelledError:
            self._due.set()
            raise
        except HubError as error:
            if error.message != self._failed:
                _log.warning("the metrics are not written: %s", error.message)
            self._failed = error.message
        except Exception:  # figures never bring anything else down
            _log.exception("the metrics could not be written")
        else:
            self._failed = None
