"""What is known of jobs: looked up, listed, and cleared once they have ended."""

from __future__ import annotations

from collections.abc import Sequence

from tui_hub import text
from tui_hub.database.jobs import JobTable
from tui_hub.domain.errors import NotFoundError, UsageError
from tui_hub.domain.jobs import Job, JobStatus, JobType


class JobHistory:
    """The jobs of this home, of all its processes."""

    def __init__(self, table: JobTable) -> None:
        self._table = table

    async def list(
        self,
        types: Sequence[JobType] = (),
        statuses: Sequence[JobStatus] = (),
        limit: int = 100,
        *,
        since: str | None = None,
        before: str | None = None,
    ) -> tuple[Job, ...]:
        """Jobs, newest first; `since` and `before` are times at which they were made."""
        return tuple(await self._table.list(types, statuses, limit, since=since, before=before))

    async def beginning_with(self, beginning: str, limit: int = 10) -> tuple[Job, ...]:
        """Jobs whose ids begin so, newest first."""
        return tuple(await self._table.beginning_with(beginning, limit))

    async def clear(
        self,
        types: Sequence[JobType] = (),
        statuses: Sequence[JobStatus] = (),
        *,
        since: str | None = None,
        before: str | None = None,
    ) -> int:
        """Forget jobs that have ended, with their logs; how many those were.

        Raises:
            UsageError: when a status is named in which jobs are still wanted.
        """
        alive = [status.value for status in statuses if not status.ended]
        if alive:
            raise UsageError(
                f"jobs that are {alive[0]} cannot be cleared",
                hint="`tui-hub jobs --cancel ID` ends one.",
            )
        return await self._table.clear(types, statuses, since=since, before=before)

    async def get(self, job: str) -> Job:
        """A job by its id.

        Raises:
            NotFoundError: when there is none.
        """
        found = await self._table.get(job)
        if found is None:
            raise NotFoundError(
                f"there is no job {text.clean(job, 40)!r}", hint="`tui-hub jobs` lists them."
            )
        return found
