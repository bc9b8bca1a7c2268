"""`tui-hub jobs`: the history of background work, and changing its course."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from tui_hub.cli.options import Options, verb

if TYPE_CHECKING:
    from tui_hub.cli.console import Answer, Console
    from tui_hub.domain.jobs import Job, JobStatus, JobType
    from tui_hub.services import Services

_TYPES = ("sync", "download", "scan", "verify", "activate")
_STATUSES = ("pending", "running", "paused", "completed", "failed", "cancelled")
"""Written out, as importing the vocabulary of jobs would slow every `--help`."""
_POLL_SECONDS = 0.2
_SHORTEST = 4
"""Characters of an id that are enough to name a job, where only one begins with them."""


@verb(
    "jobs",
    "tui-hub jobs --type download --status failed --since 7d",
    "tui-hub jobs --follow 4f2a91c0",
    "tui-hub jobs --retry 4f2a91c0",
)
@click.argument("job", required=False)
@click.option("--cancel", metavar="ID", help="Cancel a job, in whichever process it runs.")
@click.option("--retry", metavar="ID", help="Run a job again, and follow it to its end.")
@click.option("--follow", metavar="ID", help="Show a job until it ends; with --json, line by line.")
@click.option("--type", "types", type=click.Choice(_TYPES), multiple=True)
@click.option("--status", "statuses", type=click.Choice(_STATUSES), multiple=True)
@click.option(
    "--since", metavar="WHEN", help="Made since: 2h, 7d, 2026-01-31 or a time in ISO 8601."
)
@click.option("--before", metavar="WHEN", help="Made before, likewise.")
@click.option("--clear", is_flag=True, help="Forget those that have ended, with their logs.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.pass_obj
def command(
    options: Options,
    job: str | None,
    cancel: str | None,
    retry: str | None,
    follow: str | None,
    types: tuple[str, ...],
    statuses: tuple[str, ...],
    since: str | None,
    before: str | None,
    clear: bool,
    limit: int,
) -> int:
    """List jobs; or show, cancel, retry, follow one; or clear the history.

    The beginning of an id is enough, from four characters on, if no other begins like it. The last
    thousand jobs that have ended are kept."""
    from tui_hub.cli.moments import parse_moment
    from tui_hub.cli.running import run

    one = sum(given is not None for given in (job, cancel, retry, follow))
    if one > 1:
        raise click.UsageError("Give one job, with one of --cancel, --retry and --follow at most.")
    if clear and one:
        raise click.UsageError("--clear takes no job, only the filters of the list.")
    if cancel is not None:
        return run(options, lambda services, console: _cancel(services, console, cancel))
    if retry is not None:
        return run(options, lambda services, console: _retry(services, console, retry))
    if follow is not None:
        return run(options, lambda services, console: _follow(services, console, follow))
    if job is not None:
        return run(options, lambda services, _: _show(services, job))
    chosen = _Filters(types, statuses, parse_moment(since), parse_moment(before))
    if clear:
        return run(options, lambda services, _: _clear(services, chosen))
    return run(options, lambda services, console: _list(services, console, chosen, limit))


@dataclass(frozen=True)
class _Filters:
    """Which jobs are meant."""

    types: tuple[str, ...]
    statuses: tuple[str, ...]
    since: str | None
    before: str | None

    def choice(self) -> tuple[list[JobType], list[JobStatus]]:
        """The types and statuses in the words of the services."""
        from tui_hub.domain.jobs import JobStatus, JobType

        return [JobType(kind) for kind in self.types], [JobStatus(one) for one in self.statuses]


async def _clear(services: Services, chosen: _Filters) -> Answer:
    from tui_hub.cli.console import Answer

    count = await services.jobs.clear(*chosen.choice(), since=chosen.since, before=chosen.before)
    words = "1 job is forgotten" if count == 1 else f"{count} jobs are forgotten"
    return Answer({"jobs": [], "cleared": count}, lines=[words], brief=())


async def _list(services: Services, console: Console, chosen: _Filters, limit: int) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer
    from tui_hub.cli.listings import job_table

    found = await services.jobs.list(
        *chosen.choice(), limit, since=chosen.since, before=chosen.before
    )
    return Answer(
        documents.jobs(found),
        lines=job_table(console, found) if found else ["No jobs."],
        brief=[job.id for job in found],
    )


async def _show(services: Services, job: str) -> Answer:
    return _answer(await _find(services, job))


async def _find(services: Services, given: str) -> Job:
    """A job by its id, or by enough of its beginning.

    Raises:
        NotFoundError: when there is none.
        UsageError: when several begin like that.
    """
    from tui_hub.domain.errors import NotFoundError, UsageError

    try:
        return await services.jobs.get(given)
    except NotFoundError:
        if len(given) < _SHORTEST:
            raise
        found = await services.jobs.beginning_with(given.lower())
        if not found:
            raise
    if len(found) > 1:
        ids = ", ".join(job.id for job in found[:5])
        raise UsageError(f"{len(found)} jobs begin with {given!r}", hint=f"For example {ids}.")
    return found[0]


async def _cancel(services: Services, console: Console, job: str) -> Answer:
    from tui_hub.domain.jobs import JobStatus

    found = await services.jobs.cancel((await _find(services, job)).id)
    if found.status is JobStatus.RUNNING:
        console.note("The process that runs it was asked to stop.")
    return _answer(found)


async def _retry(services: Services, console: Console, job: str) -> Answer:
    from tui_hub.cli.downloading import follow_download
    from tui_hub.domain.jobs import JobType

    started = await services.jobs.retry((await _find(services, job)).id)
    if started.type is JobType.DOWNLOAD:
        ended = await follow_download(services, console, started)
        answer = _answer(await services.jobs.get(started.id))
        return replace(answer, error=ended.error, code=ended.code)
    found = started
    async for found in _until_ended(services, started.id):
        _draw(console, found)
    return await _ended(services, found)


async def _follow(services: Services, console: Console, job: str) -> Answer:
    from tui_hub.cli import documents

    wanted = (await _find(services, job)).id
    async for found in _until_ended(services, wanted):
        if console.json and not _over(found):
            console.document(documents.jobs([found]))
        _draw(console, found)
    return await _ended(services, found)


async def _until_ended(services: Services, job: str) -> AsyncIterator[Job]:
    """The job each time it has changed, until it ends or rests."""
    import asyncio

    last = None
    while True:
        await services.agent.look_after_jobs()
        found = await services.jobs.get(job)
        if found != last:
            yield found
        if _over(found):
            return
        last = found
        await asyncio.sleep(_POLL_SECONDS)


def _over(job: Job) -> bool:
    """Whether a job has ended, or rests, be it until its source is back."""
    return job.status.ended or job.status.value == "paused"


def _draw(console: Console, job: Job) -> None:
    from tui_hub.cli.listings import how_far, subject

    console.progress(f"{job.type.value} {subject(job)}  {how_far(job.progress)}")


async def _ended(services: Services, job: Job) -> Answer:
    """The answer for a job that was followed to its end, with the code of the command itself."""
    from tui_hub.cli.downloading import outcome
    from tui_hub.cli.failures import failure
    from tui_hub.domain.jobs import JobStatus, JobType

    answer = _answer(job)
    if job.status is JobStatus.COMPLETED:
        return answer
    if job.status is JobStatus.FAILED and job.type is JobType.DOWNLOAD:
        told, code = outcome(await services.downloads.require(job.id))
        return replace(answer, error=told, code=code)
    if job.status is JobStatus.FAILED:
        error = failure("failed", job.error or "the job failed")
    else:
        words = [f"the job is {job.status.value}", *([job.error] if job.error else [])]
        error = failure("interrupted", ": ".join(words))
    return replace(answer, error=error)


def _answer(job: Job) -> Answer:
    from tui_hub.cli import documents
    from tui_hub.cli.console import Answer

    return Answer(documents.jobs([job]), lines=_lines(job), brief=[job.id])


def _lines(job: Job) -> Iterator[str]:
    from tui_hub.cli.listings import how_far, subject
    from tui_hub.cli.tables import fields
    from tui_hub.text import clean

    yield from fields(
        [
            ("job", job.id),
            ("type", job.type.value),
            ("subject", subject(job)),
            ("status", job.status.value),
            ("progress", how_far(job.progress)),
            ("attempts", job.attempts),
            ("created", job.created_at),
            ("started", job.started_at),
            ("finished", job.finished_at),
            ("error", job.error),
        ]
    )
    for line in job.log:
        yield "  " + clean(line, 1000)
