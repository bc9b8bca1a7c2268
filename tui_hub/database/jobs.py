"""Jobs: what they are, who runs them, what they said."""

# ruff: noqa: S608 - what is put into the SQL are this module's own constants and marks

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence

from tui_hub.database.connection import Database, Transaction
from tui_hub.database.job_rows import COLUMNS, SAVED, job_of, owner_values, values
from tui_hub.database.values import optional, plain
from tui_hub.domain.errors import LostLeaseError
from tui_hub.domain.jobs import Job, JobStatus, JobType, Owner
from tui_hub.processes import beat
from tui_hub.text import now

LOG_LINES = 200
"""Lines kept of each job's log."""
HISTORY = 1000
"""Jobs kept that have ended; beyond that the oldest go."""

_ENDED = tuple(status for status in JobStatus if status.ended)


class JobTable:
    """The jobs of this home, of all its processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, job: Job) -> None:
        """Put a new job in, log and request included."""
        row = (plain(job.id), *values(job), optional(job.request), job.fence, beat())
        async with self._database.write() as transaction:
            await transaction.execute(
                f"INSERT INTO jobs ({COLUMNS}) VALUES ({_marks(len(row))})", row
            )
            await _append(transaction, job.id, job.log)
            await _prune(transaction)

    async def get(self, job: str) -> Job | None:
        """One job with its log."""
        found = await self._fetch("WHERE id = ?", (plain(job),))
        return found[0] if found else None

    async def list(
        self,
        types: Sequence[JobType] = (),
        statuses: Sequence[JobStatus] = (),
        limit: int = 100,
        *,
        since: str | None = None,
        before: str | None = None,
    ) -> builtins.list[Job]:
        """Jobs of these types and statuses, newest first; an empty choice means all.

        Args:
            types: the types.
            statuses: the statuses.
            limit: how many at most; -1 means all.
            since: made then or later.
            before: made earlier than that.
        """
        where, arguments = _conditions(types, statuses, since, before)
        return await self._fetch(
            f"WHERE {where} ORDER BY created_at DESC, number DESC LIMIT ?", (*arguments, limit)
        )

    async def beginning_with(self, beginning: str, limit: int) -> builtins.list[Job]:
        """Jobs whose ids begin so, newest first."""
        return await self._fetch(
            "WHERE substr(id, 1, ?) = ? ORDER BY number DESC LIMIT ?",
            (len(beginning), plain(beginning), limit),
        )

    async def clear(
        self,
        types: Sequence[JobType] = (),
        statuses: Sequence[JobStatus] = (),
        *,
        since: str | None = None,
        before: str | None = None,
    ) -> int:
        """Forget jobs that have ended, chosen as by `list`; how many those were."""
        ended = [status for status in _ENDED if not statuses or status in statuses]
        if not ended:
            return 0
        where, arguments = _conditions(types, ended, since, before)
        async with self._database.write() as transaction:
            return await transaction.execute(f"DELETE FROM jobs WHERE {where}", arguments)

    async def counts(self) -> dict[tuple[JobType, JobStatus], int]:
        """How many jobs there are of each type and status, where there are any."""
        rows = await self._database.read("SELECT type, status, count(*) FROM jobs GROUP BY 1, 2")
        return {(JobType(kind), JobStatus(status)): count for kind, status, count in rows}

    async def running(self) -> builtins.list[Job]:
        """The jobs that some process runs, or ran when it died."""
        return await self.list(statuses=(JobStatus.RUNNING,), limit=-1)

    async def save(self, job: Job) -> None:
        """Write all of a job but its log and its request, which others write too.

        Raises:
            LostLeaseError: when the job has had another owner since it was read.
        """
        names = SAVED.split(", ")
        async with self._database.write() as transaction:
            changed = await transaction.execute(
                f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in names)}"
                " WHERE id = ? AND fence = ?",
                (*values(job), plain(job.id), job.fence),
            )
        if not changed:
            raise LostLeaseError(f"job {job.id} belongs to another process now")

    async def take(self, job: Job, owner: Owner | None, status: JobStatus) -> bool:
        """Make a job this owner's, under the next fence number, unless another was faster.

        Args:
            job: the job as it was read; whoever changed its owner or status since was faster.
            owner: the process that takes it; `None` leaves it to any.
            status: `running`, which counts as an attempt, or where else it stands now.
        """
        starts = status is JobStatus.RUNNING and job.status is not JobStatus.RUNNING
        async with self._database.write() as transaction:
            changed = await transaction.execute(
                "UPDATE jobs SET status = ?, fence = fence + 1, beat = ?, request = NULL,"
                " attempts = attempts + ?, error = NULL,"
                " started_at = iif(?, ?, started_at), finished_at = NULL,"
                " host = ?, pid = ?, started = ?, boot = ?"
                " WHERE id = ? AND fence = ? AND status = ?",
                (
                    status,
                    beat(),
                    starts,
                    starts,
                    now(),
                    *owner_values(owner),
                    plain(job.id),
                    job.fence,
                    job.status,
                ),
            )
        return changed == 1

    async def renew(self, jobs: Mapping[str, int]) -> set[str]:
        """Show that the owner of some jobs lives; those that it has lost.

        Args:
            jobs: the fence number under which each is held, by id.
        """
        lost = set()
        async with self._database.write() as transaction:
            for job, fence in jobs.items():
                changed = await transaction.execute(
                    "UPDATE jobs SET beat = ? WHERE id = ? AND fence = ?",
                    (beat(), plain(job), fence),
                )
                if not changed:
                    lost.add(job)
        return lost

    async def log(self, job: str, *lines: str) -> None:
        """Add to a job's log; the last `LOG_LINES` lines are kept."""
        async with self._database.write() as transaction:
            await _append(transaction, job, lines)

    async def ask(self, job: str, request: str | None) -> None:
        """Ask the owner of a job to `pause` or `cancel` it; `None` takes that back."""
        async with self._database.write() as transaction:
            await transaction.execute(
                "UPDATE jobs SET request = ? WHERE id = ?", (optional(request), plain(job))
            )

    async def requests(self, jobs: Iterable[str]) -> dict[str, str]:
        """What was asked of each of these jobs, where something was."""
        wanted = [plain(job) for job in jobs]
        rows = await self._database.read(
            f"SELECT id, request FROM jobs WHERE request IS NOT NULL"
            f" AND id IN ({_marks(len(wanted))})",
            wanted,
        )
        return dict(rows)

    async def _fetch(self, where: str, arguments: Sequence[object]) -> builtins.list[Job]:
        rows = await self._database.read(f"SELECT {COLUMNS} FROM jobs {where}", arguments)
        logs = await self._logs([row[0] for row in rows])
        return [job_of(row, tuple(logs.get(row[0], ()))) for row in rows]

    async def _logs(self, jobs: Sequence[str]) -> dict[str, builtins.list[str]]:
        logs: dict[str, builtins.list[str]] = {}
        for job, line in await self._database.read(
            f"SELECT job, line FROM job_lines WHERE job IN ({_marks(len(jobs))}) ORDER BY number",
            jobs,
        ):
            logs.setdefault(job, []).append(line)
        return logs


