"""Running one queued download from its job to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tui_hub import text
from tui_hub.blobs import Hold
from tui_hub.domain.artifacts import Artifact, ArtifactStatus
from tui_hub.domain.downloads import Download
from tui_hub.domain.errors import HubError, NotFoundError
from tui_hub.domain.identifiers import ModelId
from tui_hub.domain.jobs import Job, JobStatus, Progress
from tui_hub.events import DownloadChanged
from tui_hub.services import installing
from tui_hub.services.context import Context
from tui_hub.services.download_job import DownloadJob, Outcome, waiting
from tui_hub.services.file_download import FileDownload, Means
from tui_hub.services.jobs import Jobs
from tui_hub.services.repositories import Repositories
from tui_hub.transfer import Options, Pool, RateLimiter

_log = logging.getLogger(__name__)

_TICK = 0.15
"""Seconds between two pictures of a running download."""
_WRITE_EVERY = 7
"""Pictures between two writes of the progress and two looks for requests of other processes."""

Ended = Callable[[str, Download], None]


class DownloadRun:
    """A download that this process runs."""

    def __init__(self, picture: Download) -> None:
        self.job = picture.job
        self.task: asyncio.Task[None] | None = None
        self._work: DownloadJob | None = None
        self._stopped: JobStatus | None = None
        self._picture = picture

    def begin(self, work: DownloadJob) -> None:
        """Hand over what does the work."""
        self._work = work
        if self._stopped is not None:
            work.stop(self._stopped)

    def stop(self, status: JobStatus) -> None:
        """Stop soon, to be paused or cancelled."""
        self._stopped = self._stopped or status
        if self._work is not None:
            self._work.stop(status)

    def snapshot(self) -> Download:
        """The download as it stands."""
        if self._work is not None:
            self._picture = self._work.snapshot()
        return self._picture

    async def ended(self) -> None:
        """Wait until the download has ended and that is written down."""
        if self.task is not None:
            await asyncio.wait([self.task])


class DownloadRunner:
    """Turns jobs into running downloads, and writes down how they go and end."""

    def __init__(self, context: Context, jobs: Jobs, repositories: Repositories) -> None:
        settings = context.configuration.settings
        self._context = context
        self._jobs = jobs
        self._repositories = repositories
        self._settings = settings.downloads
        self.limiter = RateLimiter(self._settings.limit)
        self._options = Options(
            connections=self._settings.connections,
            piece_size=self._settings.piece_size,
            stall=self._settings.stall,
            retries=settings.network.retries,
            timeout=settings.network.timeout,
            environment=context.configuration.environment,
        )
        self._threads = ThreadPoolExecutor(
            self._settings.files * self._settings.jobs, thread_name_prefix="download"
        )

    def start(self, picture: Download, ended: Ended) -> DownloadRun:
        """Run a waiting download; `ended` is called with its last picture."""
        run = DownloadRun(picture)
        run.task = asyncio.create_task(self._run(run, ended), name=f"download {run.job}")
        return run

    async def artifacts(self, job: Job) -> list[Artifact]:
        """The files that a download job is about, as the database has them."""
        model, revision = str(job.payload.get("model")), job.payload.get("revision")
        wanted = job.payload.get("paths")
        paths = set(wanted) if isinstance(wanted, list) else set()
        files = await self._context.hub.artifacts.of(model, str(revision))
        return [file for file in files if file.path in paths]

    async def close(self) -> None:
        """Give the threads back; nothing may be running."""
        await asyncio.to_thread(self._threads.shutdown, True)

    async def _run(self, run: DownloadRun, ended: Ended) -> None:
        picture = run.snapshot()
        job = await self._jobs.get(run.job)
        try:
            job = await self._jobs.begin(job)
            picture = waiting(job, await self.artifacts(job))
            try:
                picture = await self._bring(run, job)
            except HubError as error:
                picture = await self._finish(job, Outcome(JobStatus.FAILED, error), picture)
        except HubError as error:
            _log.warning("download %s: %s", run.job, error.message)
            picture = _failed(picture, error)
        except Exception:
            _log.exception("download %s ended by a fault of the program", run.job)
            fault = HubError("a fault of the program ended it; the log file has the details")
            picture = await self._finish(job, Outcome(JobStatus.FAILED, fault), picture)
        finally:
            ended(run.job, replace(picture, local=True))

    async def _bring(self, run: DownloadRun, job: Job) -> Download:
        artifacts = await self.artifacts(job)
        if not artifacts:
            raise NotFoundError("the files of this download are not known any more")
        pool = Pool(self._options.environment, timeout=self._options.timeout)
        hashes = [file.sha256 for file in artifacts if file.sha256]
        hold = await self._context.on_disk(Hold, self._context.store, hashes)
        try:
            means = Means(self._context.store, hold, self._options, self.limiter, pool)
            work = DownloadJob(
                job,
                await self._files(job, artifacts, means),
                self._threads,
                self._settings.files,
                self._context.hub.artifacts.save,
            )
            run.begin(work)
            watcher = asyncio.create_task(self._watch(run, job))
            try:
                outcome = await work.run()
            finally:
                watcher.cancel()
            return await self._finish(job, outcome, work.snapshot())
        finally:
            pool.close()
            await self._context.on_disk(hold.release)

    async def _files(self, job: Job, artifacts: list[Artifact], means: Means) -> list[FileDownload]:
        model = ModelId.parse(str(job.payload.get("model")))
        source = self._context.source(model)
        files = []
        for artifact in artifacts:
            claimed = replace(artifact, job=job.id)
            if artifact.status is not ArtifactStatus.COMPLETED:
                claimed = replace(claimed, status=ArtifactStatus.DOWNLOADING)
            files.append(
                FileDownload(
                    means,
                    claimed,
                    await source.request(artifact),
                    await self._context.on_disk(self._repositories.metadata_copy, artifact),
                )
            )
        await self._context.hub.artifacts.save(*(file.artifact for file in files))
        return files

    async def _watch(self, run: DownloadRun, job: Job) -> None:
        """Tell whoever listens that there is a new picture; write it down now and then."""
        tick = 0
        while True:
            await asyncio.sleep(_TICK)
            self._context.bus.publish(DownloadChanged(job.id))
            tick += 1
            if tick % _WRITE_EVERY == 0:
                picture = run.snapshot()
                await self._jobs.progress(
                    job, Progress(done=picture.done, total=picture.bytes_total)
                )
                asked = (await self._context.hub.jobs.requests([job.id])).get(job.id)
                if asked is not None:
                    run.stop(JobStatus.CANCELLED if asked == "cancel" else JobStatus.PAUSED)

    async def _finish(self, job: Job, outcome: Outcome, picture: Download) -> Download:
        """Publish what is here, then write down how the download ended."""
        path = None
        try:
            path = await self._publish(job, picture)
        except HubError as failure:
            outcome = Outcome(JobStatus.FAILED, outcome.error or failure)
        failed = outcome.status is JobStatus.FAILED
        await installing.settle_status(self._context, picture.model, failed=failed)
        error = outcome.error
        await self._jobs.log(job.id, _sentence(outcome, picture))
        await self._jobs.finish(
            job,
            outcome.status,
            error=None if error is None else error.message,
            progress=Progress(done=picture.done, total=picture.bytes_total),
        )
        return replace(
            picture,
            status=outcome.status,
            path=path,
            speed=0.0,
            eta=None,
            connections=0,
            error=None if error is None else error.message,
            error_code=None if error is None else error.code,
        )

    async def _publish(self, job: Job, picture: Download) -> str | None:
        model = await self._context.catalogue.models.get(picture.model)
        if model is None or not picture.revision:
            return None
        path = await installing.publish(self._context, model, picture.revision, _ref(job))
        if path is not None:
            files = await self._context.hub.artifacts.of(model.id, picture.revision)
            await self._repositories.keep_metadata(ModelId.parse(model.id), files)
        return path


def _sentence(outcome: Outcome, picture: Download) -> str:
    line = (
        f"{outcome.status}: {text.size(picture.done)} of {text.size(picture.bytes_total)} here, "
        f"{text.size(picture.bytes_transferred)} transferred, "
        f"{text.size(picture.bytes_deduplicated)} were here already, {picture.retries} retries"
    )
    return line if outcome.error is None else f"{line}: {outcome.error.message}"


def _failed(picture: Download, error: HubError) -> Download:
    return replace(picture, status=JobStatus.FAILED, error=error.message, error_code=error.code)


def _ref(job: Job) -> str | None:
    """The branch or tag that was asked for, which stands for the revision in the views."""
    ref = job.payload.get("ref")
    return ref if isinstance(ref, str) and ref != job.payload.get("revision") else None
