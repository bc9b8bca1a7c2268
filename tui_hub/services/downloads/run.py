"""A download that this process runs, as others get hold of it."""

from __future__ import annotations

import asyncio

from tui_hub.domain.downloads import Download
from tui_hub.domain.jobs import JobStatus
from tui_hub.services.downloads.job import DownloadJob


class DownloadRun:
    """A download that this process runs."""

    def __init__(self, picture: Download) -> None:
        self.job = picture.job
        self.task: asyncio.Task[None] | None = None
        self._work: DownloadJob | None = None
        self.lost = False
        """Whether another process goes on with it: this one must write nothing more."""
        self._stopped: JobStatus | None = None
        self._picture = picture

    def begin(self, work: DownloadJob) -> None:
        """Hand over what does the work."""
        self._work = work
        if self._stopped is not None:
            work.stop(self._stopped)

    def stop(self, status: JobStatus) -> None:
        """Stop soon, to be paused or cancelled."""
        if self._stopped is not JobStatus.CANCELLED:
            self._stopped = status
        if self._work is not None:
            self._work.stop(status)

    def lose(self) -> None:
        """Stop soon, since another process took it over."""
        self.lost = True
        self.stop(JobStatus.PAUSED)

    def snapshot(self) -> Download:
        """The download as it stands."""
        if self._work is not None:
            self._picture = self._work.snapshot()
        return self._picture

    async def ended(self) -> None:
        """Wait until the download has ended and that is written down."""
        if self.task is not None:
            await asyncio.wait([self.task])