async def _append(transaction: Transaction, job: str, lines: Sequence[str]) -> None:
    name = plain(job)
    await transaction.executemany(
        "INSERT INTO job_lines (job, line) SELECT id, ? FROM jobs WHERE id = ?",
        [(plain(line), name) for line in lines[-LOG_LINES:]],
    )
    await transaction.execute(
        "DELETE FROM job_lines WHERE job = ? AND number <="
        " (SELECT number FROM job_lines WHERE job = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (name, name, LOG_LINES),
    )


async def _prune(transaction: Transaction) -> None:
    """Let the oldest of the jobs go that have ended, where they are too many."""
    marks = _marks(len(_ENDED))
    await transaction.execute(
        f"DELETE FROM jobs WHERE status IN ({marks}) AND number <= (SELECT number FROM jobs"
        f" WHERE status IN ({marks}) ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (*_ENDED, *_ENDED, HISTORY),
    )


def _conditions(
    types: Sequence[JobType],
    statuses: Sequence[JobStatus],
    since: str | None,
    before: str | None,
) -> tuple[str, tuple[object, ...]]:
    conditions = ["1"]
    arguments: builtins.list[object] = [*types, *statuses]
    if types:
        conditions.append(f"type IN ({_marks(len(types))})")
    if statuses:
        conditions.append(f"status IN ({_marks(len(statuses))})")
    for moment, sign in ((since, ">="), (before, "<")):
        if moment is not None:
            conditions.append(f"created_at {sign} ?")
            arguments.append(plain(moment))
    return " AND ".join(conditions), tuple(arguments)


def _marks(count: int) -> str:
    return ", ".join("?" * count)
