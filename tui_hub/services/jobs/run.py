"""A piece of work done as a job: begun, followed, ended and written down in any case."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from tui_hub.domain.errors import HubError, InterruptedJobError, LostLeaseError
from tui_hub.domain.jobs import Job, JobStatus, JobType
from tui_hub.services.concurrency import PointOfNoReturn, uninterrupted
from tui_hub.services.jobs.service import Jobs

_log = logging.getLogger(__name__)

_HEED_SECONDS = 0.5
_NAMES = {
    JobType.ACTIVATE: "the change of the slot",
    JobType.SYNC: "the sync",
    JobType.SCAN: "the scan",
    JobType.VERIFY: "the check of the store",
}


@dataclass(slots=True)
class JobRun:
    """A job while its work goes on; what is set here is written down at its end."""

    job: Job
    result: Mapping[str, object] | None = None
    error: str | None = None
    """Set by work that ends without an exception, and failed all the same."""
    unwanted: bool = False
    """Whether somebody asked for its end."""


@asynccontextmanager
async def run_job(
    jobs: Jobs,
    kind: JobType,
    payload: Mapping[str, object],
    point: PointOfNoReturn | None = None,
) -> AsyncIterator[JobRun]:
    """Do a piece of work as a job of this process, which ends with the block in any case.

    Args:
        jobs: of the home.
        kind: what the job does.
        payload: what it is about.
        point: of no return: who cancels the job once the work has passed it comes too late.

    Raises:
        LostLeaseError: when another process took the job over, at which the block is cancelled.
        InterruptedJobError: when somebody cancelled the job, at which it is, too.
    """
    worker = asyncio.current_task()
    stop: HubError | None = None
    over = False

    def end(why: HubError) -> None:
        nonlocal stop
        late = over or (why is asked and point is not None and point.passed)
        if stop is None and not late and worker is not None:
            stop = why
            run.unwanted = why is asked
            worker.cancel()

    async def take() -> None:
        run.job = await jobs.take(run.job, JobStatus.RUNNING, partial(end, lost))

    run = JobRun(await jobs.create(kind, payload))
    lost = LostLeaseError(f"job {run.job.id} belongs to another process now")
    asked = InterruptedJobError(f"{_NAMES.get(kind, kind.value)} was cancelled")
    jobs.ends_with(run.job.id, partial(end, asked))
    heed = asyncio.create_task(_heed(jobs, run.job.id, partial(end, asked)))
    try:
        await uninterrupted(take())  # who knows not whether it is theirs cannot end it either
        yield run
    except asyncio.CancelledError:
        ours = stop is not None and worker is not None and worker.uncancel() == 0
        if not (ours and stop is lost):
            ended = jobs.finish(run.job, JobStatus.CANCELLED, error="cancelled", result=run.result)
            await asyncio.shield(ended)
        if ours and stop is not None:
            raise stop from None
        raise
    except Exception as error:
        known = isinstance(error, HubError)
        message = error.message if isinstance(error, HubError) else type(error).__name__
        if not known:
            _log.exception("job %s ended by a fault of the program", run.job.id)
        if not isinstance(error, LostLeaseError):
            await jobs.log(run.job.id, f"failed: {message}")
            await jobs.finish(run.job, JobStatus.FAILED, error=message, result=run.result)
        raise
    else:
        over = True
        if stop is not None and worker is not None:
            worker.uncancel()  # it came too late, and the work went to its end
        status = JobStatus.FAILED if run.error else JobStatus.COMPLETED
        try:
            await asyncio.shield(jobs.finish(run.job, status, error=run.error, result=run.result))
        except HubError as error:
            if point is None or not point.passed:
                raise
            _log.warning(
                "job %s is done, which was not written down: %s", run.job.id, error.message
            )
    finally:
        heed.cancel()
        jobs.ends_with(run.job.id, None)


async def _heed(jobs: Jobs, job: str, end: Callable[[], None]) -> None:
    """End a piece of work when another process asks for it."""
    while True:
        await asyncio.sleep(_HEED_SECONDS)
        try:
            asked = await jobs.asked_to_end(job)
        except Exception as error:
            _log.warning("what others ask of job %s cannot be read: %s", job, error)
            continue
        if asked:
            end()
            return
