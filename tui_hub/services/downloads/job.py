"""A running download: its files side by side, and one frozen picture of them at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Protocol

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.downloads import Download, FileState
from tui_hub.domain.errors import HubError, InterruptedJobError, NoSpaceError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.jobs import Job, JobStatus
from tui_hub.services.concurrency import run_all
from tui_hub.services.downloads.file_download import FileDownload
from tui_hub.services.downloads.file_groups import Ended, grouped
from tui_hub.services.downloads.pictures import remembered, text_of
from tui_hub.services.downloads.standing import Standing
from tui_hub.services.downloads.waits import is_away

_log = logging.getLogger(__name__)

_WINDOW = 3.0
"""Seconds over which the speed is measured."""
_HISTORY = 40
"""Speeds kept for the small graph, one for each three quarters of a second."""


class FileRecord(Protocol):
    """Where it is written down how the files of a download fare."""

    async def waits(self, file: Artifact) -> None:
        """The file has not arrived and nobody fetches it."""

    async def failed(self, file: Artifact, error: str) -> None:
        """The file could not be had."""

    async def completed(self, files: Sequence[Artifact]) -> None:
        """The files are in the store."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a download ended."""

    status: JobStatus
    error: HubError | None = None
    away: bool = False
    """Whether nothing else is wrong than that the source stays away."""


class DownloadJob:
    """Runs the files of one download, a few at a time, until all are here or it is stopped."""

    def __init__(
        self,
        job: Job,
        files: Sequence[FileDownload],
        bring: Callable[[Sequence[FileDownload]], Ended],
        threads: ThreadPoolExecutor,
        parallel: int,
        record: FileRecord,
    ) -> None:
        self.job = job
        self._before = remembered(job)
        """What earlier attempts have cost and saved."""
        self._files = tuple(files)
        self._standing = Standing(files)
        self._groups = tuple(grouped(files, parallel))
        self._bring_in = bring
        self._threads = threads
        self._parallel = asyncio.Semaphore(parallel)
        self._record = record
        self._futures: list[Future[Ended]] = []
        self._errors: list[HubError] = []
        self._stopped: JobStatus | None = None
        self._started = time.monotonic()
        self._samples: deque[tuple[float, int]] = deque()
        self._speeds: deque[float] = deque(maxlen=_HISTORY)
        self._speed_noted = 0.0

    async def run(self) -> Outcome:
        """Bring all files in. One that fails does not stop the others; a full disk does.

        When it ends, by whatever way, no thread is at work for it any more.
        """
        try:
            await run_all(self._bring(group) for group in self._groups)
        finally:
            self._halt()
            await asyncio.shield(asyncio.to_thread(wait, self._futures))
        if all(file.snapshot().state is FileState.COMPLETED for file in self._files):
            return Outcome(JobStatus.COMPLETED)
        if self._stopped is not None:
            return Outcome(self._stopped)
        if self._errors:
            away = all(is_away(error) for error in self._errors)
            return Outcome(JobStatus.FAILED, self._worst(), away)
        return Outcome(JobStatus.COMPLETED)

    def stop(self, status: JobStatus) -> None:
        """Stop soon, to be paused or cancelled; what arrived is kept."""
        if self._stopped is not JobStatus.CANCELLED:
            self._stopped = status
        self._halt()

    def snapshot(self) -> Download:
        """The download as it stands."""
        files, sums = self._standing.look(), self._standing.sums
        speed, left = self._speed(sums.transferred), sums.total - sums.done
        before, payload = self._before, self.job.payload
        return Download(
            job=self.job.id,
            model=str(payload.get("model", "")),
            revision=text_of(payload.get("revision")),
            variant=text_of(payload.get("variant")),
            status=JobStatus.RUNNING,
            files=files,
            bytes_total=sums.total,
            done=sums.done,
            bytes_transferred=before.bytes_transferred + sums.transferred,
            bytes_last_run=sums.transferred,
            bytes_deduplicated=before.bytes_deduplicated + sums.saved,
            speed=speed,
            speeds=tuple(self._speeds),
            eta=left / speed if speed > 0 and left > 0 else None,
            connections=sums.connections,
            retries=before.retries + sums.retries,
            seconds=before.seconds + time.monotonic() - self._started,
            note=text_of(payload.get("note")),
        )

    async def _bring(self, group: Sequence[FileDownload]) -> None:
        async with self._parallel:
            if self._stopped is not None:
                for file in group:
                    await self._record.waits(file.artifact)
                return
            future = self._threads.submit(self._bring_in, group)
            self._futures.append(future)
            self._standing.begin(group)
            ended = await asyncio.wrap_future(future)
            self._standing.end(group)
        here = [artifact for artifact in ended.values() if isinstance(artifact, Artifact)]
        if here:
            await self._record.completed(here)
        for file, error in ended.items():
            if isinstance(error, HubError):
                await self._note_failure(file, error)

    async def _note_failure(self, file: FileDownload, error: HubError) -> None:
        if isinstance(error, InterruptedJobError):
            await self._record.waits(file.artifact)
            if self._stopped is None:
                self._errors.append(error)
            return
        _log.warning("%s: %s", file.artifact.path, error.message)
        self._errors.append(error)
        if isinstance(error, NoSpaceError):
            self._halt()
        await self._record.failed(file.artifact, error.message)

    def _halt(self) -> None:
        """Let no other file begin or go on; the error decides how the job ends."""
        for file in self._files:
            file.stop()

    def _worst(self) -> HubError:
        """The error that a person should see first."""
        for error in self._errors:
            if isinstance(error, NoSpaceError):
                return error
        return self._errors[0]

    def _speed(self, transferred: int) -> float:
        now = time.monotonic()
        self._samples.append((now, transferred))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()
        then, before = self._samples[0]
        speed = (transferred - before) / (now - then) if now > then else 0.0
        if now - self._speed_noted >= 0.75:
            self._speed_noted = now
            self._speeds.append(speed)
        return speed
