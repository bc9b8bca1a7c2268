"""Running queued downloads, each from its job to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from tui_hub.blobs import Hold
from tui_hub.domain.artifacts import Artifact, ArtifactStatus, partial_key
from tui_hub.domain.downloads import Download
from tui_hub.domain.errors import HubError, LostLeaseError, NoConnectionError, NotFoundError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import Job, JobStatus, Progress
from tui_hub.events import DownloadChanged
from tui_hub.services.concurrency import happens
from tui_hub.services.context import Context
from tui_hub.services.downloads.endings import DownloadEndings
from tui_hub.services.downloads.file_download import FileDownload, Means
from tui_hub.services.downloads.file_fetching import FileFetching
from tui_hub.services.downloads.file_groups import bring
from tui_hub.services.downloads.file_rows import FileRows
from tui_hub.services.downloads.file_taking import FileTaking
from tui_hub.services.downloads.job import DownloadJob, Outcome
from tui_hub.services.downloads.open_files import affordable
from tui_hub.services.downloads.other_places import other_places
from tui_hub.services.downloads.pictures import Ranges, figures, ranges_of, waiting
from tui_hub.services.downloads.run import DownloadRun
from tui_hub.services.downloads.tally import count_transferred
from tui_hub.services.downloads.transfers import Mover
from tui_hub.services.downloads.waits import is_away
from tui_hub.services.jobs.service import Jobs
from tui_hub.services.models.metadata import Metadata
from tui_hub.services.models.statuses import artifacts_of
from tui_hub.sources.base import FileRequest, Source
from tui_hub.transfer import Options

_log = logging.getLogger(__name__)

_TICK = 0.15
"""Seconds between two pictures of a running download."""
_WRITE_EVERY = 7
"""Pictures between two writes of the progress and two looks for requests of other processes."""

Ended = Callable[[str, Download], None]
Heed = Callable[[], Awaitable[None]]


class DownloadRunner:
    """Turns jobs into running downloads, and writes down how they go and end."""

    def __init__(self, context: Context, jobs: Jobs, metadata: Metadata) -> None:
        settings = context.configuration.settings
        self._context = context
        self._jobs = jobs
        self._metadata = metadata
        self._settings = settings.downloads
        self.endings = DownloadEndings(context, jobs, metadata)
        options = Options(
            connections=self._settings.connections,
            piece_size=self._settings.piece_size,
            stall=self._settings.stall,
            retries=self._settings.retries,
            timeout=settings.network.timeout,
            environment=context.configuration.environment,
        )
        self.mover = Mover(options, self._settings.limit)
        self._threads = ThreadPoolExecutor(
            affordable(self._settings.files * self._settings.jobs), thread_name_prefix="download"
        )

    def start(self, picture: Download, heed: Heed, ended: Ended) -> DownloadRun:
        """Run a waiting download.

        Args:
            picture: the download as it waits.
            heed: called every second or so, to look what other processes ask for.
            ended: called with the last picture.
        """
        run = DownloadRun(picture)
        run.task = asyncio.create_task(self._run(run, heed, ended), name=f"download {run.job}")
        return run

    async def picture(self, job: Job) -> Download:
        """A download that this process does not run right now."""
        files = await artifacts_of(self._context, job)
        here = await self._context.on_disk(_partials, self._context, files)
        picture = waiting(job, files, here, local=not self._jobs.runs_elsewhere(job))
        if job.status is not JobStatus.COMPLETED:
            return picture
        install = await self._context.hub.installs.get(picture.model)
        if install is None or install.revision != picture.revision:
            return picture
        return replace(picture, path=install.path)

    async def close(self) -> None:
        """Give the threads back; nothing may be running."""
        await asyncio.to_thread(self._threads.shutdown, True)

    async def _run(self, run: DownloadRun, heed: Heed, ended: Ended) -> None:
        picture = run.snapshot()
        try:
            picture = await self._do(run, heed, picture)
        except HubError as error:
            _log.warning("download %s: %s", run.job, error.message)
            picture = _failed(picture, error)
        except Exception:
            _log.exception("download %s ended by a fault of the program", run.job)
            picture = _failed(picture, HubError("a fault of the program; the log has the details"))
        finally:
            ended(run.job, replace(picture, local=True))

    async def _do(self, run: DownloadRun, heed: Heed, picture: Download) -> Download:
        job = await self._jobs.get(run.job)
        if not self._jobs.held.has(job):
            # Another process cancelled it, or took it over, while it waited in line here.
            return await self.picture(job)
        job = await self._jobs.take(job, JobStatus.RUNNING, run.lose)
        picture = await self.picture(job)
        try:
            try:
                return await self._bring(run, job, heed)
            except LostLeaseError:
                raise
            except HubError as error:
                outcome = Outcome(JobStatus.FAILED, error, is_away(error))
                return await self.endings.finish(job, outcome, picture)
            except Exception:
                _log.exception("download %s ended by a fault of the program", run.job)
                fault = HubError("a fault of the program ended it; the log has the details")
                return await self.endings.finish(job, Outcome(JobStatus.FAILED, fault), picture)
        except LostLeaseError:
            return await self.picture(await self._jobs.get(run.job))

    async def _bring(self, run: DownloadRun, job: Job, heed: Heed) -> Download:
        artifacts = await artifacts_of(self._context, job)
        if not artifacts:
            raise NotFoundError("the files of this download are not known any more")
        hashes = [file.sha256 for file in artifacts if file.sha256]
        sizes = {partial_key(file): file.size for file in artifacts if file.size}
        owners = await self._owners(artifacts[0].model, hashes)
        hold = await self._context.on_disk(Hold, self._context.store, hashes, sizes)
        transfers = self.mover.begin()
        try:
            means = Means(self._context.store, hold, transfers, owners)
            work = DownloadJob(
                job,
                await self._files(job, artifacts, means),
                partial(bring, self._context.store, hold),
                self._threads,
                self._settings.files,
                FileRows(self._context.hub.artifacts, job.id),
            )
            run.begin(work)
            over = asyncio.Event()
            watcher = asyncio.create_task(self._watch(run, job, heed, hold, over))
            try:
                outcome = await work.run()
            finally:
                # Not cancelled: it may be at what was asked of another download, half done.
                over.set()
                await watcher
            picture = work.snapshot()
            await count_transferred(self._context, job, picture)
            return await self.endings.finish(job, outcome, picture)
        finally:
            await asyncio.to_thread(transfers.close)
            await self._context.on_disk(hold.release)

    async def _owners(self, model: str, hashes: Sequence[str]) -> dict[str, str]:
        """Other models that have some files already, by the files' SHA-256."""
        rows = await self._context.hub.artifacts.holding(hashes)
        return {row.blob: row.model for row in rows if row.blob and row.model != model}

    async def _files(self, job: Job, artifacts: list[Artifact], means: Means) -> list[FileDownload]:
        source = self._context.source(ModelId.parse(str(job.payload.get("model"))))
        copies = await self._context.on_disk(
            self._metadata.copies_of, artifacts[0].model, artifacts
        )
        partials = await self._context.on_disk(_partials, self._context, artifacts)
        files: list[FileDownload] = []
        for artifact, copy in zip(artifacts, copies, strict=True):
            request = await self._request(source, artifact, copied=copy is not None)
            named, here = replace(artifact, job=job.id), ranges_of(artifact, partials)
            if request.file is not None:
                files.append(FileTaking(means, named, request, copy, here))
            else:
                others = await other_places(self._context, source, artifact)
                files.append(FileFetching(means, named, request, copy, others, here))
        await self._context.hub.artifacts.mark(
            [artifact.id for artifact in artifacts], ArtifactStatus.DOWNLOADING, job=job.id
        )
        return files

    async def _request(self, source: Source, artifact: Artifact, *, copied: bool) -> FileRequest:
        """How to fetch a file; what is here already need not be at its source any more.

        Raises:
            HubError: when it can be had nowhere, or not offline.
        """
        try:
            request = await source.request(artifact)
            if request.file is None and self._context.configuration.offline and not copied:
                raise NoConnectionError(
                    f"offline: {artifact.path} was not fetched",
                    hint="Leave out --offline, or unset HF_HUB_OFFLINE, to download it.",
                )
            return request
        except HubError:
            blob = artifact.blob or artifact.sha256
            if blob is None or not await self._context.on_disk(self._context.store.has, blob):
                raise
            return FileRequest(url="")

    async def _watch(
        self, run: DownloadRun, job: Job, heed: Heed, hold: Hold, over: asyncio.Event
    ) -> None:
        """Tell whoever listens that there is a new picture; write it down now and then."""
        tick = 0
        while not await happens(over, _TICK):
            self._context.bus.publish(DownloadChanged(job.id))
            tick += 1
            if tick % _WRITE_EVERY:
                continue
            try:
                await self._look(run, job)
                await heed()
                await self._context.on_disk(hold.beat)
            except HubError as error:
                _log.warning("download %s: %s", job.id, error.message)
            except Exception:
                _log.exception("download %s could not be looked after", job.id)

    async def _look(self, run: DownloadRun, job: Job) -> None:
        """Write the progress down, and do what another process asks of this download."""
        picture = run.snapshot()
        progress = Progress(done=picture.done, total=picture.bytes_total)
        await self._jobs.progress(job, progress, figures(picture))
        asked = (await self._context.hub.jobs.requests([job.id])).get(job.id)
        if asked is not None:
            run.stop(JobStatus.CANCELLED if asked == "cancel" else JobStatus.PAUSED)


def _partials(context: Context, files: Sequence[Artifact]) -> dict[str, Ranges]:
    """The ranges of unfinished files that earlier attempts left, by path."""
    found = {partial.key: partial.ranges for partial in context.store.partials()}
    return {file.path: found[partial_key(file)] for file in files if partial_key(file) in found}


def _failed(picture: Download, error: HubError) -> Download:
    return replace(
        picture,
        status=JobStatus.FAILED,
        error=error.message,
        error_code=error.code,
        hint=error.hint,
    )
